/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages to FPDUs: posted work requests in order, Read Responses in the order of their requests, the two by turns,
 * message by message (RFC 5041 5.3, RFC 5040 5.5). Layer: fabric/iwarp. The connection's reactor.
 */
#include "internal.h"

#include <string.h>

/* What one system call is given: enough to be worth it, little enough to stay in the cache between CRC and copy. */
#define BATCH_BYTES (256u << 10)
/* RFC 5044 4.5: the segment size changes while a connection lives. */
#define EMSS_STALE_NS (100 * NS_PER_MS)

static void refresh_emss(struct iwarp_conn *c)
{
	struct iwarp_tx *tx = &c->tx;
	uint64_t now_ns = iwarp_now(c);

	if (tx->emss && now_ns - tx->emss_at_ns < EMSS_STALE_NS)
		return;
	tx->emss_at_ns = now_ns;
	tx->emss = iwarp_socket_emss(c->fd);
	tx->mulpdu = c->fabric->params.max_ulpdu;
	if (!tx->mulpdu)
		tx->mulpdu = fpdu_mulpdu(tx->emss, c->terms.markers);
}

void iwarp_tx_begin(struct iwarp_conn *c)
{
	struct iwarp_tx *tx = &c->tx;

	fpdu_batch_init(tx->batch, c->terms.crc, c->terms.markers);
	tx->send_msn = tx->read_msn = 1;
	tx->gated = !c->active;
	tx->rtr_due = c->active && c->terms.rtr;
	tx->turn = IWARP_TX_SQ;
}

/* ---- what comes next ---- */

static const struct fabric_wr *next_wr(const struct iwarp_tx *tx)
{
	if (tx->sq_next == tx->sq_tail)
		return NULL;
	return tx->wr ? tx->wr : tx->sq[tx->sq_next & (tx->sq_size - 1)].op->first;
}

static bool sq_is_ready(const struct iwarp_conn *c)
{
	const struct iwarp_tx *tx = &c->tx;
	const struct fabric_wr *wr = next_wr(tx);
	uint32_t n_reads = tx->orq_tail - tx->orq_head;

	if (!wr || (wr->flags & FABRIC_FENCE && n_reads))
		return false;
	return wr->opcode != FABRIC_READ || n_reads < c->terms.ord;
}

static bool response_is_ready(const struct iwarp_conn *c)
{
	return c->tx.irq_head != c->tx.irq_tail && c->phase == IWARP_UP;
}

bool iwarp_tx_pending(const struct iwarp_conn *c)
{
	const struct iwarp_tx *tx = &c->tx;

	if (tx->term != TERM_NONE)
		return !tx->term_built;
	if (tx->stop)
		return false;
	if (tx->msg != IWARP_TX_NONE || tx->rtr_due)
		return true;
	return !tx->gated && (sq_is_ready(c) || response_is_ready(c));
}

static uint32_t wr_len(const struct fabric_wr *wr)
{
	uint32_t len = 0;

	for (uint16_t i = 0; i < wr->n_seg; i++)
		len += wr->seg[i].len_bytes;
	return len;
}

/* Return: false when there is no message to begin. */
static bool begin_message(struct iwarp_conn *c)
{
	struct iwarp_tx *tx = &c->tx;
	bool sq = sq_is_ready(c), response = response_is_ready(c);

	if (tx->gated || (!sq && !response))
		return false;
	if (sq && response)
		tx->msg = tx->turn;
	else
		tx->msg = sq ? IWARP_TX_SQ : IWARP_TX_RESP;
	tx->turn = tx->msg == IWARP_TX_SQ ? IWARP_TX_RESP : IWARP_TX_SQ;
	tx->done_bytes = tx->seg = tx->seg_off = 0;
	if (tx->msg == IWARP_TX_SQ) {
		tx->wr = next_wr(tx);
		tx->len_bytes = wr_len(tx->wr);
	} else {
		tx->len_bytes = tx->irq[tx->irq_head & (tx->irq_size - 1)].req.size_bytes;
	}
	return true;
}

/* ---- pieces of FPDUs ---- */

/* A batch begins with a TCP segment of its own, see tx.c. A peer that wants markers does not have this fault. */
static bool trailer_is_cut(const struct iwarp_tx *tx, uint32_t ulpdu_len)
{
	const struct fpdu_batch *b = tx->batch;

	return b->crc && !b->markers && fpdu_trailer_is_cut(b->len_bytes, ulpdu_len, tx->emss);
}

