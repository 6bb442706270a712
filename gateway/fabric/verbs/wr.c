/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Builds chains of verbs work requests. Pure: the only memory it touches is the caller's.
 * Layer: fabric.
 */
#include "wr.h"

#include <errno.h>
#include <string.h>

/* Return: total length in bytes, or -EINVAL. */
static int64_t segs_build(const struct fabric_wr *w, uint32_t max_seg, unsigned slot, struct ibv_sge *sge)
{
	uint64_t total = 0;

	if (w->n_seg > max_seg)
		return -EINVAL;
	for (uint16_t i = 0; i < w->n_seg; i++) {
		const struct fabric_seg *s = &w->seg[i];
		const struct ibv_mr *mr = atomic_load_explicit(&s->region->key[slot], memory_order_relaxed);

		if (!mr)
			return -EINVAL;
		sge[i] = (struct ibv_sge){ .addr = (uintptr_t)s->addr, .length = s->len_bytes, .lkey = mr->lkey };
		total += s->len_bytes;
	}
	return (int64_t)total;
}

static int wr_build(const struct fabric_wr *w, const struct verbs_caps *caps, unsigned slot, uint32_t inline_bytes,
		    struct ibv_send_wr *wr, struct ibv_sge *sge)
{
	uint32_t max_seg = w->opcode == FABRIC_READ ? caps->read_sge : caps->send_sge;
	int64_t total = segs_build(w, max_seg, slot, sge);

	if (total < 0 || total > caps->max_wr_bytes)
		return -EINVAL;
	memset(wr, 0, sizeof(*wr));
	wr->sg_list = sge;
	wr->num_sge = w->n_seg;
	if (w->flags & FABRIC_FENCE)
		wr->send_flags |= IBV_SEND_FENCE;
	switch (w->opcode) {
	case FABRIC_SEND:
		wr->opcode = IBV_WR_SEND;
		if (w->flags & FABRIC_SOLICITED)
			wr->send_flags |= IBV_SEND_SOLICITED;
		if (total <= inline_bytes)
			wr->send_flags |= IBV_SEND_INLINE;
		return 0;
	case FABRIC_WRITE:
		wr->opcode = IBV_WR_RDMA_WRITE;
		break;
	case FABRIC_READ:
		wr->opcode = IBV_WR_RDMA_READ;
		break;
	default:
		return -EINVAL;
	}
	wr->wr.rdma.remote_addr = w->remote_addr;
	wr->wr.rdma.rkey = w->rkey;
	return 0;
}

int verbs_wr_append(const struct fabric_op *op, const struct verbs_caps *caps, unsigned slot, uint32_t inline_bytes,
		    uint64_t wr_id, struct verbs_wr_room *room)
{
	const struct fabric_wr *w = op->first;
	uint32_t begin = room->n_used, n = begin;

	for (; w; w = w->next, n++) {
		int rc;

		if (n - begin == op->n_wr)
			return -EINVAL;
		if (n == room->n_wr)
			return -ENOSPC;
		rc = wr_build(w, caps, slot, inline_bytes, &room->wr[n], &room->sge[(size_t)n * VERBS_SGE_MAX]);
		if (rc)
			return rc;
		room->wr[n].wr_id = wr_id;
		room->wr[n].next = &room->wr[n + 1];
	}
	if (n == begin || n - begin != op->n_wr)
		return -EINVAL;
	if (begin)
		room->wr[begin - 1].next = &room->wr[begin];
	room->wr[n - 1].next = NULL;
	room->wr[n - 1].send_flags |= IBV_SEND_SIGNALED;
	room->n_used = n;
	return 0;
}

enum fabric_wc_status verbs_wc_status(enum ibv_wc_status s)
{
	switch (s) {
	case IBV_WC_SUCCESS:
		return FABRIC_WC_OK;
	case IBV_WC_WR_FLUSH_ERR:
		return FABRIC_WC_FLUSHED;
	case IBV_WC_REM_ACCESS_ERR:
		return FABRIC_WC_REMOTE_ACCESS;
	default:
		return FABRIC_WC_ERROR;
	}
}
