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
# Twice the processors of a small machine: an end-to-end test waits for most of its time.
E2E_WORKERS ?= 4
BOOT_TESTS ?= tests/boot

C_FILES = $(wildcard $(foreach folder,src/* src/*/* src/*/*/* openvpn-mgmt,$(folder)/*.c))
# Files that need another system's headers are checked by make cross.
TIDY_FILES = $(filter-out %_macos.c %_bsd.c %_freebsd.c %_openbsd.c,$(C_FILES))
C_TESTS = $(wildcard tests/*/*.c openvpn-mgmt/*/*.c)
C_HEADERS = $(wildcard $(foreach folder,src/* src/*/* src/*/*/* openvpn-mgmt,$(folder)/*.h) tests/*/*.h openvpn-mgmt/*/*.h)

# --- everything, with a table at the end; after a step that fails, the next one still runs
check:
	@tests/check.sh

# --- one step each; a warning is an error here
STRICT := WERROR=-Werror
check-gcc:
	$(MAKE) $(STRICT) CC=gcc BUILD=$(BUILD) all tests-build
check-clang:
	$(MAKE) $(STRICT) CC=$(CLANG) BUILD=$(BUILD)/clang OPTIMIZE='$(OPTIMIZE) -include tests/arch/const_search.h' all tests-build

# --- what the tests run, compiled with the programs' flags
e2e = $(patsubst %,$(BUILD)/obj/tests/e2e/%.o,$(1))
POLICY_PRINT = $(BUILD)/obj/tests/pf/policy_print.o $(POLICY) $(BASE)
POLICY_PRINT_LIBS = $(call libs_of,libmnl)
NFT_CONSOLE = $(call e2e,nft_console) $(OS_FIREWALL) $(OS_CHILD) $(call port,$(NETLINK)) $(POLICY) $(BASE)
NFT_CONSOLE_LIBS = $(GATE_LIBS)
FIREWALL_CONSOLE = $(call e2e,firewall_console) $(OS_CHILD) $(OS_PORTS) $(call port,host/file) $(POLICY) $(BASE) $(FAULT)
FIREWALL_CONSOLE_LIBS = $(GATE_LIBS)
DNSTOOL = $(call e2e,dnstool) $(call port,$(DNS)) $(OS_CHILD) $(BASE)
# A program that is confined as the gate confines openvpn; one that tries what a captured openvpn or driver would.
CONFINED = $(call e2e,confined) $(call port,process/sandbox/confine $(CONFINE)) $(OS_CHILD) $(BASE)
CONFINED_LIBS = $(GATE_LIBS)
CAPTURED = $(call e2e,captured tries) $(call port,process/sandbox/confine $(CONFINE) process/sandbox/sandbox) $(OS_CHILD) $(BASE)
CAPTURED_LIBS = $(GATE_LIBS)
DENY_SYSCALLS = $(call e2e,deny_syscalls)
DENY_SYSCALLS_LIBS = $(call libs_of,libseccomp)
STANDIN = $(call e2e,standin/client)
# The composed machine: the tables of the gate and of the tunnel, and nothing else of the programs.
EXPLORE = $(patsubst %,$(BUILD)/obj/tests/model/%.o,explore promises world) $(BUILD)/obj/src/gate/transition.o $(TUNNEL) $(BASE)
FAKE_OPENVPN = $(patsubst %,$(BUILD)/obj/tests/bench/%.o,fake_openvpn stamps)

# What variants leave out, and what takes its place.
TOOLS := $(call os,process/tool_paths_system)
STANDIN_TOOLS := $(call e2e,tool_paths_standin)
SYSTEM := $(TOOLS) $(call os,service/install_root_system) $(call port,$(SERVICE) $(STRICT_BOOT))
STANDIN_SYSTEM := $(STANDIN_TOOLS) $(call e2e,install_root_standin)
FIREWALLS := $(filter-out $(OS_NETWORK),$(OS_FIREWALL)) $(call port,$(PROBE)) $(TOOLS)
COMMON_FIREWALL := $(call port,firewall/firewall firewall/describe firewall/pause_watchdog host/lockfile host/file) $(STANDIN_TOOLS) $(call e2e,probe_standin)
PF := $(COMMON_FIREWALL) $(call port,firewall/pf/*) $(call os,firewall/ports_macos)
PF_MACOS := $(PF) $(call os,firewall/pf/system_macos)
PF_FREEBSD := $(PF) $(call os,firewall/pf/system_freebsd)
IPFW := $(COMMON_FIREWALL) $(call port,firewall/ipfw/* process/tool_async) $(call e2e,firewall_ports_ipfw ipfw_kernel_standin)
SCUTIL := $(STANDIN_TOOLS) $(call os,dns/scutil dns/scutil_text dns/words dns/captive_dns_query)
RESOLVCONF := $(STANDIN_TOOLS) $(call os,dns/dns_freebsd dns/resolvconf dns/unwatched dns/words)
FAULTS := $(call e2e,fault_inject)
of_platform = $(call os,$(shell sed -n 's/^\(SERVICE\|STRICT_BOOT\) := //p' src/os/$(1).mk))

# $(call variant,FILE,PROGRAM,without,with): PROGRAM of the objects' list of that name.
define variant_rule
VARIANTS += $(BUILD)/$(1)
$(BUILD)/$(1): $(filter-out $(3),$($(2))) $(4)
	@mkdir -p $$(@D)
	@$$(say) LD $$@
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$^ $$($(2)_LIBS)
endef
variant = $(eval $(call variant_rule,$(1),$(2),$(3),$(4)))

$(call variant,test/portcullisd,PORTCULLISD,$(FAULT),$(FAULTS))
$(call variant,test/portcullis,PORTCULLIS,$(TOOLS),$(STANDIN_TOOLS))
$(call variant,test/policy_print,POLICY_PRINT,,)
$(call variant,test/nft_console,NFT_CONSOLE,,)
$(call variant,test/confined,CONFINED,,)
$(call variant,test/captured,CAPTURED,,)
$(call variant,test/deny_syscalls,DENY_SYSCALLS,,)
$(call variant,test/standin,STANDIN,,)
# With pf, as on a Mac and as on FreeBSD.
$(call variant,test/portcullisd-pf,PORTCULLISD,$(FIREWALLS) $(FAULT),$(PF_MACOS) $(FAULTS))
$(call variant,test/portcullisd-pf-freebsd,PORTCULLISD,$(FIREWALLS) $(FAULT),$(PF_FREEBSD) $(FAULTS))
$(call variant,test/portcullis-pf,PORTCULLIS,$(FIREWALLS),$(PF_MACOS))
# With ipfw, and a stand-in for its kernel's switch.
$(call variant,test/ipfw/portcullisd,PORTCULLISD,$(FIREWALLS) $(FAULT),$(IPFW) $(FAULTS))
$(call variant,test/ipfw/portcullis,PORTCULLIS,$(FIREWALLS),$(IPFW))
$(call variant,test/ipfw/portcullis-driver,PORTCULLIS_DRIVER,,)
$(call variant,test/ipfw/firewall_console,FIREWALL_CONSOLE,$(FIREWALLS),$(IPFW))
# With another platform's resolver; the gate with macOS's, and captive DNS.
$(call variant,test/dnstool,DNSTOOL,,)
$(call variant,test/dnstool-macos,DNSTOOL,$(call port,$(DNS)) $(TOOLS),$(SCUTIL))
$(call variant,test/dnstool-freebsd,DNSTOOL,$(call port,$(DNS)) $(TOOLS),$(RESOLVCONF))
$(call variant,test/portcullisd-captive-dns,PORTCULLISD,$(call port,$(DNS) $(CAPTIVE_DNS)) $(TOOLS),$(SCUTIL) $(call os,dns/captive_dns_socket_loopback))
# With another platform's services, below a directory of the test's own; the gate with macOS's strict boot.
$(foreach name,$(patsubst src/os/%.mk,%,$(wildcard src/os/*.mk)),$(call variant,test/portcullis-$(name),PORTCULLIS,$(SYSTEM),$(call of_platform,$(name)) $(STANDIN_SYSTEM)))
$(call variant,test/strict/portcullisd,PORTCULLISD,$(SYSTEM),$(call os,service/strict_boot_macos service/strict_boot_list) $(STANDIN_SYSTEM))
TESTED := $(VARIANTS)
$(call variant,test/explore,EXPLORE,,)
# The gate that is measured: it records when each flip was acknowledged, and is told when it woke.
$(call variant,bench/portcullisd,PORTCULLISD,$(FAULT) $(call port,host/sleep $(SLEEP)),$(patsubst %,$(BUILD)/obj/tests/bench/%.o,stamps_fault stamps sleep_standin))
$(call variant,bench/fake_openvpn,FAKE_OPENVPN,,)

tests-build: $(UNIT) $(TESTED)

check-unit: unit
# What can be tested of this machine's firewall without changing it.
check-selftest: all
	$(BUILD)/portcullis selftest
check-san:
	UBSAN_OPTIONS=halt_on_error=1 $(MAKE) $(STRICT) SANITIZE=address,undefined BUILD=$(BUILD)/san OPTIMIZE="-O1 -g" unit

# The composed machine, searched whole: never open without a live proof, never stuck. Each planted fault must be found.
MODEL_PLANTS := connected:shut waiting:timer leaving-wait:ended open:kill dialling:reaped leaving:kill unprotected:retry
check-model: $(BUILD)/test/explore
	$(BUILD)/test/explore
	@$(foreach plant,$(MODEL_PLANTS),! $(BUILD)/test/explore --plant $(subst :, ,$(plant)) >$(BUILD)/test/explore.out &&) true

check-arch:
	$(PYTHON) -B tests/arch/check.py --self-test
	$(PYTHON) -B tests/arch/check.py --build $(BUILD)

check-format:
	$(CLANG_FORMAT) --dry-run -Werror $(C_FILES) $(C_TESTS) $(C_HEADERS)

# As many at a time as there are processors.
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

# pf's rules: an evaluator of our own must give the recorded verdicts.
check-pf: $(BUILD)/test/policy_print
	PORTCULLIS_BUILD=$(BUILD) $(PYTEST) tests/pf $(PF_OPTIONS)

# ipfw's rules, likewise.
check-ipfw: $(BUILD)/test/policy_print
	PORTCULLIS_BUILD=$(BUILD) $(PYTEST) tests/ipfw $(IPFW_OPTIONS)

# Generated packets: nft in the kernel, pf and ipfw by their evaluators must give the verdict of docs/security.md. Root.
check-property: $(BUILD)/test/policy_print
	PORTCULLIS_BUILD=$(BUILD) $(PYTEST) tests/property --property-seed=$(SEED) $(PROPERTY_OPTIONS)
# What --help says is what the man pages say, and what bash, zsh and fish complete.
check-help: all
	BUILD=$(BUILD) $(PYTEST) tests/arch

# The Debian package, installed, upgraded, removed and purged in a clean Debian that is made once (which needs the
# network); the tarball; and what other inits run. The build of the package must not run this check as its own test.
check-package:
	BUILD=$(BUILD) $(PYTEST) tests/package -n $(WORKERS) $(PACKAGE_OPTIONS)

# Small changes of the code, each in a copy of its own: do the tests notice? MUTANTS is how many, SEED chooses them.
# MUTANTS=all tries all of them, by the end-to-end tests too, which takes hours. One room:
# MUTANTS_OPTIONS="--of 'src/tunnel/*'". Root.
check-mutants: $(UNIT) $(if $(filter all,$(MUTANTS)),all tests-build)
	$(PYTHON) -B tests/mutants/run.py --build $(BUILD) --seed $(SEED) --most $(MUTANTS) \
	    $(if $(filter all,$(MUTANTS)),--end-to-end) $(MUTANTS_OPTIONS)

# Debian 12, 13 and sid, made once below build/distros (which needs the network): built and tested with each one's own
# compilers and tools. RELEASES="trixie sid" STEPS="gcc unit" chooses; the table at the end shows what there is. Root.
check-distros:
	$(PYTHON) -B tests/distros/distros.py --place $(BUILD)/distros $(if $(RELEASES),--releases "$(RELEASES)") $(if $(STEPS),--steps "$(STEPS)")

# Several workers, each in namespaces of its own; then, alone, what measures time (`-m quiet`). Of the longest matrices
# (each call of each tool fails in turn) SEED chooses a sample; check-e2e-whole runs all of them.
E2E = $(PYTEST) tests/e2e --ignore=tests/e2e/test_kill.py $(E2E_OPTIONS)
check-e2e: E2E += --sample=$(SEED)
check-e2e check-e2e-whole: all tests-build
	$(E2E) -n $(E2E_WORKERS) -m 'not quiet'; together=$$?; $(E2E) -m quiet && exit $$together
# Chaos, longer than the minute of check-e2e. A failure prints its seed, and what had happened until then.
CHAOS_SECONDS ?= 600
CHAOS_SEED ?= $(SEED)
check-chaos: all tests-build
	$(PYTEST) -s tests/e2e/test_chaos.py --chaos-seconds=$(CHAOS_SECONDS) --chaos-seed=$(CHAOS_SEED) $(E2E_OPTIONS)
# The matrix of kills: a sample that SEED chooses; check-kill runs all of it, KILL_ROUNDS times.
check-kill-sample: all tests-build
	$(PYTEST) tests/e2e/test_kill.py --kill-sample=$(SEED) $(E2E_OPTIONS)
check-kill: all tests-build
	$(PYTEST) tests/e2e/test_kill.py --kill-rounds=$(KILL_ROUNDS) $(E2E_OPTIONS)

# --- a machine in qemu, from power-on to power-off
$(BUILD)/test/boot_caller: tests/boot/caller.c
	@mkdir -p $(@D)
	$(CC) -static -std=c11 -O2 $(WARNINGS) -D_GNU_SOURCE -o $@ $<
# The package as `make deb` builds it, without the unit tests, which are a step of their own.
check-boot: all $(BUILD)/test/boot_caller
	DEB_BUILD_OPTIONS=nocheck $(MAKE) deb
	$(PYTEST) -s $(BOOT_TESTS) $(BOOT_OPTIONS)
# Once without Portcullis, as the control, and once with it.
check-boot-once:
	$(MAKE) check-boot BOOT_TESTS="tests/boot/test_power.py::test_without_portcullis tests/boot/test_power.py::test_from_power_on_to_power_off"

BENCH := $(BUILD)/bench/portcullisd $(BUILD)/bench/fake_openvpn $(BUILD)/test/nft_console
bench-build: all $(BENCH)
bench: bench-build
	$(PYTHON) -B tests/bench/bench.py --build $(BUILD) $(BENCH_OPTIONS)

# --- tests/fuzz/fuzz_NAME.c -> build/fuzz/NAME. A target's stubs replace the
# rooms' functions of the same name.
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
# A short run of each, from the seeds, for FUZZ_RUNS inputs or FUZZ_SECONDS. What it finds stays in
# build/fuzz/corpus/NAME; an input that fails is kept in build/fuzz/failed.
check-fuzz: $(addprefix check-fuzz-,$(FUZZ))
check-fuzz-%: $(BUILD)/fuzz/%
	@mkdir -p $(BUILD)/fuzz/corpus/$* $(BUILD)/fuzz/failed
	@if $(BUILD)/fuzz/$* -seed=$(SEED) -runs=$(FUZZ_RUNS) -max_total_time=$(FUZZ_SECONDS) -timeout=5 \
	    -max_len=16384 -artifact_prefix=$(BUILD)/fuzz/failed/$*- \
	    $(BUILD)/fuzz/corpus/$* $(wildcard tests/fuzz/seeds/$*) >$(BUILD)/fuzz/$*.log 2>&1; \
	then echo "$*: $$(sed -n 's/^Done \(.*\)/\1/p' $(BUILD)/fuzz/$*.log)"; \
	else tail -n 40 $(BUILD)/fuzz/$*.log; exit 1; fi

.PHONY: check check-gcc check-clang tests-build check-unit check-selftest check-san check-arch check-format check-tidy \
	check-cppcheck check-man check-shell check-lint check-pf check-ipfw check-property check-package check-distros check-help check-mutants check-e2e check-e2e-whole check-kill-sample check-kill check-chaos bench bench-build fuzz-build check-fuzz check-boot check-boot-once
