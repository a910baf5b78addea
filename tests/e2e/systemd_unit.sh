#!/bin/sh
# Runs one unit file under a systemd of its own, the first process of its own name space, as a system's manager is (that of
# a user, root's too, puts units into user name spaces in some versions), with mounts, a cgroup name space and a /run/systemd
# of its own: systemd_unit.sh UNIT_FILE TMP_FOLDER. Ends with its standard input. What it says goes to standard output.
set -e
case $INSIDE_UNIT in
"") INSIDE_UNIT=1 exec unshare --mount --cgroup "$0" "$@" ;;
2)
	mount -t proc proc /proc
	exec env -i container=test PATH="$PATH" SYSTEMD_UNIT_PATH="$2/systemd" /lib/systemd/systemd --system --unit=test.target --log-target=null
	;;
esac
name=$(basename "$1")
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# The source may lie below /tmp: it stays where it is.
source=$(cd "$(dirname "$0")/../.." && pwd -P)
mount --rbind "$source" /mnt
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -p "$source"
mount --rbind /mnt "$source"
umount -l /mnt
mkdir -p "$2/systemd"
cp "$1" "$2/systemd/"
printf '[Unit]\nDescription=Test\nDefaultDependencies=no\nWants=%s\n' "$name" >"$2/systemd/test.target"
mkdir -p "$2/systemd/$name.d"
printf '[Unit]\nDefaultDependencies=no\nWants=\nAfter=\n' >"$2/systemd/$name.d/alone.conf"
INSIDE_UNIT=2 unshare --pid --fork --mount --kill-child "$0" "$@" </dev/null &
manager=$!
cat >/dev/null
first=$(pgrep -P $manager)
# It accepts only messages from processes that it can see.
ask() {
	nsenter --target "$first" --pid --mount systemctl "$@" || true
}
ask stop "$name"
ask show "$name" -p Result,ExecMainStatus,ActiveState
kill -KILL "$first"
wait $manager || true
rmdir /sys/fs/cgroup/init.scope /sys/fs/cgroup/system.slice 2>/dev/null || true
