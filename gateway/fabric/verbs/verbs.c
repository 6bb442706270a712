/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verbs fabric as a whole: made, destroyed, and its table of operations.
 * Layer: fabric.
 */
#include "../../base/log.h"
#include "internal.h"

#include <errno.h>

#define SCAN_EVERY_NS (2 * NS_PER_S)

static void verbs_destroy(struct fabric *fabric);

const struct fabric_ops verbs_ops = {
	.name = "verbs",
	.listen = verbs_listen,
	.unlisten = verbs_unlisten,
	.limits = verbs_limits,
	.accept = verbs_accept,
	.reject = verbs_reject,
	.connect = verbs_connect,
	.mem_add = verbs_mem_add,
	.mem_del = verbs_mem_del,
	.expose = verbs_expose,
	.unexpose = verbs_unexpose,
	.post = verbs_post,
	.sq_free = verbs_sq_free,
	.rx_release = verbs_rx_release,
	.rx_low = verbs_rx_low,
	.close = verbs_conn_close,
	.destroy = verbs_destroy,
	.describe = verbs_describe,
};

static void on_scan(struct reactor_timer *t)
{
	struct verbs_fabric *f = container_of(t, struct verbs_fabric, scan_timer);

	verbs_dev_scan(f);
	timer_arm_in(f->control, &f->scan_timer, SCAN_EVERY_NS);
}

static int check_machine(struct err *e)
{
	int n = 0, rc = 0;
	struct ibv_device **list = ibv_get_device_list(&n);

	if (!list || n == 0) {
		rc = err_set(e, -ENODEV, "no RDMA device on this machine");
		err_cure(e, "load the adapter's driver, or add soft RoCE to a network interface: "
			    "modprobe rdma_rxe && rdma link add rxe0 type rxe netdev eth0");
	} else if (access("/dev/infiniband/rdma_cm", F_OK) < 0) {
		rc = err_set(e, -ENODEV, "/dev/infiniband/rdma_cm is missing");
		err_cure(e, "modprobe rdma_ucm");
	} else if (access("/dev/infiniband/rdma_cm", R_OK | W_OK) < 0) {
		rc = err_set(e, -errno, "cannot open /dev/infiniband/rdma_cm: %m");
		err_cure(e, "give this user read and write access to /dev/infiniband/rdma_cm and uverbs*");
	}
	if (list)
		ibv_free_device_list(list);
	return rc;
}

int verbs_fabric_create(struct reactor *control, const struct verbs_params *p, struct fabric **out, struct err *e)
{
	struct verbs_fabric *f;
	int rc = check_machine(e);

	if (rc)
		return rc;
	f = calloc(1, sizeof(*f));
	if (!f)
		return err_set(e, -ENOMEM, "out of memory");
	f->base.ops = &verbs_ops;
	f->control = control;
	if (p)
		f->params = *p;
	verbs_params_complete(&f->params);
	list_init(&f->devs);
	list_init(&f->listeners);
	list_init(&f->conns);
	timer_init(&f->scan_timer, on_scan);
	rc = verbs_cm_start(f, e);
	if (rc) {
		free(f);
		return rc;
	}
	verbs_dev_scan(f);
	if (list_empty(&f->devs)) {
		rc = err_set(e, -ENODEV, "no RDMA device can be used");
		err_cure(e, "see the messages before this one");
		verbs_cm_stop(f);
		free(f);
		return rc;
	}
	timer_arm_in(control, &f->scan_timer, SCAN_EVERY_NS);
	*out = &f->base;
	return 0;
}

static struct reactor *reactor_with_messages(const struct verbs_fabric *f)
{
	list_for_each(n, &f->devs)
		list_for_each(m, &list_entry(n, struct verbs_dev, node)->lanes) {
			struct verbs_lane *l = list_entry(m, struct verbs_lane, node);

			if (reactor_has_msgs(l->reactor))
				return l->reactor;
		}
	return reactor_has_msgs(f->control) ? f->control : NULL;
}

static void verbs_destroy(struct fabric *fabric)
{
	struct verbs_fabric *f = verbs_fabric_of(fabric);
	struct reactor *r;

	/* Connections, queues and lanes may still lie in messages: they must be out of the rings before they are freed. */
	while ((r = reactor_with_messages(f)) && reactor_poll(r, 0) > 0)
		;
	timer_cancel(f->control, &f->scan_timer);
	list_for_each_safe(n, &f->listeners)
		verbs_unlisten(list_entry(n, struct fabric_listener, node));
	/* Connections that were never answered, or that nobody closed. */
	list_for_each_safe(n, &f->conns) {
		struct verbs_conn *c = list_entry(n, struct verbs_conn, node);

		if (c->cm_phase != VERBS_CM_LOGIN && c->cm_phase != VERBS_CM_GONE)
			log_warn("verbs: destroyed with an open connection");
		verbs_conn_unmake_qp(c);
		verbs_cm_conn_free(c);
	}
	list_for_each_safe(n, &f->devs)
		verbs_dev_free(list_entry(n, struct verbs_dev, node));
	verbs_cm_stop(f);
	free(f);
}
