/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection: made, handed to its reactor, up, down, closed, freed. Its phase only goes forward.
 *
 *   close() or a Terminate to send -> LAST: what is still to go goes -> our FIN -> DRAIN: wait for theirs -> DEAD
 *   the peer's FIN, an error, a cut-off, LINGER_NS after close() -> DEAD: ops flushed; with close(): closed(), freed
 *
 * Layer: fabric/iwarp.
 */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

/* closed() is promised within 2 s. */
#define LINGER_NS (1500 * NS_PER_MS)

static void on_event(struct reactor_watch *w, uint32_t revents);
static void on_timer(struct reactor_timer *t);

/* ---- made and freed ---- */

struct iwarp_conn *iwarp_conn_new(struct iwarp_fabric *f, int fd, bool active)
{
	struct iwarp_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->base.ops = &iwarp_ops;
	c->base.reactor = f->control;
	c->fabric = f;
	c->active = active;
	c->fd = fd;
	c->watch.fd = fd;
	list_node_init(&c->work);
	list_node_init(&c->starved);
	list_init(&c->rx_held);
	list_push_back(&f->starting, &c->node);
	atomic_fetch_add_explicit(&f->n_conns, 1, memory_order_relaxed);
	return c;
}

static uint32_t round_up_pow2(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p <<= 1;
	return p;
}

int iwarp_conn_equip(struct iwarp_conn *c, const struct fabric_accept *a)
{
	const struct iwarp_params *p = &c->fabric->params;
	uint32_t depth = a->sq_depth && a->sq_depth < p->sq_depth ? a->sq_depth : p->sq_depth;
	struct iwarp_tx *tx = &c->tx;

	if (iwarp_lane_get(c->fabric, a->reactor, &c->lane))
		return -ENOMEM;
	tx->sq_size = round_up_pow2(depth);
	tx->sq = calloc(tx->sq_size, sizeof(*tx->sq));
	tx->orq_size = tx->irq_size = round_up_pow2(p->reads + 1); /* one more for a ready-to-receive message */
	tx->orq = calloc(tx->orq_size, sizeof(*tx->orq));
	tx->irq = calloc(tx->irq_size, sizeof(*tx->irq));
	tx->batch = malloc(sizeof(*tx->batch));
	c->rx.spill = malloc(IWARP_STAGING_BYTES);
	if (!tx->sq || !tx->orq || !tx->irq || !tx->batch || !c->rx.spill)
		return -ENOMEM; /* iwarp_conn_free() gives back what there is */
	fpdu_batch_init(tx->batch, false, false);
	tx->sq_free = depth;
	c->n_recv = a->n_recv && a->n_recv < c->lane->n_rx ? a->n_recv : c->lane->n_rx;
	c->base.reactor = a->reactor;
	c->cbs = a->cbs;
	c->ctx = a->ctx;
	return 0;
}

void iwarp_conn_free(struct iwarp_conn *c)
{
	list_del(&c->node);
	if (c->fd >= 0)
		close(c->fd);
	iwarp_rx_orphan(c);
	stag_table_free(&c->stags);
	free(c->tx.sq);
	free(c->tx.orq);
	free(c->tx.irq);
	free(c->tx.batch);
	free(c->rx.spill);
	atomic_fetch_sub_explicit(&c->fabric->n_conns, 1, memory_order_relaxed);
	free(c);
}

void iwarp_conn_hand_over(struct iwarp_conn *c, void (*adopt)(struct reactor_msg *m))
{
	list_del(&c->node);
	c->adopt_msg.fn = adopt;
	reactor_send(c->base.reactor, &c->adopt_msg);
}

/* ---- on the reactor ---- */

void iwarp_conn_adopt(struct iwarp_conn *c)
{
	c->adopted = true;
	c->watch.fn = on_event;
	timer_init(&c->timer, on_timer);
	iwarp_lane_start(c->lane);
	list_push_back(&c->lane->conns, &c->node);
	iwarp_count(&c->lane->count.conns, 1);
}

