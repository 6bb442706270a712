/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For scripted scenarios: a rig with clients that do one thing at a time, stepped. A check that fails fails the cmocka test.
 */
#ifndef TESTS_SIM_BENCH_H
#define TESTS_SIM_BENCH_H

#include "rig.h"

#include "../../gateway/initiator/initiator.h"
#include "../../gateway/initiator/initiator_raw.h"
#include "../../gateway/proto/scsi.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define CLIENT_ARENA (512u << 10)

struct client {
	struct bench *b;
	struct fabric *f;
	struct initiator *i;
	struct initiator_params p;
	struct fabric_addr src;
	uint8_t *arena;
	uint8_t task_attr; /* of the commands to come */
	bool login_told, lost, out;
	int code;
	uint32_t reject;
	char why[256];
	/* What came last on any channel while raw was set, as it came; and the library does not see it. */
	bool raw;
	uint8_t iu[512];
	uint32_t iu_len, n_ius;
	/* Last task management function. */
	bool tmf_told;
	int tmf_code;
	uint8_t tmf_rsp;
	uint64_t tmf_ns;
};

struct bench {
	struct rig rig;
	struct reactor *host_reactor;
};

void bench_make(struct bench *b, const struct rig_params *p);
/* Drains and checks that nothing is left. @violations: that many are the scenario's own doing (a host that lies about its memory). */
void bench_free(struct bench *b);
struct rig_params bench_params(void); /* quick back-end without faults */

/* A client at its own address, not logged in; change c->p before client_login(). */
struct client *client_make(struct bench *b, uint32_t number);
/* Return: 0 or the code that login_done() gave. */
int client_login(struct client *c);
/* With this private data. */
int client_login_raw(struct client *c, const void *priv, size_t len);
struct initiator_info client_info(const struct client *c);
void client_free(struct client *c); /* logs out first */

/* Runs until something holds; fails the test when it never does. */
#define bench_until(b, seconds, expr)                                                       \
	do {                                                                                \
		uint64_t end_ns_ = sim_now_ns((b)->rig.w) + (uint64_t)((seconds) * 1e9);    \
		while (!(expr) && sim_now_ns((b)->rig.w) < end_ns_)                         \
			sim_run_for((b)->rig.w, 20 * NS_PER_US);                            \
		assert_true(expr);                                                          \
	} while (0)

/* Commands with the ledger's bookkeeping. READ(16) or WRITE(16). */
struct client_cmd {
	struct initiator_cmd c;
	struct client *client;
	uint32_t id;
	bool done;
};
void client_rw(struct client *c, struct client_cmd *cmd, uint32_t lun, bool is_write, uint32_t lba, uint32_t n_blocks, uint32_t n_frag,
	       uint32_t arena_offset);
/* It was told a unit attention of a lost nexus or session. */
bool client_was_reset(const struct client_cmd *cmd);
/* One that must be GOOD, after such a unit attention. */
void client_must_work(struct client *c, uint32_t lun);
void client_tmf(struct client *c, uint8_t function, uint32_t lun, const struct client_cmd *task);

/* A well-formed raw SRP_CMD: TEST UNIT READY without data. */
size_t raw_cmd(uint8_t iu[512], uint64_t tag, uint32_t lun);
/* Sends and waits for an IU to come back or the channel to go. */
void client_raw(struct client *c, const void *iu, size_t len);
/* The last IU must be a T_LOGOUT with @reason, then the channel must go. */
void expect_t_logout(struct client *c, uint32_t reason);
/* The last IU must be a RSP with that response code, and the channel must live. */
void expect_rsp_code(struct client *c, uint64_t tag, uint8_t code);

#endif
