#!/bin/sh
# Makes DIRECTORY/portcullis-VERSION.tar.gz of what git tracks here: the same bytes from the same commit, anywhere.
# In it packaging/debian is called debian, where dpkg-source and apt-get build-dep look for it.
#   packaging/dist.sh VERSION DIRECTORY
set -eu
cd "$(dirname "$0")/.."
version=$1 directory=$2 name=portcullis-$1
[ -e .git ] || {
	echo "dist: this tree is not a git checkout, so its list of files is unknown; instead: use the tarball that it came from" >&2
	exit 1
}
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
[ -z "$(git status --porcelain --untracked-files=no)" ] || echo "dist: the tarball has changes that are not committed" >&2
mkdir -p "$directory"
trap 'rm -f "$directory/$name.tar" "$directory/$name.files"' EXIT
git ls-files -z | LC_ALL=C sort -z >"$directory/$name.files"
tar --create --file="$directory/$name.tar" --format=ustar --no-recursion --null \
	--transform="s|^packaging/debian/|debian/|;s|^|$name/|" \
	--owner=root:0 --group=root:0 --numeric-owner --mode=u=rwX,go=rX --mtime="@$epoch" --files-from="$directory/$name.files"
gzip -9nf "$directory/$name.tar"
echo "$directory/$name.tar.gz"
