# Portcullis: builds into $(BUILD); `make help` lists the targets.
BUILD ?= build
CC ?= cc
VERSION := 0.1.0
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
LIBEXECDIR ?= $(PREFIX)/libexec
BASH_COMPLETIONS ?= $(PREFIX)/share/bash-completion/completions
ZSH_COMPLETIONS ?= $(PREFIX)/share/zsh/site-functions
FISH_COMPLETIONS ?= $(PREFIX)/share/fish/vendor_completions.d
PKG_CONFIG ?= pkg-config
# src/os/NAME.mk, by the platform's name, says which file is each port's.
PLATFORM ?= $(patsubst darwin,macos,$(shell uname -s | tr A-Z a-z))
include src/os/$(PLATFORM).mk
Q := $(if $(V),,@)
say = echo ' '

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wcast-qual -Wformat=2
# A warning is an error in the checks (WERROR=-Werror) only: another compiler's new warning fails no user's build.
WERROR ?=
HARDENING := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
OPTIMIZE ?= -O2 -g
SANITIZE ?=
CPPFLAGS += -D_GNU_SOURCE -Isrc -I. -DPORTCULLIS_VERSION='"$(VERSION)"' \
	-DPORTCULLIS_LIBEXECDIR='"$(LIBEXECDIR)"' -DPORTCULLIS_SYSCONFDIR='"$(SYSCONFDIR)"' -DPORTCULLIS_RUNDIR='"$(RUNDIR)"' \
	-DPORTCULLIS_STATEDIR='"$(STATEDIR)"' -DPORTCULLIS_BACKENDS='"$(BACKENDS)"' \
	-DPORTCULLIS_SECRETS='"$(SECRETS)"' -DPORTCULLIS_INTERFACE='"$(INTERFACE)"' -DPORTCULLIS_OPENVPN='"$(OPENVPN)"' \
	-DPORTCULLIS_OPENVPN_USER='"$(OPENVPN_USER)"' \
	-DPORTCULLIS_PREFIX='"$(PREFIX)"'
CFLAGS += -std=c11 $(OPTIMIZE) $(WARNINGS) $(WERROR) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer,$(HARDENING))
LDFLAGS += $(if $(SANITIZE),-fsanitize=$(SANITIZE),$(LINK_HARDENING))

# Headers may be where no compiler looks by itself (Homebrew, ports). pkg-config is queried once, when the first file is
# compiled. What is missing is named then, so that the build does not end in a header that isn't found.
PACKAGES = $(sort $(GATE_PACKAGES) $(DRIVER_PACKAGES) $(CTL_PACKAGES))
missing_packages = $(strip $(foreach name,$(PACKAGES),$(if $(shell $(PKG_CONFIG) --exists $(name) 2>/dev/null && echo yes),,$(name))))
packages_or_error = $(if $(shell $(PKG_CONFIG) --version 2>/dev/null),,$(error $(PKG_CONFIG) is missing; instead: ./bootstrap deps)) \
	$(if $(missing_packages),$(error $(PKG_CONFIG) does not find $(missing_packages); instead: ./bootstrap deps))
HEADERS_AT = $(packages_or_error)$(eval HEADERS_AT := $(shell $(PKG_CONFIG) --cflags-only-I $(PACKAGES)))$(HEADERS_AT)
CPPFLAGS += $(HEADERS_AT)

# --- libraries, by program; portcullisd links no parser of network or user input
libs_of = $(shell $(PKG_CONFIG) --libs $(1))
GATE_LIBS = $(call libs_of,$(GATE_PACKAGES))
DRIVER_LIBS = $(call libs_of,$(DRIVER_PACKAGES))
CTL_LIBS = $(call libs_of,$(CTL_PACKAGES))

