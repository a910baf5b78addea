# The tests' targets: each step of `make check` by itself. Included by the Makefile.
PYTHON ?= /usr/bin/python3
PYTEST ?= $(PYTHON) -B -m pytest -q -p no:cacheprovider
CLANG ?= clang
CLANG_TIDY ?= clang-tidy
CLANG_FORMAT ?= clang-format
FUZZ_RUNS ?= 200000
FUZZ_SECONDS ?= 20
SEED ?= 1
KILL_ROUNDS ?= 20
MUTANTS ?= 40
WORKERS ?= 2
BOOT_TESTS ?= tests/boot

C_FILES = $(wildcard $(foreach folder,src/* src/*/* src/*/*/* openvpn-mgmt,$(folder)/*.c))
# What needs another system's headers is looked at by make cross.
TIDY_FILES = $(filter-out %_macos.c %_bsd.c %_freebsd.c %_openbsd.c,$(C_FILES))
C_TESTS = $(wildcard tests/*/*.c openvpn-mgmt/*/*.c)
C_HEADERS = $(wildcard $(foreach folder,src/* src/*/* src/*/*/* openvpn-mgmt,$(folder)/*.h) tests/*/*.h openvpn-mgmt/*/*.h)

# --- everything, with a table at the end; a step that fails does not hide the next
check:
	@tests/check.sh

# --- one step each; a warning is an error here
STRICT := WERROR=-Werror
check-gcc:
	$(MAKE) $(STRICT) CC=gcc BUILD=$(BUILD) all tests-build
check-clang:
	$(MAKE) $(STRICT) CC=$(CLANG) BUILD=$(BUILD)/clang OPTIMIZE='$(OPTIMIZE) -include tests/arch/const_search.h' all tests-build

# What the tests run, compiled with the programs' flags.
SERVICE_TWINS := $(patsubst src/os/%.mk,$(BUILD)/test/portcullis-%,$(wildcard src/os/*.mk)) $(BUILD)/test/strict/portcullisd
PF_TESTS := $(BUILD)/test/portcullisd-pf $(BUILD)/test/portcullisd-pf-freebsd $(BUILD)/test/portcullis-pf $(BUILD)/test/standin
tests-build: $(UNIT) $(BUILD)/test/portcullisd $(BUILD)/test/fwtool $(BUILD)/test/confined $(BUILD)/test/captured $(BUILD)/test/refuse $(BUILD)/test/portcullisd-names $(BUILD)/test/policy_print \
	$(BUILD)/test/portcullis $(BUILD)/test/dnstool $(BUILD)/test/dnstool-macos $(BUILD)/test/dnstool-freebsd $(PF_TESTS) $(SERVICE_TWINS) \
	$(addprefix $(BUILD)/test/ipfw/,portcullisd portcullis portcullis-driver fwhand)

# The gate as on a Mac, with pf and its tools stood in for: the same objects but the firewall's.
NO_TOOLS = $(filter-out %/tool_paths_system.o,$(1))
PF_OS = $(call port,firewall/firewall firewall/describe firewall/pf/* firewall/guardian host/holder) $(call os,firewall/ports_macos) \
	$(call NO_TOOLS,$(OS_CHILD)) $(OS_INSTALLED) $(OS_NETWORK) $(OS_PORTS) $(call port,$(SERVICE)) \
	$(BUILD)/obj/tests/e2e/tool_paths_standin.o $(BUILD)/obj/tests/e2e/probe_standin.o
PF_GATE = $(BUILD)/obj/src/gate/portcullisd_main.o $(GATE) $(PF_OS) $(filter-out $(OS_FIREWALL) %/tool_paths_system.o,$(OS_GATE)) $(POLICY) $(BASE) \
	$(BUILD)/obj/tests/e2e/fault_inject.o
$(BUILD)/test/portcullisd-pf: $(PF_GATE) $(call os,firewall/pf/system_macos)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(GATE_LIBS)
$(BUILD)/test/portcullisd-pf-freebsd: $(PF_GATE) $(call os,firewall/pf/system_freebsd)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(GATE_LIBS)
$(BUILD)/test/portcullis-pf: $(BUILD)/obj/src/ctl/portcullis_main.o $(CTL) $(PF_OS) $(call port,service/machine service/machine_fact $(MACHINE)) \
		$(call os,firewall/pf/system_macos) $(POLICY) $(PROFILE) $(BASE) $(FAULT)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(CTL_LIBS)
$(BUILD)/test/standin: $(BUILD)/obj/tests/e2e/standin/client.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^

# The command with stand-ins for the system's tools.
$(BUILD)/test/portcullis: $(BUILD)/obj/src/ctl/portcullis_main.o $(CTL) $(call NO_TOOLS,$(OS_CTL)) \
		$(BUILD)/obj/tests/e2e/tool_paths_standin.o $(POLICY) $(PROFILE) $(BASE) $(FAULT)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(CTL_LIBS)

$(BUILD)/test/dnstool: $(BUILD)/obj/tests/e2e/dnstool.o $(call port,$(DNS)) $(OS_CHILD) $(BASE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^
# The same for another platform's files, with stand-ins for its tools.
STANDINS = $(call NO_TOOLS,$(OS_CHILD)) $(BUILD)/obj/tests/e2e/tool_paths_standin.o
$(BUILD)/test/dnstool-macos: $(call os,dns/scutil dns/scutil_text dns/words dns/names_ask)
$(BUILD)/test/dnstool-freebsd: $(call os,dns/dns_freebsd dns/resolvconf dns/unwatched dns/words)
$(BUILD)/test/dnstool-macos $(BUILD)/test/dnstool-freebsd: $(BUILD)/obj/tests/e2e/dnstool.o $(STANDINS) $(BASE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^
# The gate with macOS's resolver, where names are answered while it is shut.
$(BUILD)/test/portcullisd-names: $(BUILD)/obj/src/gate/portcullisd_main.o $(GATE) \
		$(filter-out $(call port,$(DNS) $(NAMES)),$(call NO_TOOLS,$(OS_GATE))) \
		$(call os,dns/scutil dns/scutil_text dns/words dns/names_ask dns/names_socket_loopback) \
		$(BUILD)/obj/tests/e2e/tool_paths_standin.o $(POLICY) $(BASE) $(FAULT)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(GATE_LIBS)

# What a test runs as the gate runs openvpn.
$(BUILD)/test/confined: $(BUILD)/obj/tests/e2e/confined.o $(call port,process/sandbox/confine $(CONFINE)) $(OS_CHILD) $(BASE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(GATE_LIBS)
$(BUILD)/test/refuse: $(BUILD)/obj/tests/e2e/refuse.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(call libs_of,libseccomp)
$(BUILD)/test/captured: $(patsubst %,$(BUILD)/obj/tests/e2e/%.o,captured tries) $(call port,process/sandbox/confine $(CONFINE) process/sandbox/sandbox) $(OS_CHILD) $(BASE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(GATE_LIBS)
$(BUILD)/test/policy_print: $(BUILD)/obj/tests/pf/policy_print.o $(POLICY) $(BASE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(call libs_of,libmnl)

# The command line with another platform's service files, which call stand-ins for that platform's tools and write
# below a folder of the test's own; and the gate with macOS's strict boot.
NO_SYSTEM = $(filter-out %/install_root_system.o $(call port,$(SERVICE) $(STRICT_BOOT)),$(call NO_TOOLS,$(1)))
STANDIN := $(patsubst %,$(BUILD)/obj/tests/e2e/%.o,tool_paths_standin install_root_standin)
of_platform = $(call os,$(shell sed -n 's/^\(SERVICE\|STRICT_BOOT\) := //p' src/os/$(1).mk))
define service_rule
$(BUILD)/test/portcullis-$(1): $(BUILD)/obj/src/ctl/portcullis_main.o $(CTL) $(call NO_SYSTEM,$(OS_CTL)) $(call of_platform,$(1)) \
		$(STANDIN) $(POLICY) $(PROFILE) $(BASE) $(FAULT)
	@mkdir -p $$(@D)
	$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(CTL_LIBS)
endef
$(foreach name,$(patsubst src/os/%.mk,%,$(wildcard src/os/*.mk)),$(eval $(call service_rule,$(name))))
$(BUILD)/test/strict/portcullisd: $(BUILD)/obj/src/gate/portcullisd_main.o $(GATE) $(call NO_SYSTEM,$(OS_GATE)) \
		$(call os,service/strict_boot_macos service/strict_boot_list) $(STANDIN) $(POLICY) $(BASE) $(FAULT)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(GATE_LIBS)

# The programs with ipfw for a firewall, and stand-ins for its tool and its kernel's switch.
IPFW_TWIN = $(addprefix $(BUILD)/test/ipfw/,portcullisd portcullis portcullis-driver fwhand)
OS_IPFW = $(call port,firewall/firewall firewall/describe firewall/ipfw/* firewall/guardian process/tool_beside host/holder) \
	$(patsubst %,$(BUILD)/obj/tests/e2e/%.o,firewall_ports_ipfw ipfw_kernel_standin probe_standin tool_paths_standin)
NO_IPFW = $(filter-out $(OS_FIREWALL) $(call port,$(PROBE)),$(call NO_TOOLS,$(1)))
$(BUILD)/test/ipfw/portcullisd: $(BUILD)/obj/src/gate/portcullisd_main.o $(GATE) $(call NO_IPFW,$(OS_GATE)) $(OS_IPFW) $(POLICY) $(BASE) \
		$(BUILD)/obj/tests/e2e/fault_inject.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(GATE_LIBS)
$(BUILD)/test/ipfw/portcullis: $(BUILD)/obj/src/ctl/portcullis_main.o $(CTL) $(call NO_IPFW,$(OS_CTL)) $(OS_IPFW) \
		$(call port,host/file) $(POLICY) $(PROFILE) $(BASE) $(FAULT)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(CTL_LIBS)
$(BUILD)/test/ipfw/portcullis-driver: $(BUILD)/portcullis-driver
	@mkdir -p $(@D)
	@cp $< $@
$(BUILD)/test/ipfw/fwhand: $(BUILD)/obj/tests/e2e/fwhand.o $(call NO_IPFW,$(OS_CHILD)) $(OS_IPFW) \
		$(OS_PORTS) $(call port,host/file) $(POLICY) $(BASE) $(FAULT)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(GATE_LIBS)

check-unit: unit
# What can be tried of this machine's firewall without touching it.
check-selftest: all
	$(BUILD)/portcullis selftest
check-san:
	$(MAKE) $(STRICT) SANITIZE=address,undefined BUILD=$(BUILD)/san OPTIMIZE="-O1 -g" unit

check-arch:
	$(PYTHON) -B tests/arch/check.py --self-test
	$(PYTHON) -B tests/arch/check.py --build $(BUILD)

check-format:
	$(CLANG_FORMAT) --dry-run -Werror $(C_FILES) $(C_TESTS) $(C_HEADERS)

# As many at a time as there are processors: one call each file.
check-tidy:
	@printf '%s\n' $(TIDY_FILES) | xargs -P "$$(nproc)" -n 4 $(CLANG_TIDY) -p src --quiet --warnings-as-errors='*'
check-cppcheck:
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
	    --inline-suppr --suppressions-list=tests/arch/cppcheck.txt \
	    -Isrc -I. $(C_FILES)
check-man:
	test -n "$(wildcard docs/man/*.[1-9])"
	$(foreach page,$(wildcard docs/man/*.[1-9]),mandoc -T lint -W warning $(page) &&) true
check-shell:
	sh -n bootstrap && $(foreach file,$(wildcard tests/*.sh tests/*/*.sh init/rc.d/* packaging/*.sh packaging/debian/p*inst packaging/debian/p*rm packaging/debian/tests/lock-* \
	    init/openrc/*.in init/runit/*.in init/runit/*/*.in init/systemd/nftables.in),sh -n $(file) &&) true
	bash -n src/ctl/completions/portcullis.bash
