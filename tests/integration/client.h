/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the client share, see client.c. Everything ends the program when something is wrong. */
#ifndef INTEGRATION_CLIENT_H
#define INTEGRATION_CLIENT_H

#include "../../gateway/fabric/iwarp/iwarp.h"
#include "../../gateway/initiator/initiator.h"

struct client {
	struct reactor *reactor;
	struct fabric *fabric;
	struct fabric_addr dst;
	uint32_t ext; /* first bytes of the initiator port identifiers */
	struct reactor_timer patience;
};

struct host {
	struct client *c;
	struct initiator *ini;
	struct initiator_params params; /* to begin with; zero: the defaults */
	uint32_t number;
	uint8_t *arena;
	size_t arena_bytes;
	bool up, closed, may_be_lost, working;
};

struct wait_cmd {
	struct initiator_cmd cmd;
	bool over;
};

void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Until @over; not for ever. */
void client_wait(struct client *c, bool (*over)(const void *arg), const void *arg);

void host_start(struct client *c, struct host *h, uint32_t number, size_t arena_bytes);
void host_login(struct client *c, struct host *h, uint32_t number, size_t arena_bytes);
/* Logs out; fails if the gateway ever broke the protocol. */
void host_end(struct host *h);
/* Ends the connection, with or without I_LOGOUT. */
void host_close(struct host *h, bool polite);
/* Repeats BUSY and unit attentions; anything but GOOD without residual fails. */
void host_do(struct host *h, struct wait_cmd *w);

/* READ(10), WRITE(10) of LUN 0. */
void cmd_rw(struct initiator_cmd *c, bool write, uint64_t lba, void *buf, uint32_t len_bytes);
/* BUSY, TASK SET FULL, unit attention. */
bool cmd_again(const struct initiator_cmd *c);

/* client_tmf.c, client_data.c, client_slow.c, client_luns.c, client_late.c, client_pr_run.c */
void client_abort(struct client *c, uint32_t n);
void client_reset(struct client *c, uint32_t n);
void client_tables(struct client *c);
void client_credits(struct client *c);
void client_slow(struct client *c);
void client_late(struct client *c, const char *what, const char *held);
void client_luns(struct client *c);
void client_pr(const struct client *c, const struct fabric_addr *other, char **argv);

#endif
