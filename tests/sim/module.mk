# The simulator's tests. The initiator's unit tests run over the simulated fabric.
$(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/initiator/test_*.c)): $(sim_LIB)
