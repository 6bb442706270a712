// SPDX-License-Identifier: BSD-3-Clause
/* Limits from device attributes, and the parameters of a connection. */
#include "fake.h"

#include "../../../gateway/fabric/verbs/caps.h"

static const struct ibv_device_attr good = {
	.max_qp_wr = 16384, .max_sge = 30, .max_sge_rd = 16, .max_cqe = 1 << 20, .max_srq = 64, .max_srq_wr = 4096,
	.max_qp_rd_atom = 16, .max_qp_init_rd_atom = 16,
};

static struct verbs_params defaults(void)
{
	struct verbs_params p = { 0 };

	verbs_params_complete(&p);
	return p;
}

static void params(void **state)
{
	struct verbs_params p = { .rx_bytes = 8276, .rx_buffers = 5, .sq_depth = 7 };

	(void)state;
	verbs_params_complete(&p);
	assert_int_equal(p.rx_bytes, 8320);
	assert_int_equal(p.rx_buffers, 5);
	assert_int_equal(p.sq_depth, 7);
	p = defaults();
	assert_true(p.rx_bytes >= 8276 && p.rx_bytes % 64 == 0);
	assert_int_equal(p.sq_depth, 512);
}

static void infiniband(void **state)
{
	struct verbs_params p = defaults();
	struct verbs_caps c;

	(void)state;
	verbs_caps_from(&good, IBV_TRANSPORT_IB, 1u << 31, &p, &c);
	assert_false(c.iwarp);
	assert_true(c.srq);
	assert_int_equal(c.sq_depth, 512);
	assert_int_equal(c.send_sge, VERBS_SGE_MAX);
	assert_int_equal(c.read_sge, VERBS_SGE_MAX);
	assert_int_equal(c.max_wr_bytes, 1u << 30);
	assert_int_equal(c.n_rx, 1024);
	assert_int_equal(c.max_recv, 1024);
	assert_int_equal(c.send_cq_depth, VERBS_CQ_SENDS);
	assert_int_equal(c.rd_resp_max, VERBS_READS_SERVED);
	assert_int_equal(c.rd_init_max, 16);
}

static void small_device(void **state)
{
	struct ibv_device_attr a = good;
	struct verbs_params p = defaults();
	struct verbs_caps c;

	(void)state;
	a.max_qp_wr = 128;
	a.max_sge = 2;
	a.max_sge_rd = 1;
	a.max_srq_wr = 100;
	a.max_cqe = 4000;
	a.max_qp_rd_atom = 2;
	verbs_caps_from(&a, IBV_TRANSPORT_IB, 65536, &p, &c);
	assert_int_equal(c.sq_depth, 127); /* and the drain marker */
	assert_int_equal(c.send_sge, 2);
	assert_int_equal(c.read_sge, 1);
	assert_int_equal(c.max_wr_bytes, 65536);
	assert_int_equal(c.n_rx, 100);
	assert_int_equal(c.send_cq_depth, 4000);
	assert_int_equal(c.rd_resp_max, 2);
	p.no_srq = true;
	verbs_caps_from(&a, IBV_TRANSPORT_IB, 65536, &p, &c);
	assert_false(c.srq);
	assert_int_equal(c.n_rx, 1024);
	assert_int_equal(c.max_recv, 128);
}

static void iwarp(void **state)
{
	struct verbs_params p = defaults();
	struct verbs_caps c;

	(void)state;
	verbs_caps_from(&good, IBV_TRANSPORT_IWARP, 0, &p, &c);
	assert_true(c.iwarp);
	assert_false(c.srq); /* an empty shared queue would end every connection */
	assert_int_equal(c.read_sge, 1);
	assert_true(c.max_wr_bytes >= 65536);
}

static void silent_device(void **state)
{
	struct ibv_device_attr a = { 0 };
	struct verbs_params p = defaults();
	struct verbs_caps c;

	(void)state;
	verbs_caps_from(&a, IBV_TRANSPORT_IB, 0, &p, &c);
	assert_true(c.sq_depth >= 1 && c.send_sge >= 1 && c.read_sge >= 1);
	assert_true(c.rd_init_max >= 1 && c.rd_resp_max >= 1);
	assert_false(c.srq);
}

static void connection(void **state)
{
	struct verbs_params p = defaults();
	struct rdma_conn_param r;
	struct verbs_caps c;

	(void)state;
	verbs_caps_from(&good, IBV_TRANSPORT_IB, 0, &p, &c);
	verbs_accept_param(&c, 4, "xyz", 3, &r);
	assert_int_equal(r.initiator_depth, 4);
	assert_int_equal(r.responder_resources, 4);
	assert_int_equal(r.rnr_retry_count, 7);
	assert_int_equal(r.flow_control, 1);
	assert_int_equal(r.srq, 1);
	assert_int_equal(r.private_data_len, 3);
	verbs_accept_param(&c, 0, NULL, 0, &r);
	assert_int_equal(r.initiator_depth, 1); /* zero would stall the first READ for ever */
	verbs_accept_param(&c, 255, NULL, 0, &r);
	assert_int_equal(r.initiator_depth, 16);
	verbs_connect_param(&c, NULL, 0, &r);
	assert_int_equal(r.responder_resources, 4);
	assert_int_equal(r.retry_count, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(params),	cmocka_unit_test(infiniband),	 cmocka_unit_test(small_device),
		cmocka_unit_test(iwarp),	cmocka_unit_test(silent_device), cmocka_unit_test(connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
