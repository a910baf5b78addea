#!/bin/sh
# Makes DIRECTORY/portcullis-VERSION.tar.gz of what git tracks here: the same bytes from the same commit, anywhere.
# packaging/debian is debian in it, where dpkg-source and apt-get build-dep look.
#   packaging/dist.sh VERSION DIRECTORY
set -eu
cd "$(dirname "$0")/.."
version=$1 directory=$2 name=portcullis-$1
[ -e .git ] || {
	echo "dist: this tree is no git checkout, so nothing tells what belongs to it; instead: use the tarball that it came from" >&2
	exit 1
}
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
[ -z "$(git status --porcelain --untracked-files=no)" ] || echo "dist: with changes that are not committed" >&2
mkdir -p "$directory"
trap 'rm -f "$directory/$name.tar" "$directory/$name.files"' EXIT
git ls-files -z | LC_ALL=C sort -z >"$directory/$name.files"
tar --create --file="$directory/$name.tar" --format=ustar --no-recursion --null \
	--transform="s|^packaging/debian/|debian/|;s|^|$name/|" \
	--owner=root:0 --group=root:0 --numeric-owner --mode=u=rwX,go=rX --mtime="@$epoch" --files-from="$directory/$name.files"
gzip -9nf "$directory/$name.tar"
echo "$directory/$name.tar.gz"