static bool has_room(const struct iwarp_tx *tx, uint32_t ulpdu_len, uint32_t n_seg)
{
	if (tx->batch->n_iov && trailer_is_cut(tx, ulpdu_len))
		return false; /* in the next batch it will lie differently */
	return fpdu_batch_fits(tx->batch, ulpdu_len, n_seg);
}

/* How much of the message goes into the next FPDU. */
static uint32_t cut(const struct iwarp_tx *tx, uint32_t hdr_len)
{
	uint32_t left = tx->len_bytes - tx->done_bytes, room = tx->mulpdu - hdr_len;
	uint32_t len = left < room ? left : room;

	while (len > 4 && trailer_is_cut(tx, hdr_len + len))
		len -= 4; /* at most twice: a trailer has up to 7 bytes */
	return len;
}

static void begin_fpdu(struct iwarp_tx *tx, const struct ddp_hdr *h, uint32_t payload_len)
{
	uint8_t hdr[DDP_UNTAGGED_LEN];
	size_t len = ddp_encode(h, hdr);

	fpdu_begin(tx->batch, (uint16_t)(len + payload_len));
	fpdu_put(tx->batch, hdr, len);
}

static void lend_segments(struct iwarp_tx *tx, const struct fabric_wr *wr, uint32_t len)
{
	while (len) {
		const struct fabric_seg *s = &wr->seg[tx->seg];
		uint32_t n = s->len_bytes - tx->seg_off;

		if (n > len)
			n = len;
		fpdu_ref(tx->batch, (const uint8_t *)s->addr + tx->seg_off, n);
		tx->seg_off += n;
		len -= n;
		if (tx->seg_off == s->len_bytes) {
			tx->seg++;
			tx->seg_off = 0;
		}
	}
}

static void end_wr(struct iwarp_tx *tx)
{
	struct iwarp_sqe *e = &tx->sq[tx->sq_next & (tx->sq_size - 1)];

	tx->msg = IWARP_TX_NONE;
	tx->wr = tx->wr->next;
	if (tx->wr)
		return;
	e->built = true;
	e->end = tx->batch->stream;
	tx->sq_next++;
}

/* ---- the kinds of messages; each returns false when the batch has no room ---- */

static bool put_small(struct iwarp_tx *tx, const struct ddp_hdr *h, const uint8_t *body, uint32_t len)
{
	if (!has_room(tx, DDP_UNTAGGED_LEN + len, 1))
		return false;
	begin_fpdu(tx, h, len);
	fpdu_put(tx->batch, body, len);
	fpdu_end(tx->batch);
	return true;
}

static bool put_read_request(struct iwarp_conn *c, const struct rdmap_read_req *r)
{
	struct ddp_hdr h = {
		.last = true,
		.version = DDP_VERSION,
		.rdmap = rdmap_control(RDMAP_READ_REQ),
		.qn = DDP_QN_READ,
		.msn = c->tx.read_msn,
	};
	uint8_t body[RDMAP_READ_REQ_LEN];

	rdmap_read_req_encode(r, body);
	if (!put_small(&c->tx, &h, body, sizeof(body)))
		return false;
	c->tx.read_msn++;
	return true;
}

static bool step_read(struct iwarp_conn *c)
{
	struct iwarp_tx *tx = &c->tx;
	const struct fabric_wr *wr = tx->wr;
	const struct iwarp_orqe *o;

	if (!has_room(tx, DDP_UNTAGGED_LEN + RDMAP_READ_REQ_LEN, 1))
		return false;
	o = iwarp_orq_push(c, &tx->sq[tx->sq_next & (tx->sq_size - 1)], wr, tx->len_bytes);
	if (!put_read_request(c, &(struct rdmap_read_req){ .sink_stag = o->stag, .size_bytes = o->size_bytes,
							   .src_stag = wr->rkey, .src_to = wr->remote_addr }))
		return false;
	end_wr(tx);
	return true;
}

