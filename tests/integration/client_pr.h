/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts that reserve: what client_pr.c and client_pr_run.c share. */
#ifndef INTEGRATION_CLIENT_PR_H
#define INTEGRATION_CLIENT_PR_H

#include "client.h"

enum { ST_GOOD = 0x00, ST_CHECK = 0x02, ST_CONFLICT = 0x18 };
enum { IN_KEYS, IN_RESERVATION, IN_CAPABILITIES, IN_FULL_STATUS };
enum { OUT_REGISTER, OUT_RESERVE, OUT_RELEASE, OUT_CLEAR, OUT_PREEMPT, OUT_PREEMPT_ABORT, OUT_REGISTER_IGNORE };

/* A host with a key of its own, perhaps behind a gateway of its own. */
struct party {
	struct client c;
	struct host h;
	uint64_t key;
	uint32_t sense;   /* key, ASC, ASCQ of the last CHECK CONDITION that was no unit attention */
	uint32_t ua[16];  /* ASC, ASCQ of the unit attentions since party_forget_ua() */
	uint32_t n_ua;
};

/* The client of @c, but to the gateway at @dst. */
void party_init(struct party *p, const struct client *c, const struct fabric_addr *dst);
void party_login(struct party *p, uint32_t number);
/* The connection ends without I_LOGOUT, as when a cable is pulled or a host dies. */
void party_lose(struct party *p);
void party_logout(struct party *p);
void party_forget_ua(struct party *p);
bool party_heard(const struct party *p, uint32_t asc_ascq);

/* Each takes unit attentions and BUSY as a host does. Return: the SCSI status. */
uint8_t party_do(struct party *p, struct initiator_cmd *cmd);
uint8_t party_write(struct party *p);
uint8_t party_read(struct party *p);
/* RESERVE(6), RELEASE(6), TEST UNIT READY: operation code only. */
uint8_t party_simple(struct party *p, uint8_t opcode);
uint8_t pr_out(struct party *p, uint8_t action, uint8_t type, uint64_t key, uint64_t action_key, uint8_t flags);
/* @len: what came. Return: the parameter data in the arena, or NULL when the status was not GOOD. */
const uint8_t *pr_in(struct party *p, uint8_t action, uint32_t *len);

bool pr_has_key(struct party *p, uint64_t key);
/* Type of the reservation, 0: there is none; @holder: its key. */
uint8_t pr_type(struct party *p, uint64_t *holder);

/* What must be: GOOD, or another status; @what for people. */
void must(struct party *p, uint8_t want, uint8_t status, const char *what);

#endif
