/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a user of a fabric may not do: ops beyond the limits or over memory that is not registered, memory that
 * changes while an op is posted, RDMA outside of what the peer exposes.
 * Layer: fabric/sim. Knows base and rt.
 */
#include "internal.h"

#include <errno.h>
#include <string.h>

#define MAX_EXPOSURES 4096u
#define SAMPLE_BYTES 1024u /* of each end of a segment */

uint64_t wr_len(const struct fabric_wr *wr)
{
	uint64_t len = 0;

	for (uint16_t k = 0; k < wr->n_seg; k++)
		len += wr->seg[k].len_bytes;
	return len;
}

bool region_has(const struct mem_region *r, const struct sim_fabric *f, const void *addr, uint64_t len)
{
	const uint8_t *a = addr, *base;

	if (!r || r->key[SIM_KEY_SLOT] != f)
		return false;
	base = r->base;
	return a >= base && (uint64_t)(a - base) + len <= r->len_bytes;
}

static const char *op_fault(const struct sim_end *end, const struct fabric_op *op)
{
	const struct fabric_limits *l = &end->f->limits;
	uint32_t n = 0;

	if (!op->done || !op->first)
		return "an op without work requests or done()";
	list_for_each (node, &end->posted)
		if (list_entry(node, struct sim_op, posted)->op == op)
			return "an op that is posted already";
	for (const struct fabric_wr *wr = op->first; wr; wr = wr->next) {
		uint32_t max_seg = wr->opcode == FABRIC_SEND ? l->max_send_seg
				   : wr->opcode == FABRIC_WRITE ? l->max_write_seg : l->max_read_seg;

		if (++n > op->n_wr)
			return "an op with more work requests than it says";
		if (wr->n_seg > max_seg)
			return "a work request with more segments than the device takes";
		if (wr_len(wr) > l->max_wr_bytes)
			return "a work request longer than the device takes";
		for (uint16_t k = 0; k < wr->n_seg; k++)
			if (!region_has(wr->seg[k].region, end->f, wr->seg[k].addr, wr->seg[k].len_bytes))
				return "a segment outside of registered memory";
	}
	if (n != op->n_wr)
		return "an op with fewer work requests than it says";
	if (n > end->sq_depth)
		return "an op that no send queue of this connection can ever hold";
	return NULL;
}

int check_op(struct sim_end *end, const struct fabric_op *op)
{
	const char *fault = op_fault(end, op);

	if (!fault)
		return 0;
	sim_violation(end->link->w, &end->f->base, "post() of %s", fault);
	return -EINVAL;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h ^= v;
	h *= 0x9fb21c651e98df25ull;
	return h ^ h >> 32;
}

static uint64_t mix_bytes(uint64_t h, const uint8_t *p, uint32_t len)
{
	uint64_t v;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&v, p, 8);
		h = mix(h, v);
	}
	for (; len; len--)
		h = mix(h, *p++);
	return h;
}

/* The op, its work requests and segments, and of what is sent both ends of each segment. */
uint64_t check_sum(const struct fabric_op *op)
{
	uint64_t h = mix(op->n_wr, (uint64_t)(uintptr_t)op->first ^ (uint64_t)(uintptr_t)op->done);

	for (const struct fabric_wr *wr = op->first; wr; wr = wr->next) {
		h = mix(h, (uint64_t)wr->opcode << 32 | (uint64_t)wr->flags << 24 | wr->n_seg);
		h = mix(h, wr->remote_addr);
		h = mix(h, (uint64_t)wr->rkey << 32 ^ (uint64_t)(uintptr_t)wr->next);
		for (uint16_t k = 0; k < wr->n_seg; k++) {
			const struct fabric_seg *s = &wr->seg[k];

			h = mix(h, (uint64_t)(uintptr_t)s->addr ^ (uint64_t)s->len_bytes << 40);
			if (wr->opcode == FABRIC_READ)
				continue;
			if (s->len_bytes <= 2 * SAMPLE_BYTES) {
				h = mix_bytes(h, s->addr, s->len_bytes);
			} else {
				h = mix_bytes(h, s->addr, SAMPLE_BYTES);
				h = mix_bytes(h, (uint8_t *)s->addr + s->len_bytes - SAMPLE_BYTES, SAMPLE_BYTES);
			}
		}
	}
	return h;
}

/* Where a READ or WRITE of the peer goes, or NULL with a violation counted against the peer. */
uint8_t *check_remote(struct sim_end *end, const struct fabric_wr *wr, uint32_t len)
{
	uint32_t index = wr->rkey % MAX_EXPOSURES;
	const struct fabric_exposure *x = index < end->n_exposure ? end->exposure[index] : NULL;
	uint64_t base = x ? (uint64_t)(uintptr_t)x->addr : 0;

	if (x && x->rkey == wr->rkey && wr->remote_addr >= base && wr->remote_addr - base <= x->len_bytes &&
	    len <= x->len_bytes - (wr->remote_addr - base))
		return x->addr + (wr->remote_addr - base);
	if (end->f->lies)
		return NULL;
	sim_violation(end->link->w, &end->peer->f->base, "%s of %u bytes at 0x%llx with the key 0x%08x on link %llu: %s",
		      wr->opcode == FABRIC_READ ? "READ" : "WRITE", len, (unsigned long long)wr->remote_addr, wr->rkey,
		      (unsigned long long)end->link->number,
		      !x || x->rkey != wr->rkey ? "not exposed (any more)" : "out of range");
	return NULL;
}

int expose(struct fabric_conn *conn, void *addr, size_t len_bytes, struct fabric_exposure **out, uint32_t *rkey)
{
	struct sim_end *end = end_of(conn);
	struct fabric_exposure *x, **grown;
	uint32_t k = 0;

	if (!reactor_is_mine(conn->reactor))
		sim_violation(end->link->w, &end->f->base, "expose() off the connection's reactor");
	if (rng_ppm(&end->rng, end->link->w->faults.refuse_expose_ppm))
		return -ENOMEM;
	while (k < end->n_exposure && end->exposure[k])
		k++;
	if (k == end->n_exposure) {
		uint32_t n = end->n_exposure ? 2 * end->n_exposure : 16;

		if (n > MAX_EXPOSURES)
			return -ENOMEM;
		grown = realloc(end->exposure, n * sizeof(struct fabric_exposure *));
		if (!grown)
			return -ENOMEM;
		memset(grown + end->n_exposure, 0, (n - end->n_exposure) * sizeof(struct fabric_exposure *));
		end->exposure = grown;
		end->n_exposure = n;
	}
	x = calloc(1, sizeof(*x));
	if (!x)
		return -ENOMEM;
	/* A key is never used twice on a connection (for a million exposures). */
	*x = (struct fabric_exposure){ .addr = addr, .len_bytes = len_bytes, .index = k,
				       .rkey = ++end->exposure_gen * MAX_EXPOSURES + k };
	end->exposure[k] = x;
	end->link->w->n_exposures++;
	*out = x;
	*rkey = x->rkey;
	return 0;
}

void unexpose(struct fabric_conn *conn, struct fabric_exposure *x)
{
	struct sim_end *end = end_of(conn);

	if (!reactor_is_mine(conn->reactor) || x->index >= end->n_exposure || end->exposure[x->index] != x) {
		sim_violation(end->link->w, &end->f->base, "unexpose() of what is not exposed, or off the connection's reactor");
		return;
	}
	end->exposure[x->index] = NULL;
	end->link->w->n_exposures--;
	free(x);
}