/* The next segment of a WRITE or SEND. */
static bool step_segment(struct iwarp_conn *c)
{
	struct iwarp_tx *tx = &c->tx;
	const struct fabric_wr *wr = tx->wr;
	bool send = wr->opcode == FABRIC_SEND;
	uint32_t hdr_len = send ? DDP_UNTAGGED_LEN : DDP_TAGGED_LEN, len = cut(tx, hdr_len);
	struct ddp_hdr h = { .version = DDP_VERSION, .tagged = !send };

	if (!has_room(tx, hdr_len + len, wr->n_seg - tx->seg))
		return false;
	h.last = tx->done_bytes + len == tx->len_bytes;
	if (send) {
		h.rdmap = rdmap_control(wr->flags & FABRIC_SOLICITED ? RDMAP_SEND_SE : RDMAP_SEND);
		h.qn = DDP_QN_SEND;
		h.msn = tx->send_msn;
		h.mo = tx->done_bytes;
	} else {
		h.rdmap = rdmap_control(RDMAP_WRITE);
		h.stag = wr->rkey;
		h.to = wr->remote_addr + tx->done_bytes;
	}
	begin_fpdu(tx, &h, len);
	lend_segments(tx, wr, len);
	fpdu_end(tx->batch);
	tx->done_bytes += len;
	if (h.last) {
		tx->send_msn += send;
		end_wr(tx);
	}
	return true;
}

static bool step_response(struct iwarp_conn *c)
{
	struct iwarp_tx *tx = &c->tx;
	const struct rdmap_read_req *r = &tx->irq[tx->irq_head & (tx->irq_size - 1)].req;
	uint32_t len = cut(tx, DDP_TAGGED_LEN);
	uint8_t *from = NULL;
	struct ddp_hdr h = {
		.tagged = true,
		.last = tx->done_bytes + len == tx->len_bytes,
		.version = DDP_VERSION,
		.rdmap = rdmap_control(RDMAP_READ_RESP),
		.stag = r->sink_stag,
		.to = r->sink_to + tx->done_bytes,
	};

	if (!has_room(tx, DDP_TAGGED_LEN + len, 1))
		return false;
	/* It was good when the request came; it may have been taken back since. */
	if (len && stag_find(&c->stags, r->src_stag, r->src_to + tx->done_bytes, len, &from) != STAG_OK) {
		tx->stop = true;
		iwarp_terminate(c, TERM_STAG, NULL, NULL);
		return false;
	}
	begin_fpdu(tx, &h, len);
	fpdu_ref(tx->batch, from, len);
	fpdu_end(tx->batch);
	tx->done_bytes += len;
	if (h.last) {
		tx->msg = IWARP_TX_NONE;
		tx->irq_head++;
	}
	return true;
}

/* RFC 6581 9.2: an empty message of the kind that was agreed on, before anything else. */
static bool step_rtr(struct iwarp_conn *c)
{
	struct iwarp_tx *tx = &c->tx;
	struct ddp_hdr h = { .last = true, .version = DDP_VERSION };
	bool ok;

	switch (c->terms.rtr) {
	case MPA_RTR_READ:
		iwarp_orq_push(c, NULL, NULL, 0);
		ok = put_read_request(c, &(struct rdmap_read_req){ 0 });
		break;
	case MPA_RTR_WRITE:
		h.tagged = true;
		h.rdmap = rdmap_control(RDMAP_WRITE);
		ok = put_small(tx, &h, NULL, 0);
		break;
	default:
		h.rdmap = rdmap_control(RDMAP_SEND);
		h.msn = tx->send_msn++;
		ok = put_small(tx, &h, NULL, 0);
	}
	tx->rtr_due = false;
	return ok;
}

static bool step_term(struct iwarp_tx *tx)
{
	struct ddp_hdr h = {
		.last = true,
		.version = DDP_VERSION,
		.rdmap = rdmap_control(RDMAP_TERMINATE),
		.qn = DDP_QN_TERM,
		.msn = 1,
	};

	if (tx->term_built || !put_small(tx, &h, tx->term_body, tx->term_len))
		return false;
	tx->term_built = true;
	return true;
}

static bool step(struct iwarp_conn *c)
{
	struct iwarp_tx *tx = &c->tx;

	if (tx->term != TERM_NONE)
		return step_term(tx);
	if (tx->stop)
		return false;
	if (tx->rtr_due)
		return step_rtr(c);
	if (tx->msg == IWARP_TX_NONE && !begin_message(c))
		return false;
	if (tx->msg == IWARP_TX_RESP)
		return step_response(c);
	return tx->wr->opcode == FABRIC_READ ? step_read(c) : step_segment(c);
}

void iwarp_tx_build(struct iwarp_conn *c)
{
	refresh_emss(c);
	while (c->tx.batch->len_bytes < BATCH_BYTES && step(c))
		;
}
