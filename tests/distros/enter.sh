#!/bin/sh
# Runs a command in a Debian tree as if it were the machine: enter.sh TREE BUILD COMMAND...; the source is /portcullis,
# to be read only, and BUILD is its build folder. What is mounted is gone with the command, and so are its processes.
set -eu
[ "${DISTROS_PRIVATE:-}" ] || DISTROS_PRIVATE=1 exec unshare --mount --pid --fork --kill-child -- "$0" "$@"
tree=$1 build=$2
shift 2
source=$(cd "$(dirname "$0")/../.." && pwd -P)
mkdir -p "$tree/portcullis" "$source/build" "$build"
mount --bind "$tree" "$tree"
mount -t proc proc "$tree/proc"
# The kernel is the machine's own: no package sets anything in it. A test's namespaces have a /proc of their own.
mount --bind "$tree/proc/sys" "$tree/proc/sys"
mount -o remount,ro,bind "$tree/proc/sys"
mount --rbind /sys "$tree/sys"
mount --rbind /dev "$tree/dev"
mount -t tmpfs -o mode=755 none "$tree/run"
mount --bind "$source" "$tree/portcullis"
mount -o remount,ro,bind "$tree/portcullis"
mount --bind "$build" "$tree/portcullis/build"
[ ! -e "$tree/etc/resolv.conf" ] || mount --bind "$(realpath /etc/resolv.conf)" "$tree/etc/resolv.conf"
cd "$tree"
pivot_root . .
umount -l .
cd /portcullis
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive "$@"