check-lint: check-format check-tidy check-cppcheck check-man check-shell

# pf's text against recorded verdicts, by an evaluator of its own.
check-pf: $(BUILD)/test/policy_print
	PORTCULLIS_BUILD=$(BUILD) $(PYTEST) tests/pf $(PF_OPTIONS)

# ipfw's text, by an evaluator of its own.
check-ipfw: $(BUILD)/test/policy_print
	PORTCULLIS_BUILD=$(BUILD) $(PYTEST) tests/ipfw $(IPFW_OPTIONS)

# nft in the kernel, pf and ipfw by their evaluators: generated packets, one verdict, that of docs/security.md. Root.
check-property: $(BUILD)/test/policy_print
	PORTCULLIS_BUILD=$(BUILD) $(PYTEST) tests/property --property-seed=$(SEED) $(PROPERTY_OPTIONS)
# What --help says is what the man pages say, and what bash, zsh and fish complete.
check-help: all
	BUILD=$(BUILD) $(PYTEST) tests/arch

# The Debian package, installed, upgraded, removed and purged in a clean Debian that is made once (the network is needed
# for that); the tarball; and what other inits run. dpkg-buildpackage must not make this check its test.
check-package:
	BUILD=$(BUILD) $(PYTEST) tests/package -n $(WORKERS) $(PACKAGE_OPTIONS)

