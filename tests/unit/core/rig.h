/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A gateway for tests: one core on reactors with a virtual clock, a scripted fabric in front, scripted back-ends
 * behind, and short cuts to play a host.
 */
#ifndef TESTS_UNIT_CORE_RIG_H
#define TESTS_UNIT_CORE_RIG_H

#include "../../../gateway/core/core_private.h"
#include "../../../gateway/proto/srp_iu.h"
#include "cmocka_all.h"
#include "fake_bridge.h"
#include "fake_fabric.h"

#define RIG_MEM_BYTES (4u << 20)
#define RIG_BACKENDS 2u
#define RIG_LUNS 4u

struct rig_map {
	struct map map;
	struct target_conf target;
	struct initiator_group group[2];
	struct initiator_pattern pattern[2];
	struct lun_map_entry lun[2][16];
	struct backend *backend[RIG_BACKENDS];
	struct rig *rig;
	bool released;
};

struct rig {
	struct reactor *reactor; /* control, and data unless n_reactors > 1 */
	struct reactor *data[4];
	uint32_t n_reactors;
	uint64_t now_ns;
	struct core *core;
	struct srpgw_host host;
	struct fake_fabric fab;
	struct fake_target *disk[RIG_BACKENDS];
	struct backend backend[RIG_BACKENDS];
	struct rig_map *maps[16];
	uint32_t n_maps, n_released;
	uint8_t *mem;      /* the host's memory */
	uint64_t next_tag;
	struct core_params params;
};

/* Settings before rig_start(): r->params, r->fab, r->maps[0]. */
void rig_init(struct rig *r);
void rig_start(struct rig *r);
/* Drains, checks that nothing leaked, destroys. */
void rig_stop(struct rig *r);
/* The same without a drain that must succeed in time. */
void rig_abandon(struct rig *r);
/* For cmocka: a rig in @state, for settings of one's own before rig_start(). Freed by rig_teardown(), or with free(). */
struct rig *rig_new(void **state);
/* The same with the usual settings, and started; stopped and freed again. */
int rig_setup(void **state);
int rig_teardown(void **state);

/* A map like the first: LUNs 0,1 on back-end 0 and 2,3 on back-end 1. The rig owns it. */
struct rig_map *rig_map_new(struct rig *r);
void rig_apply(struct rig *r, struct rig_map *m);

/* Runs messages, timers that are due and the fabric until nothing happens. The clock stands. */
void rig_run(struct rig *r);
/* Moves the clock, in steps at the timers' deadlines. */
void rig_wait_ms(struct rig *r, uint64_t ms);

/* ---- the host ---- */
struct rig_login {
	const char *peer;
	uint8_t id; /* last byte of the initiator port identifier */
	bool multi, immediate, anonymous;
	uint16_t imm_offset;
	uint32_t it_iu_len;
	uint8_t flags;
};
struct fake_conn *rig_login_raw(struct rig *r, const struct rig_login *l);
/* SINGLE from 10.0.0.1, accepted and established. */
struct fake_conn *rig_login(struct rig *r);
struct fake_conn *rig_login_multi(struct rig *r);

void rig_lun(uint32_t number, uint8_t lun[8]);

struct rig_cmd {
	uint32_t lun;
	uint8_t cdb[16];
	enum { RIG_NONE, RIG_IN, RIG_OUT } dir;
	uint8_t *buf;
	uint32_t len;
	uint32_t n_frag;  /* 0, 1: direct; more: indirect, all in the IU */
	bool external;    /* indirect, nothing in the IU */
	bool immediate;
	uint8_t sol_not;
	uint8_t attr;
	uint64_t tag;     /* 0: the next */
};
/* Sends it. Return: its tag. */
uint64_t rig_send_cmd(struct rig *r, struct fake_conn *c, struct rig_cmd *cmd);
uint64_t rig_read(struct rig *r, struct fake_conn *c, uint32_t lun, uint32_t block, uint8_t *buf, uint32_t len);
uint64_t rig_write(struct rig *r, struct fake_conn *c, uint32_t lun, uint32_t block, uint8_t *buf, uint32_t len);
uint64_t rig_tmf(struct rig *r, struct fake_conn *c, uint8_t function, uint32_t lun, uint64_t task_tag);

/* The next IU of the gateway must be an RSP for @tag; decoded into the result. */
struct srp_rsp rig_expect_rsp(struct rig *r, struct fake_conn *c, uint64_t tag);
void rig_expect_status(struct rig *r, struct fake_conn *c, uint64_t tag, uint8_t status);
void rig_expect_sense(struct rig *r, struct fake_conn *c, uint64_t tag, uint8_t key, uint8_t asc, uint8_t ascq);
void rig_expect_code(struct rig *r, struct fake_conn *c, uint64_t tag, uint8_t code);
void rig_expect_nothing(struct rig *r, struct fake_conn *c);
/* T_LOGOUT with @reason, exact bytes, then the disconnect. */
void rig_expect_logout(struct rig *r, struct fake_conn *c, uint32_t reason);
/* LOGIN_REJ with @reason, exact bytes. */
void rig_expect_reject(struct rig *r, struct fake_conn *c, uint32_t reason);

/* The only nexus of shard 0. */
struct nexus *rig_nexus(struct rig *r);
/* Its logical unit @number, or NULL. */
struct lu *rig_lu(struct rig *r, uint32_t number);
/* Credits are conserved, no task is left, no IU held, all memory is back. */
void rig_expect_idle(struct rig *r);

/* Fills with a pattern of @seed. */
void rig_fill(uint8_t *buf, size_t len, uint32_t seed);

#endif
