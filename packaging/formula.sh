#!/bin/sh
# Fills in the Homebrew formula and the FreeBSD port for the tarball of a release that will be published at URL.
#   packaging/formula.sh VERSION DIRECTORY URL
set -eu
cd "$(dirname "$0")/.."
version=$1 directory=$2 url=${3:-}
[ -n "$url" ] || {
	echo "formula: the tarball's URL is not given; instead: make formula URL=https://.../portcullis-$version.tar.gz" >&2
	exit 1
}
tarball=$(packaging/dist.sh "$version" "$directory")
sum=$(sha256sum "$tarball" | cut -d' ' -f1)
mkdir -p "$directory/packaging/freebsd"
sed -e "s|@URL@|$url|g" -e "s|@VERSION@|$version|g" -e "s|@SHA256@|$sum|g" packaging/homebrew/portcullis.rb.in \
	>"$directory/packaging/portcullis.rb"
sed -e "s|@SITE@|${url%/*}/|g" -e "s|@VERSION@|$version|g" packaging/freebsd/Makefile.in >"$directory/packaging/freebsd/Makefile"
cp packaging/freebsd/pkg-descr packaging/freebsd/pkg-plist "$directory/packaging/freebsd/"
name=portcullis-$version.tar.gz
printf 'TIMESTAMP = %s\nSHA256 (%s) = %s\nSIZE (%s) = %s\n' "$(git log -1 --format=%ct)" "$name" "$sum" "$name" \
	"$(stat -c %s "$tarball")" >"$directory/packaging/freebsd/distinfo"
echo "$directory/packaging"
