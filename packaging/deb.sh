#!/bin/sh
# Builds the Debian package from a copy of what git tracks here, and leaves the results in DIRECTORY.
#   packaging/deb.sh VERSION DIRECTORY [OPTION of dpkg-buildpackage ...]
set -eu
cd "$(dirname "$0")/.."
version=$1 directory=$2
shift 2
tree=$directory/portcullis-$version
rm -rf "$tree" "$directory"/portcullis_* "$directory"/portcullis-dbgsym_*
mkdir -p "$tree"
if [ -e .git ]; then
	tar -xzf "$(packaging/dist.sh "$version" "$directory")" -C "$directory"
else
	# A tree that was unpacked from the tarball: everything belongs to it except what was built.
	tar -c --exclude=./build . | tar -x -C "$tree"
	[ -d "$tree/debian" ] || mv "$tree/packaging/debian" "$tree/debian"
fi
cd "$tree"
# The package's version is that of the newest entry of its changelog; the programs must have the same.
case $(dpkg-parsechangelog -S Version) in
"$version") ;;
*)
	echo "deb: packaging/debian/changelog says $(dpkg-parsechangelog -S Version), the Makefile $version; instead: make them equal" >&2
	exit 1
	;;
esac
# The copy must not clean the directory in which the caller's make builds.
unset BUILD MAKEFLAGS MFLAGS
dpkg-buildpackage --unsigned-source --unsigned-changes "$@"