void iwarp_conn_half_up(struct iwarp_conn *c)
{
	iwarp_tx_begin(c);
	iwarp_rx_begin(c);
	c->phase = IWARP_UP;
	iwarp_conn_events(c, EPOLLIN);
}

void iwarp_conn_up(struct iwarp_conn *c, const void *priv, size_t priv_len)
{
	iwarp_conn_half_up(c);
	if (c->phase != IWARP_UP || c->closing)
		return;
	if (c->tx.gated && c->terms.rtr)
		timer_arm_in(c->base.reactor, &c->timer, c->fabric->params.startup_timeout_ms * NS_PER_MS);
	iwarp_lane_want(c);
	c->up_told = true;
	c->cbs->established(c->ctx, priv, priv_len);
}

void iwarp_conn_events(struct iwarp_conn *c, uint32_t events)
{
	struct reactor *r = c->base.reactor;
	int rc;

	if (c->watch.node.next && list_linked(&c->watch.node)) {
		if (events == c->watch.events)
			return;
		rc = reactor_watch_mod(r, &c->watch, events);
	} else {
		c->watch.events = events;
		rc = reactor_watch_add(r, &c->watch);
	}
	if (rc) {
		log_error("iwarp: cannot watch a socket: %s", strerror(-rc));
		iwarp_conn_fail(c);
	}
}

static void on_event(struct reactor_watch *w, uint32_t revents)
{
	struct iwarp_conn *c = container_of(w, struct iwarp_conn, watch);

	if (c->phase < IWARP_UP) {
		iwarp_connect_ready(c);
		return;
	}
	if (revents & EPOLLOUT) {
		iwarp_conn_events(c, c->watch.events & ~(uint32_t)EPOLLOUT);
		iwarp_lane_want(c);
	}
	if (c->rx.parked && revents & (EPOLLERR | EPOLLHUP))
		iwarp_conn_dead(c, FABRIC_DOWN_PEER);
	else if (revents & ~(uint32_t)EPOLLOUT)
		iwarp_rx_run(c);
}

void iwarp_conn_down(struct iwarp_conn *c, enum fabric_down cause)
{
	if (c->down_told || c->closing)
		return;
	c->down_told = true;
	if (c->active && !c->up_told)
		c->cbs->refused(c->ctx, -ECONNRESET, "the connection failed while it was set up", NULL, 0);
	else
		c->cbs->down(c->ctx, cause);
}

void iwarp_conn_dead(struct iwarp_conn *c, enum fabric_down cause)
{
	if (c->phase == IWARP_DEAD)
		return;
	c->phase = IWARP_DEAD;
	timer_cancel(c->base.reactor, &c->timer);
	reactor_watch_del(c->base.reactor, &c->watch);
	close(c->fd);
	c->fd = -1;
	list_del(&c->starved);
	if (c->rx.cur)
		iwarp_rx_put(c->rx.cur);
	c->rx.cur = NULL;
	c->rx.n_seg = 0;
	iwarp_lane_want(c);
	iwarp_conn_down(c, cause);
}

void iwarp_conn_fail(struct iwarp_conn *c)
{
	c->failed = true;
	iwarp_lane_want(c);
}

void iwarp_conn_last(struct iwarp_conn *c)
{
	struct iwarp_rxs *rx = &c->rx;

	if (c->phase != IWARP_UP)
		return;
	c->phase = IWARP_LAST;
	timer_arm_in(c->base.reactor, &c->timer, LINGER_NS);
	/* From here on nothing is placed or delivered: what comes is read and dropped. */
	list_del(&c->starved);
	rx->parked = false;
	rx->spill_len = 0;
	rx->n_seg = 0;
	if (rx->cur)
		iwarp_rx_put(rx->cur);
	rx->cur = NULL;
	iwarp_conn_events(c, c->watch.events | EPOLLIN);
	iwarp_lane_want(c);
}