# --- objects, by program. A room's objects are all of its files but the mains.
room = $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out %_main.c src/base/fault_none.c,$(wildcard $(1)/*.c)))
BASE := $(call room,src/base)
POLICY := $(call room,src/policy)
PROFILE := $(call room,src/profile)
TUNNEL := $(call room,src/tunnel)
MGMT := $(call room,openvpn-mgmt)
# --- ports. Of a port NAME this platform has NAME.c, NAME_unix.c, NAME_$(PLATFORM).c and the like, or else NAME_null.c.
# A pattern means a folder's files without those of other platforms. `os` means exactly the files that are named.
os = $(patsubst %,$(BUILD)/obj/src/os/%.o,$(1))
ELSEWHERE := $(foreach other,$(filter-out $(FAMILY),linux macos freebsd openbsd bsd),%_$(other).c)
port_files = $(wildcard src/os/$(1).c) $(or $(wildcard $(patsubst %,src/os/$(1)_%.c,$(FAMILY))),$(wildcard src/os/$(1)_null.c))
port = $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out $(ELSEWHERE),$(sort $(foreach name,$(1),$(call port_files,$(name))))))

OS_FIREWALL := $(call port,firewall/firewall firewall/describe firewall/ports $(FIREWALL))
OS_CHILD := $(call port,process/child process/pid process/tool process/tool_paths_system $(CHILD) $(DESCRIPTOR) host/clock)
OS_INSTALLED := $(call port,service/install_paths service/install_root_system $(STRICT_BOOT) host/file)
OS_NETWORK := $(call port,route/device route/route route/twin $(ROUTE) netwatch/prefixes netwatch/set_down $(NETWATCH) firewall/bypass firewall/tc_filter)
OS_PORTS := $(call port,route/forwarding host/platform host/off_marker host/off_marker_names host/sleep $(SLEEP) service/notify \
	process/peer process/process)
OS_GATE := $(OS_FIREWALL) $(OS_CHILD) $(OS_INSTALLED) $(OS_NETWORK) $(OS_PORTS) $(call port,process/sandbox/confine $(CONFINE) \
	process/daemon process/openvpn_words route/tun_node dns/job $(DNS) $(CAPTIVE_DNS) host/keychain $(KEYCHAIN) host/file_watch host/loop host/lockfile host/log_file)
OS_DRIVER := $(call port,process/sandbox/sandbox process/sandbox/memory $(if $(SANITIZE),process/sandbox/sandbox_calls_sanitizer) process/peer $(DESCRIPTOR) host/clock host/chance)
OS_CTL := $(OS_FIREWALL) $(OS_CHILD) $(OS_INSTALLED) $(OS_NETWORK) $(OS_PORTS) $(call port,$(PROBE) host/chance service/machine service/machine_fact $(MACHINE) \
	$(SERVICE) process/sandbox/apart)
# The other platforms' firewalls, and the pure halves of their ports: they are tested on this platform too.
OS_BACKENDS := $(call port,firewall/pf/* firewall/ipfw/* firewall/probe firewall/probe_group) $(call os,firewall/pf/system_macos)
OS_PURE := $(OS_BACKENDS) $(call port,firewall/pause_watchdog host/lockfile process/tool_async) $(call os,netwatch/bsd/decode netwatch/bsd/facts \
	netwatch/bsd/known netwatch/bsd/layout dns/scutil_text host/keychain_item host/sleep_gap route/tun_status route/evidence \
	service/strict_boot_list service/account_dscl_list)

CONFIG := $(call room,src/config)
GATE := $(call room,src/gate) $(call room,src/gate/*) $(CONFIG)
DRIVER := $(call room,src/driver) $(call room,src/driver/*)
CTL := $(call room,src/ctl) $(call room,src/ctl/*)
FAULT := $(BUILD)/obj/src/base/fault_none.o

PROGRAMS := $(BUILD)/portcullisd $(BUILD)/portcullis-driver $(BUILD)/portcullis
all: $(PROGRAMS)

# Each program's objects and libraries. The tests' variants (tests/check.mk) are made from the same lists.
PORTCULLISD = $(BUILD)/obj/src/gate/portcullisd_main.o $(GATE) $(OS_GATE) $(POLICY) $(BASE) $(FAULT)
PORTCULLISD_LIBS = $(GATE_LIBS)
PORTCULLIS_DRIVER = $(BUILD)/obj/src/driver/driver_main.o $(DRIVER) $(OS_DRIVER) $(TUNNEL) $(PROFILE) $(MGMT) $(BASE) $(FAULT)
PORTCULLIS_DRIVER_LIBS = $(DRIVER_LIBS)
PORTCULLIS = $(BUILD)/obj/src/ctl/portcullis_main.o $(CTL) $(OS_CTL) $(POLICY) $(PROFILE) $(BASE) $(FAULT)
PORTCULLIS_LIBS = $(CTL_LIBS)

$(BUILD)/portcullisd: $(PORTCULLISD)
	@$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PORTCULLISD_LIBS)
$(BUILD)/portcullis-driver: $(PORTCULLIS_DRIVER)
	@$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PORTCULLIS_DRIVER_LIBS)
$(BUILD)/portcullis: $(PORTCULLIS)
	@$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PORTCULLIS_LIBS)

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	@$(say) CC $@
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# Our code that runs as root; tests/arch counts its lines.
list-root:
	@echo $(patsubst $(BUILD)/obj/%.o,%.c,$(BUILD)/obj/src/gate/portcullisd_main.o $(GATE) $(OS_GATE) $(POLICY) $(BASE) $(FAULT))

# --- unit tests: tests/unit/test_NAME.c against every room's objects
# What is Linux's alone, or is tried by Linux's calls, is left out elsewhere.
UNIT_LINUX := signer gate_names admin_socket file_watch control_admission control_client driver_dispatch driver_main gate_channel management spawn vet \
	base bypass control doctor driver driver_session driver_talk driver_whole firewall firewall_nft firewall_ports gate_failures gate_verbs link_filters \
	netlink netwatch netwatch_route_reader nft_actual nft_assert nft_batch nft_message nft_messages nft_names nft_probe nft_read nft_repairs nft_sets \
	nft_tool nft_watch notify off_marker pause_watchdog pause_watchdog_calls policy_nft portcullisd \
	probe probe_calls route sandbox sleep tc_filter
UNIT_FILES := $(filter-out $(if $(filter linux,$(PLATFORM)),,$(UNIT_LINUX:%=tests/unit/test_%.c)),$(wildcard tests/unit/test_*.c))
UNIT := $(UNIT_FILES:tests/unit/%.c=$(BUILD)/test/%)
UNIT_ROOMS = $(sort $(GATE) $(DRIVER) $(CTL) $(OS_GATE) $(OS_DRIVER) $(OS_CTL) $(OS_PURE) $(TUNNEL) $(PROFILE) $(MGMT) $(POLICY) $(BASE) $(FAULT))
$(BUILD)/test/rooms.a: $(UNIT_ROOMS)
	@mkdir -p $(@D)
	@rm -f $@
	@$(AR) qcs $@ $^
# The sanitizers' calls come first: a weak symbol pulls nothing out of an archive.
$(BUILD)/test/test_%: $(BUILD)/obj/tests/unit/test_%.o $(BUILD)/obj/tests/unit/fortified.o $(if $(SANITIZE),$(call os,process/sandbox/sandbox_calls_sanitizer)) $(BUILD)/test/rooms.a
	@$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter-out %.a,$^) $(filter %.a,$^) $(GATE_LIBS) $(DRIVER_LIBS) $(CTL_LIBS) $(call libs_of,cmocka)

# Other platforms' devices, routes and words, in the place of this one's.
DEVICE_BSD = $(BUILD)/obj/tests/unit/device_standin.o $(call os,route/device_bsd route/route_bsd route/route_proof_bsd route/tunnel_words)
$(BUILD)/test/test_device_freebsd: $(DEVICE_BSD) $(call os,route/device_freebsd host/platform_freebsd)
$(BUILD)/test/test_device_macos: $(DEVICE_BSD) $(call os,route/device_macos host/platform_macos)
$(BUILD)/test/test_route_bsd: $(DEVICE_BSD) $(call os,route/device_freebsd host/platform_freebsd)
$(BUILD)/test/test_pf_freebsd: $(call os,firewall/pf/system_freebsd)
$(BUILD)/test/test_openvpn_macos: $(call os,process/sandbox/confine_profile host/platform_macos)

# A program's main file, in which main has another name, so that a test can call it.
$(BUILD)/obj/%_called.o: $(BUILD)/obj/%_main.o
	$(Q)objcopy --redefine-sym main=$(notdir $*)_main $< $@
$(BUILD)/test/test_portcullisd: $(BUILD)/obj/src/gate/portcullisd_called.o
$(BUILD)/test/test_driver_main: $(BUILD)/obj/src/driver/driver_called.o

unit: $(UNIT)
	@for t in $(UNIT); do CMOCKA_MESSAGE_OUTPUT=stdout $$t || exit 1; done

-include tests/check.mk
-include tests/cross.mk

# Service files of this platform, in src/os/NAME.mk: FILE:DIRECTORY below the prefix:MODE. FILE.in is filled in first.
# A path may have blanks in it: it is quoted wherever a shell reads it.
service_file = $(patsubst %.in,%,$(notdir $(word 1,$(subst :, ,$(1)))))
service_folder = $(DESTDIR)$(PREFIX)/$(word 2,$(subst :, ,$(1)))
fill = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' -e 's|@STATEDIR@|$(STATEDIR)|g' -e 's|@RUNDIR@|$(RUNDIR)|g'
define install_service
	install -d "$(call service_folder,$(1))"
	mkdir -p $(BUILD)/service
	$(fill) $(word 1,$(subst :, ,$(1))) >$(BUILD)/service/$(call service_file,$(1))
	install -m $(word 3,$(subst :, ,$(1))) $(BUILD)/service/$(call service_file,$(1)) "$(call service_folder,$(1))/"

endef

# The same for what goes into an initrd: FILE:PATH below the directory of the tool that makes it.
initramfs_file = $(DESTDIR)$(INITRAMFS)/$(word 2,$(subst :, ,$(1)))
define install_initramfs
	install -d "$$(dirname "$(call initramfs_file,$(1))")" $(BUILD)/service
	$(fill) $(word 1,$(subst :, ,$(1))) >$(BUILD)/service/initramfs
	install -m 755 $(BUILD)/service/initramfs "$(call initramfs_file,$(1))"

endef

# Installs programs, man pages and a sample. Creates no user, starts nothing and locks nothing: `portcullis enable` does.
install: all install-data
	install -d "$(DESTDIR)$(PREFIX)/sbin" "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(LIBEXECDIR)"
	install -m 755 $(BUILD)/portcullisd "$(DESTDIR)$(PREFIX)/sbin/"
	install -m 755 $(BUILD)/portcullis "$(DESTDIR)$(PREFIX)/bin/"
	install -m 755 $(BUILD)/portcullis-driver "$(DESTDIR)$(LIBEXECDIR)/"

install-data:
	install -d "$(DESTDIR)$(PREFIX)/share/man/man8" "$(DESTDIR)$(PREFIX)/share/man/man5" "$(DESTDIR)$(SYSCONFDIR)/portcullis"
	install -m 644 docs/man/*.8 "$(DESTDIR)$(PREFIX)/share/man/man8/"
	install -m 644 docs/man/*.5 "$(DESTDIR)$(PREFIX)/share/man/man5/"
	install -m 644 conf/portcullis.conf "$(DESTDIR)$(SYSCONFDIR)/portcullis/portcullis.conf.sample"
	install -d "$(DESTDIR)$(BASH_COMPLETIONS)" "$(DESTDIR)$(ZSH_COMPLETIONS)" "$(DESTDIR)$(FISH_COMPLETIONS)"
	install -m 644 src/ctl/completions/portcullis.bash "$(DESTDIR)$(BASH_COMPLETIONS)/portcullis"
	ln -sf portcullis "$(DESTDIR)$(BASH_COMPLETIONS)/portcullisd"
	install -m 644 src/ctl/completions/portcullis.zsh "$(DESTDIR)$(ZSH_COMPLETIONS)/_portcullis"
	install -m 644 src/ctl/completions/portcullis.fish "$(DESTDIR)$(FISH_COMPLETIONS)/portcullis.fish"
	ln -sf portcullis.fish "$(DESTDIR)$(FISH_COMPLETIONS)/portcullisd.fish"
	$(foreach file,$(SERVICE_FILES),$(call install_service,$(file)))
	$(foreach file,$(INITRAMFS_FILES),$(call install_initramfs,$(file)))

# Leaves the configuration and the profiles, which are yours. Run `portcullis disable --purge` first.
# Refused while it is enabled: the service manager would lock at boot, and without a daemon the machine would stay shut.
uninstall:
	@$(foreach file,$(ENABLED),if [ -e "$(DESTDIR)$(file)" ] || [ -L "$(DESTDIR)$(file)" ]; then \
	    echo 'uninstall: portcullis is enabled; instead: portcullis disable --purge, then make uninstall' >&2; \
	    exit 1; fi;)
	rm -f "$(DESTDIR)$(PREFIX)/sbin/portcullisd" "$(DESTDIR)$(PREFIX)/bin/portcullis" \
	    "$(DESTDIR)$(LIBEXECDIR)/portcullis-driver" "$(DESTDIR)$(PREFIX)/share/man/man8/"portcullis*.8 \
	    "$(DESTDIR)$(PREFIX)/share/man/man5/portcullis.conf.5" "$(DESTDIR)$(SYSCONFDIR)/portcullis/portcullis.conf.sample" \
	    $(foreach file,$(SERVICE_FILES),"$(call service_folder,$(file))/$(call service_file,$(file))") \
	    $(foreach name,portcullis portcullisd,"$(DESTDIR)$(BASH_COMPLETIONS)/$(name)" "$(DESTDIR)$(FISH_COMPLETIONS)/$(name).fish") \
	    "$(DESTDIR)$(ZSH_COMPLETIONS)/_portcullis" \
	    $(foreach file,$(INITRAMFS_FILES),"$(call initramfs_file,$(file))")
	@rmdir "$(DESTDIR)$(PREFIX)/share/portcullis" "$(DESTDIR)$(PREFIX)/libexec/portcullis" "$(DESTDIR)$(SYSCONFDIR)/portcullis" 2>/dev/null || true

# What is released: a tarball of what git tracks, and the Debian package of it.
dist:
	@packaging/dist.sh $(VERSION) $(BUILD)
deb:
	@packaging/deb.sh $(VERSION) $(BUILD)/deb $(DEB_OPTIONS)
# For Homebrew and FreeBSD's ports. URL= says where the tarball will be published.
formula:
	@packaging/formula.sh $(VERSION) $(BUILD) '$(URL)'

# Generated from --help; a test fails if the files differ from it.
completions: all
	$(PYTHON) -B src/ctl/completions/generate.py $(BUILD)

# Generated from the tables; a unit test fails if the file differs from them.
docs/states.md: $(BUILD)/obj/tests/arch/states_doc.o $(BUILD)/obj/src/gate/transition.o $(TUNNEL) $(BASE)
	$(Q)$(CC) $(LDFLAGS) -o $(BUILD)/states_doc $^
	$(Q)$(BUILD)/states_doc > $@

clean:
	rm -rf $(BUILD)

help:
	@echo 'make [all]      build/portcullisd, build/portcullis-driver, build/portcullis'
	@echo 'make unit       the unit, golden and replay tests'
	@echo 'make check      everything (as ./bootstrap check, without installing)'
	@echo 'make check-e2e-whole  the end-to-end tests with all of the matrices that check samples'
	@echo 'make check-kill the whole matrix of kills, 20 times each'
	@echo 'make check-chaos ten minutes of disturbances; CHAOS_SECONDS, CHAOS_SEED'
	@echo 'make check-boot whole machines in qemu, from power-on to power-off (check does two of them)'
	@echo 'make check-mutants small changes of the code: do the tests notice? MUTANTS=all: every one of them'
	@echo 'make check-distros Debian 12, 13 and sid, each with its own compilers, nft and openvpn'
	@echo 'make check-package the Debian package in a clean Debian: install, upgrade, remove, purge'
	@echo 'make cross      the programs for macOS and FreeBSD, compiled, linked and examined'
	@echo 'make bench      the figures that README quotes, as ratios'
	@echo 'make install    PREFIX=/usr/local DESTDIR= SYSCONFDIR=/etc'
	@echo 'make uninstall, make clean'
	@echo 'make dist       build/portcullis-$(VERSION).tar.gz, of what git tracks'
	@echo 'make deb        build/deb/portcullis_$(VERSION)_*.deb'
	@echo 'make formula URL=...  the Homebrew formula and the FreeBSD port, for a tarball that is published there'

.PHONY: all list-root unit install install-data uninstall dist deb formula completions clean help
.SECONDARY:
