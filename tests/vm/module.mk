# The emulated machine: the kernel's own SRP initiator against srpgwd. See docs/testing.md.
# The builds that tests/vm/boots asks for, each in BUILD-SANITIZERS.
VM_SANITIZE := $(shell awk '!/^\#/ && NF && $$2 != "plain" { print $$2 }' tests/vm/boots | sort -u)
VM_HELPERS = $(addprefix $(BUILD)/tests/vm/,scatter witness canary)

check-vm: all $(VM_HELPERS)
	$(Q)for s in $(VM_SANITIZE); do \
		$(MAKE) --no-print-directory -j$(JOBS) SANITIZE=$$s BUILD=$(BUILD)-$$(echo $$s | tr , -) programs bridges vm-helpers || exit 1; \
	done
	$(Q)tests/vm/check $(BUILD) $(VM_BOOTS)
vm-helpers: $(VM_HELPERS)
vm-image: ## build the emulated machine's base image
	$(Q)tests/vm/build-image $(BUILD)/vm-cache
vm-shell: all $(VM_HELPERS) ## a shell in the emulated machine, with srpgwd and its back-end running
	$(Q)tests/vm/demo -s $(BUILD)

$(BUILD)/tests/vm/%: $(BUILD)/tests/vm/%.o
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) -o $@ $<

.PHONY: check-vm vm-helpers vm-image vm-shell