void iwarp_conn_close(struct fabric_conn *conn)
{
	struct iwarp_conn *c = iwarp_conn_of(conn);

	if (c->closing)
		return;
	c->closing = true;
	if (!c->adopted)
		return; /* its adoption will see it */
	if (c->phase < IWARP_UP)
		iwarp_conn_dead(c, FABRIC_DOWN_ERROR);
	else
		iwarp_conn_last(c);
	iwarp_lane_want(c);
}

static void last_sent(struct iwarp_conn *c)
{
	if (shutdown(c->fd, SHUT_WR)) {
		iwarp_conn_dead(c, FABRIC_DOWN_PEER);
		return;
	}
	c->phase = IWARP_DRAIN;
}

void iwarp_conn_work(struct iwarp_conn *c)
{
	if (c->failed)
		iwarp_conn_dead(c, FABRIC_DOWN_ERROR);
	if (c->phase == IWARP_UP && list_linked(&c->starved))
		iwarp_rx_resume(c);
	if (c->phase == IWARP_UP || c->phase == IWARP_LAST)
		iwarp_tx_run(c);
	if (c->phase == IWARP_LAST && !iwarp_tx_pending(c) && c->tx.batch->n_iov == 0)
		last_sent(c);
	if (c->phase != IWARP_DEAD)
		return;
	iwarp_sq_flush(c);
	if (!c->closing)
		return;
	list_del(&c->work);
	iwarp_count(&c->lane->count.conns, -1);
	c->cbs->closed(c->ctx);
	iwarp_conn_free(c);
}

/* ---- patience ---- */

/* Ends a connection whose peer is too slow: reset, so that the system keeps nothing of it either. */
static void cut_off(struct iwarp_conn *c, const char *why)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	char peer[FABRIC_ADDR_STRLEN];

	log_warn("iwarp: %s: %s; the connection is cut off", fabric_addr_str(&c->peer, peer), why);
	iwarp_count(&c->lane->count.cut_off_total, 1);
	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	iwarp_conn_dead(c, FABRIC_DOWN_ERROR);
}

static void on_timer(struct reactor_timer *t)
{
	struct iwarp_conn *c = container_of(t, struct iwarp_conn, timer);

	if (c->phase < IWARP_UP)
		iwarp_connect_timeout(c);
	else if (c->phase == IWARP_UP)
		cut_off(c, "the ready-to-receive message did not come");
	else
		iwarp_conn_dead(c, FABRIC_DOWN_ERROR);
}

static bool is_past(uint64_t since_ns, uint64_t now_ns, uint32_t timeout_ms)
{
	return since_ns && now_ns > since_ns && now_ns - since_ns > timeout_ms * NS_PER_MS;
}

void iwarp_conn_check(struct iwarp_conn *c, uint64_t now_ns)
{
	const struct iwarp_params *p = &c->fabric->params;

	if (c->phase != IWARP_UP && c->phase != IWARP_LAST)
		return;
	if (is_past(c->tx.stalled_ns, now_ns, p->send_timeout_ms))
		cut_off(c, "it has stopped reading");
	else if (c->rx.parked || c->phase == IWARP_LAST)
		return;
	else if (is_past(c->rx.frame_since_ns, now_ns, p->frame_timeout_ms))
		cut_off(c, "a message that it began has not become whole in time");
	else if (iwarp_orq_oldest(c) && is_past(c->rx.read_since_ns, now_ns, p->read_timeout_ms))
		cut_off(c, "it does not answer RDMA Read Requests");
}

bool iwarp_conn_has_deadline(const struct iwarp_conn *c)
{
	return c->phase < IWARP_DRAIN &&
	       (c->tx.stalled_ns || c->rx.frame_since_ns || c->tx.orq_head != c->tx.orq_tail);
}
