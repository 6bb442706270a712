/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A scripted bridge for the tests of core: a small disk that answers at once, or holds commands until the test says
 * what becomes of them.
 */
#ifndef TESTS_UNIT_CORE_FAKE_BRIDGE_H
#define TESTS_UNIT_CORE_FAKE_BRIDGE_H

#include "../../../gateway/base/list.h"
#include "../../../gateway/core/core.h"

#define FAKE_DISK_BYTES (1u << 20)

struct fake_target;

/* Scratch of a command: a list node. */
struct fake_cmd {
	struct list_node node;
	struct srpgw_io *io;
	struct fake_path *path;
	bool aborted;
};

struct fake_tmf_cmd {
	struct list_node node;
	struct srpgw_tmf *tmf;
	struct fake_path *path;
};

struct fake_path {
	struct list_node node;
	struct fake_target *target;
	struct srpgw_path_ctx *ctx;
	struct srpgw_reactor *reactor;
	bool up, gone;
	void (*detach_done)(void *arg);
	void *detach_arg;
	char initiator_name[224];
	uint8_t isid[6];
};

struct fake_target {
	const struct srpgw_host *host;
	uint8_t disk[FAKE_DISK_BYTES]; /* CDB bytes 2..5: byte offset / 512 */

	/* script */
	bool hold;         /* commands wait for fake_answer() */
	bool hold_tmf;     /* functions wait for fake_tmf_answer() */
	bool hold_up;      /* attach stays ATTACHING */
	bool hold_detach;  /* detach waits for fake_detached() */
	bool never;        /* submit answers NEVER */
	bool abort_answers; /* abort answers NEVER at once, as for a command that still queues in the bridge */
	int attach_rc;
	void (*on_submit)(void *arg); /* or NULL */
	void *on_submit_arg;
	uint8_t tmf_result; /* when not held */
	uint8_t status, sense[252];
	uint8_t sense_len;
	uint8_t resid_kind;
	uint32_t resid;
	uint8_t detach_delivery; /* of what is held when a session ends */

	struct list paths, cmds, tmfs;
	uint32_t n_cmds, n_tmfs, n_paths;
	uint64_t n_submits, n_aborts, n_attaches, n_detaches, n_tmf_total;
	uint8_t last_cdb[16], last_lun[8], last_attr;
	uint16_t last_cdb_len;
	uint32_t last_data_len;
	uint8_t last_tmf;
};

extern const struct srpgw_bridge fake_bridge;

struct fake_target *fake_target_new(const struct srpgw_host *host);
void fake_target_free(struct fake_target *t);

/* The oldest held command, or NULL. */
struct fake_cmd *fake_first(struct fake_target *t);
/* Carries it out and answers with the script's status. */
void fake_answer(struct fake_cmd *c);
/* Answers with a delivery and nothing else. */
void fake_lose(struct fake_cmd *c, enum srpgw_delivery delivery);
void fake_tmf_answer(struct fake_target *t, enum srpgw_tmf_result result);
/* The session of the only path dies. Held commands get @delivery first. */
void fake_down(struct fake_target *t, enum srpgw_delivery delivery, const char *why);
void fake_up(struct fake_target *t);
/* The session that is up says SILENT, HEARD or MOVE. */
void fake_say(struct fake_target *t, enum srpgw_path_event kind, const char *text);
void fake_detached(struct fake_target *t);
/* The path that is up, or the newest. */
struct fake_path *fake_path(struct fake_target *t);

#endif