# Small changes of the code, each in a copy of its own: do the tests notice? So many of them, by SEED; all of them, with
# the end-to-end tests too: MUTANTS=all, which takes hours. One room: MUTANTS_OPTIONS="--of 'src/tunnel/*'". Root.
check-mutants: $(UNIT) $(if $(filter all,$(MUTANTS)),all tests-build)
	$(PYTHON) -B tests/mutants/run.py --build $(BUILD) --seed $(SEED) --most $(MUTANTS) \
	    $(if $(filter all,$(MUTANTS)),--end-to-end) $(MUTANTS_OPTIONS)

# Several workers, each in namespaces of its own; then, alone, what measures time (`-m quiet`).
E2E = $(PYTEST) tests/e2e --ignore=tests/e2e/test_kill.py $(E2E_OPTIONS)
# Of the longest matrices (each call of each tool failing in turn) a sample by SEED; all of them in check-e2e-whole.
check-e2e: E2E += --sample=$(SEED)
check-e2e check-e2e-whole: all tests-build
	$(E2E) -n $(WORKERS) -m 'not quiet'; together=$$?; $(E2E) -m quiet && exit $$together
# The matrix of kills: a sample by SEED here, the whole of it, KILL_ROUNDS times, in check-kill.
check-kill-sample: all tests-build
	$(PYTEST) tests/e2e/test_kill.py --kill-sample=$(SEED) $(E2E_OPTIONS)
