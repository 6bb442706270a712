# Fuzzers: tests/fuzz/fuzz_NAME.c, built with clang's libFuzzer and the address and undefined-behaviour sanitizers.
# To add one: that file, and here FUZZ_LIBS_NAME := the layers whose functions it calls (those below come by themselves).
# Seeds: FUZZ_SEEDS_NAME := folders of tests/golden, and the files of tests/fuzz/seeds/NAME. A tests/fuzz/NAME.dict is used.
FUZZ_LIBS_srp_login := proto
FUZZ_SEEDS_srp_login := login_req login_req_rdma login_rsp login_rej
FUZZ_LIBS_srp_cmd := proto
FUZZ_SEEDS_srp_cmd := cmd
FUZZ_LIBS_srp_iu := proto
FUZZ_SEEDS_srp_iu := tsk_mgmt rsp i_logout cred_rsp aer_rsp t_logout cred_req aer_req
FUZZ_LIBS_scsi := proto
FUZZ_SEEDS_scsi := rsp cmd
FUZZ_LIBS_config := control
FUZZ_LIBS_kept := control
FUZZ_LIBS_report_luns := core
FUZZ_LIBS_mpa := iwarp
FUZZ_LIBS_ddp := iwarp
FUZZ_LIBS_rdmap := iwarp

FUZZ_RUNS ?= 200000
FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_BIN := $(FUZZERS:%=$(BUILD)/tests/fuzz/fuzz_%) $(BUILD)/tests/fuzz/canary

# The layers are compiled once more, with coverage: their own folder, the same rules.
FUZZ_BUILD = $(BUILD)-fuzz
FUZZ_SANITIZERS := address,undefined
FUZZ_CFLAGS := -O1 -g -U_FORTIFY_SOURCE -fno-omit-frame-pointer -fno-sanitize-recover=all \
	-fsanitize=fuzzer-no-link,$(FUZZ_SANITIZERS)

# Within that build only:
define fuzz_rules
$$(BUILD)/tests/fuzz/fuzz_$(1): $$(foreach l,$$(FUZZ_LIBS_$(1)),$$(call libs_of,$$(l)))
$$(BUILD)/tests/fuzz/fuzz_$(1): FUZZ_SYSLIBS = $$(foreach l,$$(FUZZ_LIBS_$(1)),$$(call syslibs_of,$$(l)))
$$(BUILD)/seeds/$(1): FORCE
	$$(Q)tests/fuzz/make-seeds $$@ $(1) $$(FUZZ_SEEDS_$(1))
fuzz-bin: $$(BUILD)/seeds/$(1)
endef
$(foreach f,$(FUZZERS),$(eval $(call fuzz_rules,$(f))))
$(FUZZ_BIN): %: %.o
	$(call say,LD,$@)$(CC) -fsanitize=fuzzer,$(FUZZ_SANITIZERS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(FUZZ_SYSLIBS) -lpthread
$(BUILD)/seeds/canary: FORCE
	$(Q)tests/fuzz/make-seeds $@ canary cmd
fuzz-bin: $(FUZZ_BIN) $(BUILD)/seeds/canary
OBJS += $(FUZZ_BIN:=.o)
FORCE:

# $(call fuzz_run,LIMIT)
fuzz_run = if tests/fuzz/have-libfuzzer; then \
		$(MAKE) --no-print-directory -j$(or $(JOBS),2) BUILD=$(FUZZ_BUILD) CC=clang SANITIZE= CFLAGS='$(FUZZ_CFLAGS)' fuzz-bin && \
		tests/fuzz/run-fuzzers $(1) $(FUZZ_BUILD) $(FUZZERS); \
	else \
		echo "clang cannot link libFuzzer with the sanitizers here (Debian: libclang-rt-14-dev); not run: $(FUZZERS)"; \
		echo "fuzz: 0 passed, 0 failed, $(words $(FUZZERS)) skipped"; \
	fi

check-fuzz:
	$(Q)$(call fuzz_run,runs=$(FUZZ_RUNS))

fuzz: ## run each fuzzer for FUZZ_SECONDS=60
	$(Q)$(call fuzz_run,seconds=$(FUZZ_SECONDS))

.PHONY: check-fuzz fuzz fuzz-bin FORCE
