# The programs as a whole, on this machine and without RDMA: tests/integration/t/*.sh, each a list of cases. They run against
# the build, and against one with sanitizers.
INTEGRATION_SANITIZE ?= address,undefined

INTEGRATION_HELPERS = $(BUILD)/tests/integration/notify $(BUILD)/tests/integration/idle-hosts

check-integration: programs bridges integration-helpers
	$(Q)$(MAKE) --no-print-directory SANITIZE=$(INTEGRATION_SANITIZE) \
		BUILD=$(BUILD)-$(subst $(comma),-,$(INTEGRATION_SANITIZE)) programs bridges integration-helpers
	$(Q)tests/integration/run $(BUILD) $(BUILD)-$(subst $(comma),-,$(INTEGRATION_SANITIZE))

integration-helpers: $(INTEGRATION_HELPERS)
$(BUILD)/tests/integration/idle-hosts: $(call libs_of,initiator) $(iwarp_LIB)
$(BUILD)/tests/integration/%: $(BUILD)/tests/integration/%.o
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) -o $@ $< \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lpthread
OBJS += $(INTEGRATION_HELPERS:=.o)

.PHONY: check-integration integration-helpers
