#!/bin/sh
# A machine with a systemd of its own as its first process, in the network namespace of whoever starts it, with an /etc and
# a /usr that are overlays, and an installation in FOLDER/install on top: systemd_machine.sh FOLDER. Prints that process's
# number; ends with its standard input. `reboot` on standard input starts systemd anew.
set -e
case $INSIDE_MACHINE in
"") INSIDE_MACHINE=1 exec unshare --mount --cgroup "$0" "$@" ;;
2)
	mount -t proc proc /proc
	exec env -i container=test PATH="$PATH" /lib/systemd/systemd --system --unit=multi-user.target --log-target=null
	;;
esac
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# The source may lie below /tmp: it stays where it is.
source=$(cd "$(dirname "$0")/../.." && pwd -P)
mount --rbind "$source" /mnt
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -p "$source"
mount --rbind /mnt "$source"
umount -l /mnt
mkdir -p /tmp/machine
mount -t tmpfs -o mode=755 tmpfs /tmp/machine
mount -t tmpfs -o mode=755 tmpfs /dev/net
mknod -m 666 /dev/net/tun c 10 200
for top in etc usr; do
	mkdir -p "/tmp/machine/$top-upper" "/tmp/machine/$top-work" "$1/install/$top"
	mount -t overlay -o "lowerdir=$1/install/$top:/$top,upperdir=/tmp/machine/$top-upper,workdir=/tmp/machine/$top-work" overlay "/$top"
done
# Of the machine around it nothing is started, and no initrd is made.
rm -rf /etc/systemd/system/* /usr/sbin/update-initramfs /usr/lib/systemd/system/multi-user.target.wants
printf '[Unit]\nDescription=Test\nDefaultDependencies=no\nAllowIsolate=yes\n' >/etc/systemd/system/multi-user.target
for unit in network-pre.target sysinit.target basic.target systemd-udevd.service; do
	ln -s /dev/null "/etc/systemd/system/$unit" 2>/dev/null || true
done
rm /etc/systemd/system/sysinit.target /etc/systemd/system/basic.target /etc/systemd/system/network-pre.target
for unit in sysinit basic network-pre; do
	printf '[Unit]\nDescription=Test\nDefaultDependencies=no\n' >"/etc/systemd/system/$unit.target"
done
boot() {
	INSIDE_MACHINE=2 unshare --pid --fork --mount --kill-child "$0" "$@" </dev/null >/dev/null &
	manager=$!
	until first=$(pgrep -P $manager); do
		kill -0 $manager || exit 1
	done
	echo "$first"
}
boot "$@"
while read -r word; do
	kill -KILL "$first"
	wait $manager || true
	rm -rf /run/systemd /run/portcullis
	[ "$word" != reboot ] || boot "$@"
done
kill -KILL "$first"
wait $manager || true