check-kill: all tests-build
	$(PYTEST) tests/e2e/test_kill.py --kill-rounds=$(KILL_ROUNDS) $(E2E_OPTIONS)

# --- a machine in qemu, from power-on to power-off
$(BUILD)/test/boot_caller: tests/boot/caller.c
	@mkdir -p $(@D)
	$(CC) -static -std=c11 -O2 $(WARNINGS) -D_GNU_SOURCE -o $@ $<
# The package as `make deb` makes it; its unit tests are a step of their own.
check-boot: all $(BUILD)/test/boot_caller
	DEB_BUILD_OPTIONS=nocheck $(MAKE) deb
	$(PYTEST) -s $(BOOT_TESTS) $(BOOT_OPTIONS)
# Once without, for the control, and once with.
check-boot-once:
	$(MAKE) check-boot BOOT_TESTS="tests/boot/test_power.py::test_without_portcullis tests/boot/test_power.py::test_from_power_on_to_power_off"

# --- the measured gate: the same objects, with a note of each flip's acknowledgement
BENCH := $(BUILD)/bench/portcullisd $(BUILD)/bench/fake_openvpn $(BUILD)/test/fwtool
$(BUILD)/bench/portcullisd: $(BUILD)/obj/src/gate/portcullisd_main.o $(GATE) $(OS_GATE) $(POLICY) $(BASE) \
		$(BUILD)/obj/tests/bench/stamps_fault.o $(BUILD)/obj/tests/bench/stamps.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(GATE_LIBS)
