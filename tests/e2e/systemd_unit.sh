#!/bin/sh
# Runs one unit file under a systemd of its own, as root, in mounts, a cgroup name space and a /run of its own:
# systemd_unit.sh UNIT_FILE TMP_FOLDER. Ends with its standard input. What it says goes to standard output.
set -e
[ -n "$INSIDE_UNIT" ] || INSIDE_UNIT=1 exec unshare --mount --cgroup "$0" "$@"
name=$(basename "$1")
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=1777 tmpfs /tmp
# What a system's manager makes at boot.
mkdir -p /run/systemd/system /run/systemd/inaccessible/dir "$2/systemd/user" "$2/runtime/systemd"
: >/run/systemd/inaccessible/reg
[ -e /run/systemd/inaccessible/fifo ] || mkfifo /run/systemd/inaccessible/fifo
[ -e /run/systemd/inaccessible/chr ] || mknod /run/systemd/inaccessible/chr c 0 0
cp "$1" "$2/systemd/user/"
printf '[Unit]\nDescription=Test\nWants=%s\n' "$name" >"$2/systemd/user/default.target"
export XDG_RUNTIME_DIR="$2/runtime" HOME="$2" XDG_CONFIG_HOME="$2" DBUS_SESSION_BUS_ADDRESS=
/lib/systemd/systemd --user --unit=default.target --log-target=null &
manager=$!
cat >/dev/null
systemctl --user stop "$name" || true
systemctl --user show "$name" -p Result,ExecMainStatus,ActiveState
kill $manager
wait $manager || true
rmdir /sys/fs/cgroup/init.scope 2>/dev/null || true
