# Unit tests of the loader and of the plugins: what they need besides a test program.

# ---- test plugins of the loader's tests: so/variant.c once for each way to be right or wrong ----
so_GOOD := good newer below
so_WRONG := wrongabi nosymbol null short cut noname noopen nodetach notmf alien
so_DIR := $(BUILD)/tests/unit/bridge/so
so_ALL := $(patsubst %,$(so_DIR)/%.so,$(so_GOOD) $(so_WRONG) older rude guide)
so_CC = $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -shared

$(patsubst %,$(so_DIR)/%.so,$(so_GOOD) $(so_WRONG)): $(so_DIR)/%.so: tests/unit/bridge/so/variant.c gateway/include/srpgw/bridge.h
	$(call say,LD,$@)mkdir -p $(@D) && $(so_CC) -Igateway/include -DVARIANT_$* -DVARIANT_NAME='"$*"' -o $@ $<
$(so_DIR)/older.so: tests/unit/bridge/so/variant.c tests/unit/bridge/old/srpgw/bridge.h
	$(call say,LD,$@)mkdir -p $(@D) && $(so_CC) -Itests/unit/bridge/old -DVARIANT_older -DVARIANT_NAME='"older"' -o $@ $<
$(so_DIR)/rude.so: tests/unit/bridge/so/rude.c gateway/include/srpgw/bridge.h
	$(call say,LD,$@)mkdir -p $(@D) && $(so_CC) -Igateway/include -o $@ $<
# The example of the author's guide must compile and work as it stands there.
$(so_DIR)/guide.so: docs/bridge-author-guide.md gateway/include/srpgw/bridge.h
	$(call say,LD,$@)mkdir -p $(@D) && sed -n '/^```c$$/,/^```$$/{/^```/d;p}' $< > $(@:.so=.c) && $(so_CC) -Igateway/include -o $@ $(@:.so=.c)

# The bridge to local devices without its device: sg_device.c stands in for device.c.
$(so_DIR)/sg.so: $(filter-out %/device.c,$(wildcard plugins/sg/*.c)) tests/unit/bridge/so/sg_device.c $(wildcard plugins/sg/*.h) gateway/include/srpgw/bridge.h
	$(call say,LD,$@)mkdir -p $(@D) && $(so_CC) -Igateway/include -o $@ $(filter %.c,$^) -lpthread

# Stand-ins for libiscsi, which tells its version by its symbols only.
iser_STANDINS := $(patsubst %,$(so_DIR)/libiscsi-%.so,1180 1190 1200 1201)
$(iser_STANDINS): $(so_DIR)/libiscsi-%.so: tests/unit/bridge/so/libiscsi.c
	$(call say,LD,$@)mkdir -p $(@D) && $(so_CC) -DSTANDIN=$* -o $@ $<

$(patsubst %,$(BUILD)/tests/unit/bridge/test_%,load guard discover): | $(so_ALL)

# ---- tests of the plugins: tests/unit/plugins/test_NAME.c against the real NAME.so, the real loader and a real reactor ----
plugins_TEST := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/plugins/test_*.c))
plugins_HELP := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/unit/plugins/test_%.c,$(wildcard tests/unit/plugins/*.c)))
OBJS += $(plugins_TEST:%=%.o) $(plugins_HELP)
$(plugins_TEST): $(BUILD)/tests/unit/plugins/%: $(BUILD)/tests/unit/plugins/%.o $(plugins_HELP) $(bridge_LIB) $(rt_LIB) $(base_LIB) | $(PLUGIN_SO)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(bridge_LIBS) -lcmocka -lpthread
# test_portal_table.c looks at the table of portals itself, too.
$(BUILD)/tests/unit/plugins/%.o: ALL_CFLAGS += -Igateway/include
$(BUILD)/tests/unit/plugins/test_guide: | $(so_DIR)/guide.so
$(BUILD)/tests/unit/plugins/test_sg: | $(so_DIR)/sg.so
$(BUILD)/tests/unit/plugins/test_iser: $(patsubst %,$(BUILD)/plugins/iser/%.o,version offload) | $(iser_STANDINS)
$(BUILD)/tests/unit/plugins/test_iser.o: ALL_CFLAGS += -Igateway/include
unit-plugins: $(plugins_TEST)
	$(Q)tests/check/run-programs unit-plugins $^
check-bridges:
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) SANITIZE=address,undefined DEVELOPER=1 BUILD=build-address-undefined unit-plugins
.PHONY: unit-plugins check-bridges
