#!/bin/sh
# Gets what `make cross` needs into a folder outside the tree, once: the pinned compiler, and for each
# target the libraries, built from Debian's source packages.
#   toolchain.sh CACHE TARGET...
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=$1
shift
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
zig=$cache/zig/ziglang/zig
export ZIG_GLOBAL_CACHE_DIR="$cache/zig-cache" ZIG_LOCAL_CACHE_DIR="$cache/zig-cache"

say() {
	printf 'cross: %s\n' "$*"
}

# What libraries depend on: another compiler, or another configuration of one of them, makes all of them anew.
made_by() {
	cat "$cache/zig/pin"
	cksum <"$here/toolchain.sh"
}

# Whole or not at all: made beside, then renamed.
compiler() {
	pin=$(sed -n 's/^ziglang==//p' "$here/requirements.txt")
	[ "$(cat "$cache/zig/pin" 2>/dev/null)" = "$pin" ] && return 0
	say "getting the compiler"
	rm -rf "$cache/zig.new" "$cache/wheel"
	/usr/bin/python3 -m pip download -q --no-deps --only-binary=:all: --require-hashes \
		-r "$here/requirements.txt" -d "$cache/wheel"
	/usr/bin/python3 -m zipfile -e "$cache"/wheel/ziglang-*.whl "$cache/zig.new"
	chmod 755 "$cache/zig.new/ziglang/zig"
	printf '%s\n' "$pin" >"$cache/zig.new/pin"
	rm -rf "$cache/zig" "$cache/wheel"
	mv "$cache/zig.new" "$cache/zig"
}

# The machine's own Debian, but its sources; its apt is not touched. apt checks the signatures.
sources() {
	[ -e "$cache/sources/done" ] && [ -d "$cache/sources/openssl" ] && return 0
	say "getting the libraries' sources"
	rm -rf "$cache/sources" "$cache/apt"
	mkdir -p "$cache/sources" "$cache/apt/lists/partial"
	apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u |
		while read -r site release component; do
			case $site in
			*debian.org* | *debian*)
				key=/usr/share/keyrings/debian-archive-keyring.gpg
				echo "deb-src [signed-by=$key] $site $release $component"
				;;
			esac
		done >"$cache/apt/sources.list"
	set -- -q -o Dir::Etc::SourceList="$cache/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$cache/apt/lists" -o APT::Sandbox::User=root -o pkgCacheFile= \
		-o Dir::Cache="$cache/apt"
	apt-get "$@" update >"$cache/apt/update.log" 2>&1 || { cat "$cache/apt/update.log" >&2; exit 1; }
	# The upstream archives alone: Debian's patches are not for these systems.
	(cd "$cache/sources" && apt-get "$@" --tar-only source libevent libconfuse jansson openssl >"$cache/apt/source.log" 2>&1) ||
		{ tail -n 20 "$cache/apt/source.log" >&2; exit 1; }
	for package in libevent libconfuse jansson openssl; do
		mkdir "$cache/sources/$package"
		tar -x -C "$cache/sources/$package" --strip-components=1 -f "$cache/sources/$package"_*.orig.tar.*
		[ -x "$cache/sources/$package/configure" ] || [ -x "$cache/sources/$package/Configure" ] ||
			(cd "$cache/sources/$package" && autoreconf -fi >"$cache/apt/autoreconf.log" 2>&1) ||
			{ tail -n 20 "$cache/apt/autoreconf.log" >&2; exit 1; }
	done
	touch "$cache/sources/done"
}

# configure wants programs with one name each; an archive has its system's own format.
wrappers() {
	mkdir -p "$1/bin"
	case $2 in
	*macos*) format=--format=darwin ;;
	*) format=--format=gnu ;;
	esac
	printf '#!/bin/sh\nexec "%s" cc -target %s "$@"\n' "$zig" "$2" >"$1/bin/cc"
	printf '#!/bin/sh\nexec "%s" ar %s "$@"\n' "$zig" "$format" >"$1/bin/ar"
	# ar has written the index already; ranlib would write it in another format.
	printf '#!/bin/sh\n' >"$1/bin/ranlib"
	chmod 755 "$1"/bin/*
}

# configure can't run a program of another system: that kqueue works there is told to libevent. FreeBSD's
# libc keeps arc4random_addrandom for old programs only; no header has it.
library() {
	folder=$1 host=$2 package=$3
	shift 3
	rm -rf "$folder/work"
	mkdir -p "$folder/work"
	(cd "$folder/work" && PATH="$folder/bin:$PATH" && export PATH CC=cc AR=ar RANLIB=ranlib \
		CPPFLAGS=-DEVENT__HAVE_WORKING_KQUEUE=1 ac_cv_func_arc4random_addrandom=no &&
		"$cache/sources/$package/configure" --host="$host" --prefix="$folder" --disable-shared --enable-static \
			--with-pic "$@" && make -j"$(nproc)" && make install) \
		>"$folder/$package.log" 2>&1 || { tail -n 30 "$folder/$package.log" >&2; exit 1; }
}

# OpenSSL has a configuration of its own. A generic C build is enough to link with, and what nobody here asks for
# takes the most time.
crypto() {
	folder=$1
	rm -rf "$folder/work"
	mkdir -p "$folder/work"
	(cd "$folder/work" && PATH="$folder/bin:$PATH" && export PATH CC=cc AR=ar RANLIB=ranlib &&
		"$cache/sources/openssl/Configure" BSD-generic64 --prefix="$folder" --libdir=lib no-shared no-asm no-tests \
			no-module no-engine no-dso no-aria no-bf no-blake2 no-camellia no-cast no-cmp no-cms no-ct \
			no-des no-dtls no-ec2m no-gost no-idea no-legacy no-md4 no-mdc2 no-ocsp no-psk no-rc2 no-rc4 no-rmd160 \
			no-seed no-siphash no-sm2 no-sm3 no-sm4 no-srp no-srtp no-ts no-whirlpool && make -j"$(nproc)" build_libs && make install_dev) \
		>"$folder/openssl.log" 2>&1 || { tail -n 30 "$folder/openssl.log" >&2; exit 1; }
}

target() {
	name=$1 triple=$2 host=$3
	folder=$cache/$name
	[ "$(cat "$folder/done" 2>/dev/null)" = "$(made_by)" ] && return 0
	say "building the libraries for $name"
	rm -rf "$folder"
	wrappers "$folder" "$triple"
	library "$folder" "$host" libevent --disable-openssl --disable-samples --disable-libevent-regress \
		--disable-debug-mode --disable-thread-support
	library "$folder" "$host" libconfuse --disable-nls --disable-examples
	library "$folder" "$host" jansson
	crypto "$folder"
	rm -rf "$folder/work"
	made_by >"$folder/done"
}

compiler
sources
for name in "$@"; do
	case $name in
	aarch64-macos) target "$name" aarch64-macos.12.0 aarch64-apple-darwin21 ;;
	x86_64-macos) target "$name" x86_64-macos.12.0 x86_64-apple-darwin21 ;;
	x86_64-freebsd) target "$name" x86_64-freebsd.14.0 x86_64-unknown-freebsd14 ;;
	*)
		say "no such target: $name; instead: aarch64-macos, x86_64-macos or x86_64-freebsd" >&2
		exit 1
		;;
	esac
done
