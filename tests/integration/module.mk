# The programs as a whole, on this machine and without RDMA: tests/integration/t/*.sh, each a list of cases. They run against
# the build, and against one with sanitizers.
INTEGRATION_SANITIZE ?= address,undefined

check-integration: programs bridges
	$(Q)$(MAKE) --no-print-directory SANITIZE=$(INTEGRATION_SANITIZE) \
		BUILD=$(BUILD)-$(subst $(comma),-,$(INTEGRATION_SANITIZE)) programs bridges
	$(Q)tests/integration/run $(BUILD) $(BUILD)-$(subst $(comma),-,$(INTEGRATION_SANITIZE))

.PHONY: check-integration
