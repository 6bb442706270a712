/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From fabric work requests to verbs work requests, and wr_id as (kind, number); pure.
 * Layer: fabric. Knows base, rt and the verbs types.
 */
#ifndef FABRIC_VERBS_WR_H
#define FABRIC_VERBS_WR_H

#include "caps.h"

/* wr_id = number << 2 | kind. A failed completion has no valid opcode, so the kind must say what it was. */
enum verbs_wr_kind {
	VERBS_WR_RECV, /* number: index of the receive buffer */
	VERBS_WR_OP,   /* number: sequence number of the op in its connection */
	VERBS_WR_DRAIN,
};

static inline uint64_t verbs_wr_id(enum verbs_wr_kind kind, uint64_t number)
{
	return number << 2 | kind;
}

static inline enum verbs_wr_kind verbs_wr_kind(uint64_t wr_id)
{
	return (enum verbs_wr_kind)(wr_id & 3);
}

static inline uint64_t verbs_wr_number(uint64_t wr_id)
{
	return wr_id >> 2;
}

/* Room for one chain of ops; one per lane, as large as its longest send queue. */
struct verbs_wr_room {
	struct ibv_send_wr *wr; /* @n_wr */
	struct ibv_sge *sge;    /* @n_wr * VERBS_SGE_MAX */
	uint32_t n_wr;
	uint32_t n_used;        /* the chain so far */
};

/**
 * verbs_wr_append() - one op's requests, linked to what is there; only the last of them is signalled.
 * @slot: the device's place in mem_region.key[].
 * @inline_bytes: SENDs up to this length are copied by the CPU.
 * Return: 0; -ENOSPC when the room is used up; -EINVAL for an op that does not fit the limits or uses memory that is not
 * registered with the device. On errors nothing is appended.
 */
int verbs_wr_append(const struct fabric_op *op, const struct verbs_caps *caps, unsigned slot, uint32_t inline_bytes,
		    uint64_t wr_id, struct verbs_wr_room *room) WARN_UNUSED;

enum fabric_wc_status verbs_wc_status(enum ibv_wc_status s);

#endif
