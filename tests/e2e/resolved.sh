#!/bin/sh
# A real systemd-resolved on a private system bus, in namespaces of its own: `resolved.sh DIR COMMAND...`
# DIR holds the unpacked systemd-resolved package; nothing of it is installed, and the machine's own
# resolver, bus and /etc are not touched. COMMAND finds resolvectl in /usr/bin and tun0 in its network.
set -eu

if [ "${PORTCULLIS_INSIDE:-}" != yes ]; then
	dir=$(cd "$1" && pwd)
	shift
	PORTCULLIS_INSIDE=yes exec unshare --mount --net --pid --fork --kill-child "$0" "$dir" "$@"
fi

dir=$1
shift
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir -p /run/dbus /run/systemd/resolve /run/etc

# The service runs as a user of its own, which this machine may not have.
cp /etc/passwd /etc/group /run/etc/
grep -q '^systemd-resolve:' /etc/passwd || echo 'systemd-resolve:x:64995:64995::/:/usr/sbin/nologin' >>/run/etc/passwd
grep -q '^systemd-resolve:' /etc/group || echo 'systemd-resolve:x:64995:' >>/run/etc/group
mount --bind /run/etc/passwd /etc/passwd
mount --bind /run/etc/group /etc/group
chown systemd-resolve:systemd-resolve /run/systemd/resolve
mount -t overlay overlay -o "lowerdir=$dir/usr/bin:/usr/bin" /usr/bin

cat >/run/dbus/system.conf <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow send_type="method_return"/><allow send_type="error"/><allow send_type="signal"/>
    <allow receive_type="method_call"/><allow receive_type="method_return"/>
    <allow receive_type="error"/><allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <includedir>$dir/usr/share/dbus-1/system.d</includedir>
</busconfig>
END

ip link set lo up
ip tuntap add tun0 mode tun
ip link set tun0 up
ip address add 10.8.0.2/24 dev tun0

dbus-daemon --config-file=/run/dbus/system.conf --nofork --nopidfile >/run/bus.log 2>&1 &
bus=$!
tries=0
until [ -S /run/dbus/system_bus_socket ]; do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || { cat /run/bus.log >&2; exit 1; }
	sleep 0.05
done
resolved=
if [ "${WITHOUT_RESOLVED:-}" != yes ]; then
	"$dir/lib/systemd/systemd-resolved" >/run/resolved.log 2>&1 &
	resolved=$!
	tries=0
	until resolvectl --no-pager dns >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || { cat /run/resolved.log /run/bus.log >&2; exit 1; }
		sleep 0.05
	done
fi
result=0
"$@" || result=$?
kill $bus $resolved
exit $result
