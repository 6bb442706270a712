# The simulator's tests: random runs, scenarios, and a threaded run. The initiator's unit tests run over the simulated fabric, too.
$(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/initiator/test_*.c)): $(sim_LIB)

SIM_LIBS = $(core_LIB) $(initiator_LIB) $(sim_LIB) $(proto_LIB) $(rt_LIB) $(base_LIB)
SIM_COMMON := ledger sim_bridge rig host
SIM_COMMON_OBJ := $(SIM_COMMON:%=$(BUILD)/tests/sim/%.o)
OBJS += $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/sim/*.c))

$(BUILD)/tests/sim/sim: $(BUILD)/tests/sim/sim_main.o $(BUILD)/tests/sim/run.o $(SIM_COMMON_OBJ) $(SIM_LIBS)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lpthread

SIM_SCENARIOS := scen_matrix
SIM_SCENARIO_BIN := $(SIM_SCENARIOS:%=$(BUILD)/tests/sim/%)
$(SIM_SCENARIO_BIN): $(BUILD)/tests/sim/%: $(BUILD)/tests/sim/%.o $(BUILD)/tests/sim/bench.o $(SIM_COMMON_OBJ) $(SIM_LIBS)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka -lpthread
