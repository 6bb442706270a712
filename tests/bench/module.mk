# Measuring: tests/bench/run is `make bench`; what its parts need besides the programs.
BENCH_HELPERS := $(BUILD)/tests/bench/iscsi_load
OBJS += $(BENCH_HELPERS:=.o)
$(BENCH_HELPERS): $(BUILD)/%: $(BUILD)/%.o
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $< $(call pkg_libs,libiscsi)
bench-helpers: $(BENCH_HELPERS) $(BUILD)/tests/sim/read4k
.PHONY: bench-helpers

# The report must say what the lines say.
check-bench-report:
	$(Q)tests/bench/selftest
check-static: check-bench-report
.PHONY: check-bench-report
