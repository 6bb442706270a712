/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plans RDMA: from the host's memory descriptors and a chain of local buffers to work requests, in rounds of bounded
 * size. Pure: posts nothing, allocates nothing. Layer: core. Knows proto and rt.
 */
#ifndef CORE_XFER_H
#define CORE_XFER_H

#include "../proto/srp_iu.h"
#include "../rt/fabric.h"

/* Where a transfer stands. Plain data: a copy taken before a round takes the round back. */
struct xfer {
	const struct buf *desc; /* chain of descriptors in wire form; every len_bytes a multiple of 16 */
	uint32_t desc_off;      /* bytes into desc */
	uint32_t remote_off;    /* bytes of the current descriptor that are done */
	const struct buf *local;
	uint32_t local_off;
	uint32_t left_bytes;
};

/* What one round may use. */
struct xfer_limits {
	uint32_t max_wr;       /* work requests of the round */
	uint32_t max_seg;      /* segments of the round */
	uint32_t max_wr_seg;   /* segments per work request */
	uint32_t max_wr_bytes; /* bytes per work request */
};

/* @len_bytes: at most what both chains hold. */
void xfer_init(struct xfer *x, const struct buf *desc, const struct buf *local, uint32_t len_bytes);

/**
 * xfer_plan() - the next round.
 * @wr, @seg: room for limits' max_wr and max_seg entries; the WRs are linked and the last one's next is NULL.
 * Return: work requests made; 0 when nothing is left, when a limit is 0, or when a chain ends too early.
 */
uint32_t xfer_plan(struct xfer *x, enum fabric_opcode opcode, const struct xfer_limits *lim, struct fabric_wr *wr,
		   struct fabric_seg *seg);

/* Bytes that a chain of wire descriptors covers. */
uint64_t xfer_table_bytes(const struct buf *desc);

#endif
