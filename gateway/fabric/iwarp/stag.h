/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The STags of one connection: what its peer may read and write of our memory. Sparse and unpredictable (RFC 5042 6.2),
 * valid on this connection only (RFC 5040 8.1.1). Layer: fabric/iwarp, pure but for malloc at creation.
 */
#ifndef FABRIC_IWARP_STAG_H
#define FABRIC_IWARP_STAG_H

#include "../../base/cleanup.h"
#include "term.h"

#define STAG_SLOTS 4096u /* power of two: the low bits of an STag are its slot */

struct stag_slot {
	_Atomic uint32_t stag; /* 0: free */
	uint8_t *addr;
	uint64_t len_bytes;
};

struct stag_table {
	struct stag_slot *slot; /* STAG_SLOTS, or NULL while nothing was ever exposed */
	uint32_t next;
};

void stag_table_free(struct stag_table *t);

/**
 * stag_add() - make [addr, addr+len) readable and writable for the peer.
 * @random: 32 random bits.
 * Return: 0 with @out set (never 0), -ENOMEM, -ENOSPC.
 */
int stag_add(struct stag_table *t, uint32_t random, void *addr, uint64_t len_bytes, uint32_t *out) WARN_UNUSED;
/* Harmless when it is not there. */
void stag_del(struct stag_table *t, uint32_t stag);

bool stag_is_used(const struct stag_table *t, uint32_t stag);

enum stag_verdict { STAG_OK, STAG_INVALID, STAG_BOUNDS, STAG_WRAP };
/* @to, @len_bytes: tagged offset (the address) and length; @addr: where it lies, with STAG_OK. */
enum stag_verdict stag_find(const struct stag_table *t, uint32_t stag, uint64_t to, uint64_t len_bytes, uint8_t **addr);

#endif
