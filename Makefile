# srpgw: one Makefile, GNU make 4.
#
#   make                 build everything into build/
#   make check           install what is missing (root), then test all that this machine can
#   make demo            run the main job and leave it running until interrupted
#   make bench           measure
#   make install DESTDIR= PREFIX=/usr
#   make help            this text
#
# Settings: CC=gcc|clang  DEVELOPER=1 (warnings are errors)  V=1 (show commands)
#           SANITIZE=address,undefined | thread   BUILD=folder
#
# Each layer of docs/architecture.md becomes one static library; a program or test links its own layer and those below.

.DEFAULT_GOAL := all
PREFIX ?= /usr
DESTDIR ?=
VERSION := $(shell sed -n 's/^## \([0-9][0-9.]*\).*/\1/p' CHANGELOG.md 2>/dev/null | head -n 1)

comma := ,
BUILD ?= build$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))$(if $(filter clang%,$(CC)),-clang)

ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition \
	-Wwrite-strings -Wcast-align -Wvla -Wpointer-arith -Wundef -Wimplicit-fallthrough -Wredundant-decls
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -fPIC -fvisibility=hidden -fstack-protector-strong $(WARNINGS) \
	-DSRPGW_VERSION='"$(VERSION)"' -DSRPGW_BRIDGE_DIR='"$(PREFIX)/lib/srpgw/bridges"' \
	$(if $(DEVELOPER),-Werror) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2) \
	$(CFLAGS)
ALL_LDFLAGS = $(if $(SANITIZE),-fsanitize=$(SANITIZE)) -Wl,-z,relro,-z,now $(LDFLAGS)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$(2)';)

pkg_cflags = $(shell pkg-config --cflags $(1) 2>/dev/null)
pkg_libs = $(shell pkg-config --libs $(1) 2>/dev/null)

# ---- layers, lowest first: name, folder, layers it may link, libraries ----
LAYERS := base proto rt core initiator verbs iwarp sim bridge control tools
base_DIR := gateway/base
proto_DIR := gateway/proto
rt_DIR := gateway/rt
core_DIR := gateway/core
initiator_DIR := gateway/initiator
verbs_DIR := gateway/fabric/verbs
iwarp_DIR := gateway/fabric/iwarp
sim_DIR := gateway/fabric/sim
bridge_DIR := gateway/bridge
control_DIR := gateway/control
tools_DIR := gateway/tools
base_NEEDS :=
proto_NEEDS := base
rt_NEEDS := base
core_NEEDS := proto rt base
initiator_NEEDS := proto rt base
verbs_NEEDS := rt base
iwarp_NEEDS := rt base
sim_NEEDS := rt base
bridge_NEEDS := core proto rt base
control_NEEDS := bridge core proto rt base
tools_NEEDS := bridge initiator verbs iwarp proto rt base
verbs_LIBS = -lrdmacm -libverbs
bridge_LIBS := -ldl
control_LIBS = $(call pkg_libs,jansson libsystemd)
tools_LIBS = $(verbs_LIBS) $(bridge_LIBS) $(call pkg_libs,jansson)

