# The simulator's tests: random runs, scenarios, and a threaded run. The initiator's unit tests run over the simulated fabric, too.
#
#   make check-sim                     all of it, with sanitizers
#   make sim-run SIM_SEEDS=100000 SIM_FROM=1000
#   $(BUILD)/tests/sim/sim --seed N -v replay one seed, with what happens
#   make sim-callgrind                 instructions per 4 KiB read

$(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/initiator/test_*.c)): $(sim_LIB)

SIM_LIBS = $(core_LIB) $(initiator_LIB) $(sim_LIB) $(proto_LIB) $(rt_LIB) $(base_LIB)
SIM_COMMON_OBJ := $(patsubst %,$(BUILD)/tests/sim/%.o,ledger order_book sim_bridge sim_device rig host)
SIM_SCENARIO_BIN := $(patsubst tests/sim/%.c,$(BUILD)/tests/sim/%,$(wildcard tests/sim/scen_*.c))
OBJS += $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/sim/*.c))

sim_link = $(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group

$(BUILD)/tests/sim/sim: $(patsubst %,$(BUILD)/tests/sim/%.o,sim_main run villain) $(SIM_COMMON_OBJ) $(SIM_LIBS)
	$(sim_link) -lpthread
$(BUILD)/tests/sim/threads: $(patsubst %,$(BUILD)/tests/sim/%.o,threads villain) $(SIM_COMMON_OBJ) $(SIM_LIBS)
	$(sim_link) -lpthread
$(SIM_SCENARIO_BIN): $(BUILD)/tests/sim/%: $(BUILD)/tests/sim/%.o $(patsubst %,$(BUILD)/tests/sim/%.o,bench load) $(SIM_COMMON_OBJ) $(SIM_LIBS)
	$(sim_link) -lcmocka -lpthread

SIM_SEEDS ?= 3000
SIM_FROM ?= 1
SIM_ROUNDS ?= 4

# A failing seed is printed; `.../tests/sim/sim --seed N -v` or SIM_SEED=N replays it.
sim-run: $(BUILD)/tests/sim/sim
	$(Q)SIM_SEEDS=$(SIM_SEEDS) SIM_FROM=$(SIM_FROM) $<
sim-scenarios: $(SIM_SCENARIO_BIN)
	$(Q)tests/check/run-programs sim-scenarios $^
sim-threads: $(BUILD)/tests/sim/threads
	$(Q)$< $(SIM_ROUNDS)

check-sim:
	$(Q)rc=0; \
	$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)-address-undefined SANITIZE=address,undefined DEVELOPER=1 sim-build || exit 1; \
	$(MAKE) --no-print-directory BUILD=$(BUILD)-address-undefined SANITIZE=address,undefined sim-scenarios || rc=1; \
	$(MAKE) --no-print-directory BUILD=$(BUILD)-address-undefined SANITIZE=address,undefined sim-run || rc=1; \
	$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)-thread SANITIZE=thread DEVELOPER=1 $(BUILD)-thread/tests/sim/threads || exit 1; \
	$(MAKE) --no-print-directory BUILD=$(BUILD)-thread SANITIZE=thread sim-threads || rc=1; \
	exit $$rc
sim-build: $(BUILD)/tests/sim/sim $(SIM_SCENARIO_BIN)

.PHONY: check-sim sim-build sim-run sim-scenarios sim-threads

$(BUILD)/tests/sim/read4k: $(BUILD)/tests/sim/read4k.o $(BUILD)/tests/sim/bench.o $(SIM_COMMON_OBJ) $(SIM_LIBS)
	$(sim_link) -lcmocka -lpthread
sim-callgrind: $(BUILD)/tests/sim/read4k ## instructions of the gateway per 4 KiB read
	$(Q)tests/sim/callgrind $<
.PHONY: sim-callgrind
