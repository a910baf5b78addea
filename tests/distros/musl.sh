#!/bin/sh
# The programs and unit tests with musl: musl-gcc builds the libraries from Debian's sources, static, and all of ours is
# linked with them. Needs a release with musl-tools and deb-src lines; the results are in build/musl. If the mirror lacks
# libmnl's source, put libmnl_1.orig.tar.xz there yourself; without it everything is compiled, but only the driver, which
# does not need it, is linked.
set -eu
build=$PWD/build/musl
prefix=$build/libraries

# musl has no headers of the kernel; Debian's lie among glibc's.
headers() {
	mkdir -p "$prefix/include"
	for folder in linux asm-generic; do ln -sfn "/usr/include/$folder" "$prefix/include/$folder"; done
	ln -sfn "/usr/include/$(gcc -print-multiarch)/asm" "$prefix/include/asm"
}

library() {
	package=$1
	shift
	rm -rf "${build:?}/$package"
	mkdir -p "$build/$package/work"
	tar -x -C "$build/$package" --strip-components=1 -f "$build/$package"_*.orig.tar.*
	(
		cd "$build/$package"
		export CC=musl-gcc CFLAGS="-O2 -g -fPIC -I$prefix/include"
		if [ "$package" = cmocka ]; then
			cmake -S . -B work -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=OFF -DWITH_EXAMPLES=OFF
			cmake --build work --target install
		elif [ "$package" = openssl ]; then
			cd work
			../Configure linux-generic64 --prefix="$prefix" --libdir=lib no-shared no-asm no-tests no-module no-engine no-dso
			make build_libs
			make install_dev
		else
			[ -x configure ] || autoreconf -fi
			cd work
			../configure --prefix="$prefix" --disable-shared --enable-static --with-pic "$@"
			make install
		fi
	) >"$build/$package.log" 2>&1 || { tail -n 30 "$build/$package.log" >&2; exit 1; }
}

# Its headers are taken as they are.
without() {
	echo "this mirror has no source of $1: all is compiled, the driver alone is linked"
	[ "$1" = libmnl ] || exit 1
	ln -sfn /usr/include/libmnl "$prefix/include/libmnl"
	cp "/usr/lib/$(gcc -print-multiarch)/pkgconfig/libmnl.pc" "$prefix/lib/pkgconfig/"
	goals="build/musl/ours/test/rooms.a build/musl/ours/portcullis-driver"
}

libraries() {
	mkdir -p "$build"
	headers
	for package in libevent libconfuse jansson libmnl libseccomp openssl cmocka; do
		[ ! -e "$prefix/$package.done" ] || continue
		ls "$build/$package"_*.orig.tar.* >/dev/null 2>&1 ||
			(cd "$build" && apt-get -q --tar-only source "$package") >"$build/$package.log" 2>&1 ||
			{ without "$package" && continue; }
		case $package in
		libevent) library "$package" --disable-openssl --disable-samples --disable-libevent-regress --disable-debug-mode --disable-thread-support ;;
		libconfuse) library "$package" --disable-nls --disable-examples ;;
		*) library "$package" ;;
		esac
		touch "$prefix/$package.done"
	done
}

goals="all unit"
libraries
export PKG_CONFIG_LIBDIR="$prefix/lib/pkgconfig" PKG_CONFIG_PATH='' CPPFLAGS="-isystem $prefix/include"
# shellcheck disable=SC2086
exec make CC=musl-gcc WERROR=-Werror BUILD=build/musl/ours PKG_CONFIG="pkg-config --static" $goals