$(BUILD)/bench/fake_openvpn: $(BUILD)/obj/tests/bench/fake_openvpn.o $(BUILD)/obj/tests/bench/stamps.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^
$(BUILD)/test/fwtool: $(BUILD)/obj/tests/e2e/fwtool.o $(OS_FIREWALL) $(OS_CHILD) $(call port,$(NETLINK)) $(POLICY) $(BASE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(GATE_LIBS)
bench-build: all $(BENCH)
bench: bench-build
	$(PYTHON) -B tests/bench/bench.py --build $(BUILD) $(BENCH_OPTIONS)

# --- tests/fuzz/fuzz_NAME.c -> build/fuzz/NAME. Stubs of a target stand before
# the rooms' own functions of the same name.
FUZZ := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_FLAGS = -D_GNU_SOURCE -DFUZZING -std=c11 -O1 -g -fno-omit-frame-pointer $(filter -I% -DPORTCULLIS%,$(CPPFLAGS))
FUZZ_ROOMS = $(patsubst $(BUILD)/obj/%,$(BUILD)/fuzz/obj/%,$(UNIT_ROOMS))
FUZZ_STUBS = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/obj/tests/fuzz/%.o,$(filter-out tests/fuzz/fuzz_%,$(wildcard tests/fuzz/*.c)))
$(BUILD)/fuzz/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -MMD -MP -c -o $@ $<
$(BUILD)/fuzz/rooms.a: $(FUZZ_ROOMS)
	@rm -f $@
	$(AR) qcs $@ $^
# A target that includes NAME_stub.h is linked with NAME_stub.c.
stubs_of = $(patsubst %.h,$(BUILD)/fuzz/obj/tests/fuzz/%.o,$(shell sed -n 's/^\#include "\(.*_stub\.h\)"$$/\1/p' tests/fuzz/fuzz_$(1).c))
define fuzz_rule
$(BUILD)/fuzz/$(1): $(BUILD)/fuzz/obj/tests/fuzz/fuzz_$(1).o $(call stubs_of,$(1)) $(BUILD)/fuzz/rooms.a
	$$(CLANG) -fsanitize=fuzzer,address,undefined -Wl,--allow-multiple-definition -o $$@ $$^ \
	    $$(GATE_LIBS) $$(DRIVER_LIBS) $$(CTL_LIBS)
endef
$(foreach name,$(FUZZ),$(eval $(call fuzz_rule,$(name))))
-include $(shell find $(BUILD)/fuzz/obj -name '*.d' 2>/dev/null)

fuzz-build: $(addprefix $(BUILD)/fuzz/,$(FUZZ))
# A short run of each: so many inputs or so many seconds, from the seeds. What it finds stays in
# build/fuzz/corpus/NAME; an input that fails is kept beside it.
check-fuzz: $(addprefix check-fuzz-,$(FUZZ))
check-fuzz-%: $(BUILD)/fuzz/%
	@mkdir -p $(BUILD)/fuzz/corpus/$* $(BUILD)/fuzz/failed
	@if $(BUILD)/fuzz/$* -seed=$(SEED) -runs=$(FUZZ_RUNS) -max_total_time=$(FUZZ_SECONDS) -timeout=5 \
	    -max_len=16384 -artifact_prefix=$(BUILD)/fuzz/failed/$*- \
	    $(BUILD)/fuzz/corpus/$* $(wildcard tests/fuzz/seeds/$*) >$(BUILD)/fuzz/$*.log 2>&1; \
	then echo "$*: $$(sed -n 's/^Done \(.*\)/\1/p' $(BUILD)/fuzz/$*.log)"; \
	else tail -n 40 $(BUILD)/fuzz/$*.log; exit 1; fi

.PHONY: check check-gcc check-clang tests-build check-unit check-selftest check-san check-arch check-format check-tidy \
	check-cppcheck check-man check-shell check-lint check-pf check-ipfw check-property check-package check-help check-mutants check-e2e check-e2e-whole check-kill-sample check-kill bench bench-build fuzz-build check-fuzz check-boot check-boot-once
