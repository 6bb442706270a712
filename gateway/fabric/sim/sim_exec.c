/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a posted op takes effect: on the peer's reactor. SENDs and WRITEs happen in order; READs begin in order and are
 * answered in order, but later than what follows them, unless that is fenced.
 * Layer: fabric/sim. Knows base and rt.
 */
#include "internal.h"

#include <string.h>

static void exec_soon(struct sim_end *end)
{
	if (!list_empty(&end->in) && !end->broken && !timer_armed(&end->exec_timer))
		timer_arm_in(end->base.reactor, &end->exec_timer, sim_delay_ns(end));
}

void exec_kick(struct sim_end *end)
{
	end->rnr_wait = false;
	/* An initiator sees nothing before established(); a target may. */
	if (end->established_told || end == &end->link->end[1])
		exec_soon(end);
}

void exec_arrived(struct reactor_msg *msg)
{
	struct sim_op *sop = container_of(msg, struct sim_op, msg);
	struct sim_end *end = sop->to;

	/* Who posted it is told by STOP and STOPPED, or by its own retry timer. */
	if (end->broken || end->closing || end->state == END_CLOSED || end->link->silent)
		return;
	list_push_back(&end->in, &sop->in);
	exec_kick(end);
}

static void fail(struct sim_end *end, struct sim_op *sop, enum fabric_wc_status status)
{
	list_del(&sop->in);
	post_answer(sop, status);
	end_break(end, FABRIC_DOWN_ERROR);
}

static bool exec_send(struct sim_end *end, struct sim_op *sop, const struct fabric_wr *wr)
{
	struct sim_world *w = end->link->w;
	uint64_t len = wr_len(wr);
	struct sim_rx *rx;
	uint8_t *p;

	if (len > end->f->limits.rx_bytes) {
		sim_violation(w, &end->peer->f->base, "SEND of %llu bytes, receives hold %u", (unsigned long long)len,
			      end->f->limits.rx_bytes);
		fail(end, sop, FABRIC_WC_ERROR);
		return false;
	}
	rx = rx_make(end, (uint32_t)len);
	p = rx->rx.data;
	for (uint16_t k = 0; k < wr->n_seg; k++) {
		if (wr->seg[k].len_bytes)
			memcpy(p, wr->seg[k].addr, wr->seg[k].len_bytes);
		p += wr->seg[k].len_bytes;
	}
	w->sends++;
	return true;
}

static bool exec_write(struct sim_end *end, struct sim_op *sop, const struct fabric_wr *wr)
{
	uint64_t len = wr_len(wr);
	uint8_t *p = len ? check_remote(end, wr, (uint32_t)len) : NULL;

	if (len && !p) {
		fail(end, sop, FABRIC_WC_REMOTE_ACCESS);
		return false;
	}
	for (uint16_t k = 0; len && k < wr->n_seg; k++) {
		memcpy(p, wr->seg[k].addr, wr->seg[k].len_bytes);
		p += wr->seg[k].len_bytes;
	}
	end->link->w->writes++;
	end->link->w->write_bytes += len;
	return true;
}

static void begin_read(struct sim_end *end, struct sim_op *sop, struct fabric_wr *wr)
{
	struct sim_read *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->sop = sop;
	r->wr = wr;
	sop->n_reads++;
	end->n_reads++;
	list_push_back(&end->reads, &r->node);
	if (!timer_armed(&end->read_timer))
		timer_arm_in(end->base.reactor, &end->read_timer, sim_delay_ns(end));
}

static void advance(struct sim_op *sop, const struct fabric_wr *wr)
{
	sop->cursor = wr->next;
	if (sop->cursor)
		return;
	list_del(&sop->in);
	if (!sop->n_reads)
		post_answer(sop, FABRIC_WC_OK);
}

/* One work request. Return: false when the head of the queue must wait or the connection is gone. */
static bool exec_one(struct sim_end *end, struct sim_op *sop)
{
	struct fabric_wr *wr = sop->cursor;
	struct sim_world *w = end->link->w;

	if (wr->flags & FABRIC_FENCE && end->n_reads)
		return false;
	if (wr->opcode == FABRIC_READ && end->n_reads >= end->f->limits.max_reads)
		return false;
	if (wr->opcode == FABRIC_SEND && end->n_rx_out >= end->n_recv + end->f->n_spare_rx) {
		if (!end->rnr_wait)
			w->rnr++;
		end->rnr_wait = true;
		return false;
	}
	if (rng_ppm(&end->rng, w->faults.break_ppm)) {
		w->breaks++;
		end_break(end, FABRIC_DOWN_ERROR);
		return false;
	}
	if (wr->opcode == FABRIC_SEND && !exec_send(end, sop, wr))
		return false;
	if (wr->opcode == FABRIC_WRITE && !exec_write(end, sop, wr))
		return false;
	if (wr->opcode == FABRIC_READ)
		begin_read(end, sop, wr);
	advance(sop, wr);
	return true;
}

void exec_event(struct reactor_timer *t)
{
	struct sim_end *end = container_of(t, struct sim_end, exec_timer);
	uint32_t budget = 1 + rng_below(&end->rng, 6);
	struct list_node *n;

	while ((n = list_first(&end->in))) {
		if (!budget--) {
			exec_soon(end);
			return;
		}
		/* What must wait is kicked by the end of a READ or the release of a receive. */
		if (end->broken || end->link->silent || !exec_one(end, list_entry(n, struct sim_op, in)))
			return;
	}
}

void exec_read_event(struct reactor_timer *t)
{
	struct sim_end *end = container_of(t, struct sim_end, read_timer);
	struct list_node *n = list_first(&end->reads);
	struct sim_read *r;
	struct sim_op *sop;
	uint64_t len;
	uint8_t *p;

	if (!n || end->broken || end->link->silent)
		return;
	list_del(n);
	end->n_reads--;
	r = list_entry(n, struct sim_read, node);
	sop = r->sop;
	len = wr_len(r->wr);
	p = len ? check_remote(end, r->wr, (uint32_t)len) : NULL;
	if (len && !p) {
		free(r);
		fail(end, sop, FABRIC_WC_REMOTE_ACCESS);
		return;
	}
	for (uint16_t k = 0; len && k < r->wr->n_seg; k++) {
		memcpy(r->wr->seg[k].addr, p, r->wr->seg[k].len_bytes);
		p += r->wr->seg[k].len_bytes;
	}
	free(r);
	end->link->w->reads++;
	end->link->w->read_bytes += len;
	if (!--sop->n_reads && !sop->cursor)
		post_answer(sop, FABRIC_WC_OK);
	if (!list_empty(&end->reads))
		timer_arm_in(end->base.reactor, &end->read_timer, sim_delay_ns(end));
	exec_kick(end);
}

/* Lets go of everything that the peer posted; its memory is not touched after this. */
void exec_drop(struct sim_end *end)
{
	while (list_pop_front(&end->in))
		;
	list_for_each_safe (n, &end->reads)
		free(list_entry(n, struct sim_read, node));
	list_init(&end->reads);
	end->n_reads = 0;
}
