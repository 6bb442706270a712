/* SPDX-License-Identifier: BSD-3-Clause */
/* The iWARP fabric as a whole: made, destroyed, and its table of operations. Layer: fabric/iwarp. */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>

static void iwarp_destroy(struct fabric *fabric);

/* Nothing to register: TCP reads and writes any memory. */
static int mem_add(struct fabric *f, struct mem_region *region)
{
	(void)f;
	(void)region;
	return 0;
}

static void mem_del(struct fabric *f, struct mem_region *region)
{
	(void)f;
	(void)region;
}

const struct fabric_ops iwarp_ops = {
	.name = "iwarp",
	.listen = iwarp_listen,
	.unlisten = iwarp_unlisten,
	.limits = iwarp_limits,
	.accept = iwarp_accept,
	.reject = iwarp_reject,
	.connect = iwarp_connect,
	.mem_add = mem_add,
	.mem_del = mem_del,
	.expose = iwarp_expose,
	.unexpose = iwarp_unexpose,
	.post = iwarp_post,
	.sq_free = iwarp_sq_free,
	.rx_release = iwarp_rx_release,
	.rx_low = iwarp_rx_low,
	.close = iwarp_conn_close,
	.destroy = iwarp_destroy,
	.describe = iwarp_describe,
};

void iwarp_limits(struct fabric_conn *conn, struct fabric_limits *out)
{
	const struct iwarp_conn *c = iwarp_conn_of(conn);
	const struct iwarp_params *p = &c->fabric->params;

	*out = (struct fabric_limits){
		.sq_depth = p->sq_depth,
		.max_send_seg = IWARP_SEGS_MAX,
		.max_write_seg = IWARP_SEGS_MAX,
		.max_read_seg = IWARP_SEGS_MAX,
		.max_wr_bytes = IWARP_WR_BYTES_MAX,
		.max_reads = c->active && !c->up_told ? p->reads : c->terms.ord,
		.max_recv = p->rx_buffers,
		.rx_bytes = p->rx_bytes,
	};
}

struct mpa_local iwarp_local_wants(const struct iwarp_params *p)
{
	return (struct mpa_local){
		.crc = !p->no_crc,
		.ird = (uint16_t)p->reads,
		.ord = (uint16_t)p->reads,
		.revision = p->revision,
		.rtr = p->p2p_rtr,
	};
}

/* ---- parameters ---- */

static void set_default(uint32_t *value, uint32_t otherwise)
{
	if (*value == 0)
		*value = otherwise;
}

static int complete(struct iwarp_params *p, struct err *e)
{
	set_default(&p->rx_bytes, 8448);
	set_default(&p->rx_buffers, 2048);
	set_default(&p->sq_depth, 512);
	set_default(&p->reads, 16);
	set_default(&p->startup_timeout_ms, 5000);
	set_default(&p->frame_timeout_ms, 10000);
	set_default(&p->send_timeout_ms, 15000);
	set_default(&p->read_timeout_ms, 30000);
	set_default(&p->dead_peer_ms, 20000);
	set_default(&p->max_half_open, 256);
	set_default(&p->max_half_open_per_host, 64);
	set_default(&p->max_conns, 1024);
	if (p->revision == 0)
		p->revision = 2;
	if (p->rx_bytes > IWARP_RX_BYTES_MAX)
		return err_set(e, -EINVAL, "a receive buffer of %u bytes is more than %u", p->rx_bytes,
			       IWARP_RX_BYTES_MAX);
	if (p->reads > 128)
		return err_set(e, -EINVAL, "%u outstanding RDMA Reads are more than 128", p->reads);
	if (p->sq_depth > 65536 || p->rx_buffers > 1u << 20)
		return err_set(e, -EINVAL, "too long a send queue or too many receive buffers");
	if (p->max_ulpdu && (p->max_ulpdu < FPDU_MIN_ULPDU || p->max_ulpdu > FPDU_MAX_ULPDU))
		return err_set(e, -EINVAL, "the longest ULPDU must have %u to %u bytes", FPDU_MIN_ULPDU,
			       FPDU_MAX_ULPDU);
	if (p->revision > 2)
		return err_set(e, -EINVAL, "MPA revision %u is not known", p->revision);
	p->rx_bytes = (p->rx_bytes + 63) & ~63u;
	if (p->max_ulpdu) /* without pad */
		p->max_ulpdu -= (p->max_ulpdu - 2) % 4;
	if (p->max_ulpdu == FPDU_MIN_ULPDU - 2)
		p->max_ulpdu = FPDU_MIN_ULPDU;
	return 0;
}

/* ---- life ---- */

int iwarp_fabric_create(struct reactor *control, const struct iwarp_params *p, struct fabric **out, struct err *e)
{
	struct iwarp_fabric *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return err_set(e, -ENOMEM, "out of memory");
	f->base.ops = &iwarp_ops;
	f->control = control;
	if (p)
		f->params = *p;
	rc = complete(&f->params, e);
	if (rc) {
		free(f);
		return rc;
	}
	list_init(&f->listeners);
	list_init(&f->starting);
	list_init(&f->lanes);
	*out = &f->base;
	return 0;
}

/* Connections that nobody closed; their reactors do not run any more. */
static void abandon(struct iwarp_lane *l)
{
	list_for_each_safe(n, &l->conns) {
		struct iwarp_conn *c = list_entry(n, struct iwarp_conn, node);

		log_warn("iwarp: destroyed with an open connection");
		timer_cancel(l->reactor, &c->timer);
		reactor_watch_del(l->reactor, &c->watch);
		iwarp_conn_free(c);
	}
}

static void iwarp_destroy(struct fabric *fabric)
{
	struct iwarp_fabric *f = iwarp_fabric_of(fabric);

	list_for_each_safe(n, &f->listeners)
		iwarp_unlisten(list_entry(n, struct fabric_listener, node));
	list_for_each_safe(n, &f->starting)
		iwarp_login_drop(list_entry(n, struct iwarp_conn, node));
	list_for_each_safe(n, &f->lanes) {
		struct iwarp_lane *l = list_entry(n, struct iwarp_lane, node);

		abandon(l);
		iwarp_lane_free(l);
	}
	free(f);
}