define layer_rules
$(1)_SRC := $$(wildcard $$($(1)_DIR)/*.c)
$(1)_OBJ := $$($(1)_SRC:%.c=$$(BUILD)/%.o)
$(1)_LIB := $$(BUILD)/lib/lib$(1).a
$$($(1)_LIB): $$($(1)_OBJ)
	$$(call say,AR,$$@)mkdir -p $$(@D) && rm -f $$@ && ar rcs $$@ $$^
$(1): $$($(1)_LIB)
.PHONY: $(1)
OBJS += $$($(1)_OBJ)
endef
$(foreach l,$(LAYERS),$(eval $(call layer_rules,$(l))))
# $(call libs_of,layer): its archive and those below, and the system libraries they need
libs_of = $($(1)_LIB) $(foreach n,$($(1)_NEEDS),$($(n)_LIB))
syslibs_of = $(strip $($(1)_LIBS) $(foreach n,$($(1)_NEEDS),$($(n)_LIBS)))

$(BUILD)/%.o: %.c
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# ---- programs ----
PROGRAMS := $(BUILD)/sbin/srpgwd $(BUILD)/bin/srpgwctl $(BUILD)/bin/srpio
$(BUILD)/sbin/srpgwd: $(BUILD)/gateway/main.o $(call libs_of,control) $(verbs_LIB) $(iwarp_LIB)
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) -rdynamic -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(call syslibs_of,control) $(verbs_LIBS) -lpthread
# A tool is gateway/tools/NAME_main.c and what it uses of the layers.
$(BUILD)/bin/%: $(BUILD)/gateway/tools/%_main.o $(call libs_of,tools)
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(call syslibs_of,tools) -lpthread
OBJS += $(BUILD)/gateway/main.o

# ---- bridges: plugins/NAME/*.c becomes bridges/NAME.so; plugins/NAME/module.mk may set NAME_PKGS and NAME_EXTRA_SRC ----
BRIDGES := $(notdir $(patsubst %/,%,$(wildcard plugins/*/)))
-include $(wildcard plugins/*/module.mk)
define bridge_rules
plug_$(1)_OBJ := $$(patsubst %.c,$$(BUILD)/%.o,$$(wildcard plugins/$(1)/*.c) $$($(1)_EXTRA_SRC))
$$(BUILD)/bridges/$(1).so: $$(plug_$(1)_OBJ)
	$$(call say,LD,$$@)mkdir -p $$(@D) && $$(CC) $$(ALL_LDFLAGS) -shared -o $$@ $$^ $$(call pkg_libs,$$($(1)_PKGS)) -lpthread
OBJS += $$(plug_$(1)_OBJ)
endef
$(foreach b,$(BRIDGES),$(eval $(call bridge_rules,$(b))))
PLUGIN_SO := $(BRIDGES:%=$(BUILD)/bridges/%.so)
$(BUILD)/plugins/%.o: ALL_CFLAGS += -Igateway/include

all: $(PROGRAMS) $(PLUGIN_SO) ## build everything
programs: $(PROGRAMS)
bridges: $(PLUGIN_SO)

# ---- unit tests: tests/unit/LAYER/test_*.c, one program each, with what the folder's other *.c hold for all of them ----
UNIT_SRC := $(foreach l,$(LAYERS),$(wildcard tests/unit/$(l)/test_*.c))
UNIT_BIN := $(UNIT_SRC:%.c=$(BUILD)/%)
define unit_rules
$$(patsubst %.c,$$(BUILD)/%,$$(wildcard tests/unit/$(1)/test_*.c)): $$(BUILD)/tests/unit/$(1)/%: $$(BUILD)/tests/unit/$(1)/%.o \
		$$(patsubst %.c,$$(BUILD)/%.o,$$(filter-out tests/unit/$(1)/test_%.c,$$(wildcard tests/unit/$(1)/*.c))) $$(call libs_of,$(1))
	$$(call say,LD,$$@)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group \
		$$(call syslibs_of,$(1)) -lcmocka -lpthread
unit-$(1): $$(patsubst %.c,$$(BUILD)/%,$$(wildcard tests/unit/$(1)/test_*.c))
	$$(Q)tests/check/run-programs unit-$(1) $$^
.PHONY: unit-$(1)
endef
$(foreach l,$(LAYERS),$(eval $(call unit_rules,$(l))))
OBJS += $(UNIT_SRC:%.c=$(BUILD)/%.o) $(foreach l,$(LAYERS),$(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/unit/$(l)/*.c)))
unit: $(UNIT_BIN)
	$(Q)tests/check/run-programs unit $^

# ---- what the folders add: check stages, simulator, fuzzers, emulated machine, packages ----
include $(wildcard tests/*/module.mk packaging/module.mk webui-cgi/module.mk)

# ---- check: stages with their times, see tests/check/stages ----
check: ## install what is missing (root), then test all that this machine can
	$(Q)packaging/install-deps check
	$(Q)$(MAKE) --no-print-directory check-stages
check-stages:
	$(Q)tests/check/run-stages $(STAGES)

demo: ## run the main job and leave it running until interrupted
	$(Q)packaging/install-deps demo
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all
	$(Q)tests/demo/demo $(BUILD)

demo-vm: ## the same in an emulated machine, with soft RoCE and Linux' own SRP initiator
	$(Q)packaging/install-deps demo-vm
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all
	$(Q)tests/vm/demo $(BUILD)

bench: ## measure; reports, never gates
	$(Q)packaging/install-deps bench
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all bench-helpers
	$(Q)tests/bench/run $(BUILD)

# ---- install ----
install: all ## install below $(DESTDIR)$(PREFIX)
	install -D -m 755 $(BUILD)/sbin/srpgwd $(DESTDIR)$(PREFIX)/sbin/srpgwd
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(BUILD)/bin/srpgwctl $(BUILD)/bin/srpio
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/srpgw/bridges $(PLUGIN_SO)
	install -D -m 644 gateway/include/srpgw/bridge.h $(DESTDIR)$(PREFIX)/include/srpgw/bridge.h
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig
	sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@VERSION@|$(VERSION)|g' etc/srpgw.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/srpgw.pc
	test -e $(DESTDIR)/etc/srpgw/srpgw.json || install -D -m 640 etc/srpgw.json $(DESTDIR)/etc/srpgw/srpgw.json
	install -D -m 644 etc/srpgwd.service $(DESTDIR)$(PREFIX)/lib/systemd/system/srpgwd.service
	install -D -m 644 etc/srpgw.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/srpgw.conf

help: ## this text
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile
	@grep -hE '^[a-z][a-z0-9-]*:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16 | sort

clean:
	rm -rf build build-*

.PHONY: all programs bridges unit check check-stages demo demo-vm bench install help clean
.SECONDARY:
-include $(OBJS:.o=.d)
