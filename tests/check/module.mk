# Stages of `make check`, in order; each is a target check-NAME. tests/check/run-stages times them.
STAGES := build static unit sim bridges fuzz integration vm

JOBS := $(shell nproc)

# Both compilers, warnings as errors. The gcc build is also what the emulated machine runs.
check-build:
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) DEVELOPER=1 CC=gcc BUILD=build all
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) DEVELOPER=1 CC=clang BUILD=build-clang all
	@echo "build: 2 passed, 0 failed"

check-static:
	$(Q)rc=0; for c in selftest layers headers shape conformance cppcheck tidy; do echo "-- $$c"; tests/check/$$c || rc=1; done; exit $$rc

check-unit:
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) SANITIZE=address,undefined DEVELOPER=1 BUILD=build-address-undefined unit

.PHONY: check-build check-static check-unit
