/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ledger of a simulated run: every command that a host sent, what became of it at the back-end and at the host, and what each
 * block of each disk holds. A block's content is a function of the write that it comes from and its address, so the
 * ledger can tell whether what somebody reads or writes is right.
 *
 * Rules that it holds (a breach is counted and the first is kept as text):
 *  - a write lands at most once, with the host's bytes, and not after its host was told that it is done;
 *  - GOOD is only told of what the back-end answered with GOOD, and statuses, sense data and residuals are the back-end's own;
 *  - the fence: when a command lands that its host was told has ended otherwise (task management, BUSY, connection lost), nothing
 *    that the same host sent to that logical unit afterwards may have been delivered before; with ledger_by_blocks(): nothing that
 *    touches a block of it;
 *  - the order of task attributes, see order_book.h;
 *  - a read returns for each block what the disk held at some moment between its sending and its answer.
 * Any thread.
 */
#ifndef TESTS_SIM_LEDGER_H
#define TESTS_SIM_LEDGER_H

#include "../../gateway/base/cleanup.h"
#include "../../gateway/base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_BYTES 512u
#define DISK_BLOCKS 4096u
#define LEDGER_MAX_CMDS 4096u /* see sim_cmd_name() */
#define LEDGER_MAX_HOSTS 16u
#define LEDGER_MAX_DISKS 16u

struct ledger;

/* With -v: what happens, one line each, and not rate-limited. */
#define trace(...)                                              \
	do {                                                    \
		if (log_enabled(LOG_LEVEL_DEBUG))               \
			log_line(NULL, LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

enum cmd_end { CMD_RUNNING, CMD_ANSWERED, CMD_CANCELLED, CMD_DISCONNECTED };

struct ledger *ledger_create(void);
void ledger_free(struct ledger *l);

/* ---- the host's side ---- */

/* A command is about to be sent. Return: its number, never 0; 0 when the ledger is full. */
uint32_t ledger_send(struct ledger *l, uint32_t host, uint32_t disk, bool is_write, uint32_t lba, uint32_t n_blocks);
/* It was sent: @queue names the channel and logical unit for good, @attr is its task attribute. Without this its order is not checked. */
void ledger_order(struct ledger *l, uint32_t cmd, uint64_t queue, uint8_t attr);
struct cmd_answer {
	uint8_t status;
	bool has_rsp_code;
	uint8_t rsp_code;
	uint32_t resid_under, resid_over;
	const uint8_t *sense;
	uint32_t sense_len;
};
/* Its end; @a with CMD_ANSWERED. */
void ledger_end(struct ledger *l, uint32_t cmd, enum cmd_end how, const struct cmd_answer *a);
/* @data: what a read that is ending with GOOD returned, @len_bytes of it valid. Before ledger_end(). */
void ledger_check_read(struct ledger *l, uint32_t cmd, const uint8_t *data, uint32_t len_bytes);
void ledger_fill(uint32_t cmd, uint32_t lba, uint32_t n_blocks, uint8_t *out);

/* ---- the back-end's side ---- */

/* The bridge was given the command. */
void ledger_deliver(struct ledger *l, uint32_t cmd, uint32_t disk, bool is_write, uint32_t lba, uint32_t n_blocks);
/* A block of a write's data as the bridge sees it. */
bool ledger_block_is(uint32_t cmd, uint32_t lba, const uint8_t block[BLOCK_BYTES]);
void ledger_land(struct ledger *l, uint32_t cmd);
/* The device ended the task: what has not landed never will, although the answer is still to come. */
void ledger_stop(struct ledger *l, uint32_t cmd);
void ledger_block_now(struct ledger *l, uint32_t disk, uint32_t lba, uint8_t out[BLOCK_BYTES]);
enum ledger_delivery { LEDGER_NEVER, LEDGER_MAYBE, LEDGER_ANSWERED };
void ledger_answer(struct ledger *l, uint32_t cmd, enum ledger_delivery d, const struct cmd_answer *a);

/* ---- the books ---- */
/* The gateway may answer CHECK CONDITION with this additional sense code of its own accord. */
void ledger_allow_asc(struct ledger *l, uint8_t asc);
/* Hosts asked for the capacity of their logical units, so a fence may stand for some blocks only. Before the first command. */
void ledger_by_blocks(struct ledger *l);
void ledger_breach(struct ledger *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
uint64_t ledger_breaches(const struct ledger *l);
const char *ledger_first_breach(const struct ledger *l);
struct ledger_stats {
	uint64_t sent, delivered, landed, answered, cancelled, disconnected, good, late_landings, order_checks;
};
void ledger_stats(const struct ledger *l, struct ledger_stats *out);

#endif
