# The programs as a whole, on this machine and without RDMA: tests/integration/t/*.sh, each a list of cases. They run against the
# build, and against two with sanitizers; a test's line "# builds:" says which of them are for it.
INTEGRATION_SANITIZE ?= address,undefined thread

INTEGRATION_HELPERS = $(patsubst %,$(BUILD)/tests/integration/%,notify idle-hosts portal client late_write.so)
client_OBJ = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/integration/client_*.c))

check-integration: programs bridges integration-helpers
	$(Q)for s in $(INTEGRATION_SANITIZE); do \
		$(MAKE) --no-print-directory -j$(JOBS) SANITIZE=$$s BUILD=$(BUILD)-$$(echo $$s | tr , -) programs bridges integration-helpers || exit 1; \
	done
	$(Q)tests/integration/run plain=$(BUILD) $(foreach s,$(INTEGRATION_SANITIZE),$(firstword $(subst $(comma), ,$(s)))=$(BUILD)-$(subst $(comma),-,$(s)))

integration-helpers: $(INTEGRATION_HELPERS)
$(BUILD)/tests/integration/idle-hosts: $(call libs_of,initiator) $(iwarp_LIB)
$(BUILD)/tests/integration/client: $(client_OBJ) $(call libs_of,initiator) $(iwarp_LIB)
# It is loaded into a program that knows no sanitizer.
$(BUILD)/tests/integration/late_write.so: tests/integration/late_write.c
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) $(filter-out -fsanitize=% -fno-sanitize% -fno-omit-frame-pointer,$(ALL_CFLAGS)) -shared -o $@ $< -ldl
$(BUILD)/tests/integration/%: $(BUILD)/tests/integration/%.o
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lpthread
OBJS += $(INTEGRATION_HELPERS:=.o) $(client_OBJ)

.PHONY: check-integration integration-helpers
