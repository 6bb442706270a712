# The emulated machine: the kernel's own SRP initiator against srpgwd. See docs/testing.md.
VM_SANITIZE ?= address,undefined
VM_HELPERS = $(BUILD)/tests/vm/scatter

check-vm: all $(VM_HELPERS)
	$(Q)$(MAKE) --no-print-directory SANITIZE=$(VM_SANITIZE) BUILD=$(BUILD)-$(subst $(comma),-,$(VM_SANITIZE)) programs bridges vm-helpers
	$(Q)tests/vm/check $(BUILD) $(VM_BOOTS)
vm-helpers: $(VM_HELPERS)
vm-image: ## build the emulated machine's base image
	$(Q)tests/vm/build-image $(BUILD)/vm-cache
vm-shell: all $(VM_HELPERS) ## a shell in the emulated machine, with srpgwd and its back-end running
	$(Q)tests/vm/demo -s $(BUILD)

$(BUILD)/tests/vm/%: $(BUILD)/tests/vm/%.o
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) -o $@ $<

.PHONY: check-vm vm-helpers vm-image vm-shell
