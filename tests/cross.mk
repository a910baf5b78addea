# `make cross`: the three programs compiled and linked for the systems that are not here, and what came out
# looked at. The compiler and the libraries are kept outside the tree; our own objects are made anew.
# Included by the Makefile.
CROSS_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/portcullis-cross
CROSS_TARGETS ?= aarch64-macos x86_64-macos x86_64-freebsd

cross-toolchain:
	tests/cross/toolchain.sh "$(CROSS_CACHE)" $(CROSS_TARGETS)

cross: $(addprefix cross-,$(CROSS_TARGETS))
	$(PYTHON) -B tests/cross/check.py --self-test
	$(PYTHON) -B tests/cross/check.py --build $(BUILD)/cross --headers "$(CROSS_CACHE)/zig/ziglang/lib/libc/include" \
	    $(CROSS_TARGETS)

# The wrapper of each target is a compiler of its own name; pkg-config sees that target's libraries only.
cross-%: cross-toolchain
	PATH="$(CROSS_CACHE)/$*/bin:$$PATH" PKG_CONFIG_PATH= PKG_CONFIG_LIBDIR="$(CROSS_CACHE)/$*/lib/pkgconfig" \
	ZIG_GLOBAL_CACHE_DIR="$(CROSS_CACHE)/zig-cache" ZIG_LOCAL_CACHE_DIR="$(CROSS_CACHE)/zig-cache" \
	$(MAKE) $(STRICT) PLATFORM=$(lastword $(subst -, ,$*)) CC="$(CROSS_CACHE)/$*/bin/cc" PKG_CONFIG="pkg-config --static" \
	    BUILD=$(BUILD)/cross/$* all

.PHONY: cross cross-toolchain
