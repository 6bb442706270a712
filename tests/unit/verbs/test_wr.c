// SPDX-License-Identifier: BSD-3-Clause
/* Chains of verbs work requests from fabric ops. */
#include "fake.h"

static struct fake *f;

static int setup(void **state)
{
	(void)state;
	f = fake_new(false, true, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_free(f);
	return 0;
}

static int build(const struct an_op *o)
{
	f->lane.room.n_used = 0;
	return verbs_wr_append(&o->op, &f->lane.caps, 0, f->conn.inline_bytes, 42, &f->lane.room);
}

static void ids(void **state)
{
	(void)state;
	assert_int_equal(verbs_wr_kind(verbs_wr_id(VERBS_WR_DRAIN, 7)), VERBS_WR_DRAIN);
	assert_int_equal(verbs_wr_number(verbs_wr_id(VERBS_WR_OP, 1ull << 60)), 1ull << 60);
	assert_int_equal(verbs_wr_kind(verbs_wr_id(VERBS_WR_RECV, 3)), VERBS_WR_RECV);
}

static void chain(void **state)
{
	struct ibv_send_wr *wr = f->lane.room.wr;
	struct an_op o;

	(void)state;
	an_op_make(f, &o, FABRIC_WRITE, 3, 512);
	o.wr[2].opcode = FABRIC_SEND;
	o.wr[2].flags = FABRIC_SOLICITED | FABRIC_FENCE;
	o.seg[2].len_bytes = 36;
	assert_int_equal(build(&o), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(wr[i].wr_id, 42);
		assert_int_equal(wr[i].num_sge, 1);
		assert_int_equal(wr[i].sg_list->lkey, 0x22);
		assert_int_equal(wr[i].sg_list->addr, (uintptr_t)f->data);
		assert_ptr_equal(wr[i].next, i < 2 ? &wr[i + 1] : NULL);
		assert_int_equal(wr[i].send_flags & IBV_SEND_SIGNALED, i < 2 ? 0 : IBV_SEND_SIGNALED);
	}
	assert_int_equal(wr[0].opcode, IBV_WR_RDMA_WRITE);
	assert_int_equal(wr[1].wr.rdma.remote_addr, 0x1001);
	assert_int_equal(wr[1].wr.rdma.rkey, 0xabc);
	assert_int_equal(wr[0].send_flags, 0);
	assert_int_equal(wr[2].opcode, IBV_WR_SEND); /* never "with invalidate" */
	assert_int_equal(wr[2].send_flags, IBV_SEND_SIGNALED | IBV_SEND_SOLICITED | IBV_SEND_FENCE | IBV_SEND_INLINE);
}

static void inline_only_when_short(void **state)
{
	struct an_op o;

	(void)state;
	an_op_make(f, &o, FABRIC_SEND, 1, 64);
	assert_int_equal(build(&o), 0);
	assert_true(f->lane.room.wr[0].send_flags & IBV_SEND_INLINE);
	an_op_make(f, &o, FABRIC_SEND, 1, 65);
	assert_int_equal(build(&o), 0);
	assert_false(f->lane.room.wr[0].send_flags & IBV_SEND_INLINE);
	an_op_make(f, &o, FABRIC_WRITE, 1, 8); /* data is not copied */
	assert_int_equal(build(&o), 0);
	assert_false(f->lane.room.wr[0].send_flags & IBV_SEND_INLINE);
}

static void refusals(void **state)
{
	struct mem_region foreign = { 0 };
	struct an_op o;

	(void)state;
	an_op_make(f, &o, FABRIC_READ, 1, 8);
	o.wr[0].n_seg = 5; /* the device takes 4 */
	assert_int_equal(build(&o), -EINVAL);
	an_op_make(f, &o, FABRIC_READ, 1, 8);
	o.seg[0].region = &foreign; /* not registered with this device */
	assert_int_equal(build(&o), -EINVAL);
	an_op_make(f, &o, FABRIC_READ, 1, (1 << 20) + 1);
	assert_int_equal(build(&o), -EINVAL);
	an_op_make(f, &o, FABRIC_READ, 2, 8);
	o.op.n_wr = 1; /* says one, has two */
	assert_int_equal(build(&o), -EINVAL);
	an_op_make(f, &o, FABRIC_READ, 2, 8);
	o.op.n_wr = 3;
	assert_int_equal(build(&o), -EINVAL);
	an_op_make(f, &o, FABRIC_READ, 1, 8);
	o.op.first = NULL;
	o.op.n_wr = 0;
	assert_int_equal(build(&o), -EINVAL);
	an_op_make(f, &o, (enum fabric_opcode)9, 1, 8);
	assert_int_equal(build(&o), -EINVAL);
}

static void longer_than_the_room(void **state)
{
	static struct fabric_wr wr[FAKE_SQ + 1];
	struct fabric_seg seg = { f->data, 8, &f->region };
	struct fabric_op op = { .first = wr, .n_wr = FAKE_SQ + 1 };

	(void)state;
	for (unsigned i = 0; i <= FAKE_SQ; i++)
		wr[i] = (struct fabric_wr){ .next = i < FAKE_SQ ? &wr[i + 1] : NULL, .opcode = FABRIC_READ, .n_seg = 1, .seg = &seg };
	assert_int_equal(verbs_wr_append(&op, &f->lane.caps, 0, 0, 1, &f->lane.room), -ENOSPC);
	assert_int_equal(f->lane.room.n_used, 0);
	wr[FAKE_SQ - 1].next = NULL;
	op.n_wr = FAKE_SQ;
	assert_int_equal(verbs_wr_append(&op, &f->lane.caps, 0, 0, 1, &f->lane.room), 0);
	assert_int_equal(f->lane.room.n_used, FAKE_SQ);
}

static void iwarp_reads_have_one_segment(void **state)
{
	struct an_op o;

	(void)state;
	f->lane.caps.read_sge = 1;
	an_op_make(f, &o, FABRIC_READ, 1, 8);
	o.seg[1] = o.seg[0];
	o.wr[0].n_seg = 2;
	assert_int_equal(build(&o), -EINVAL);
	o.wr[0].opcode = FABRIC_WRITE;
	assert_int_equal(build(&o), 0);
	assert_int_equal(f->lane.room.wr[0].num_sge, 2);
}

static void statuses(void **state)
{
	(void)state;
	assert_int_equal(verbs_wc_status(IBV_WC_SUCCESS), FABRIC_WC_OK);
	assert_int_equal(verbs_wc_status(IBV_WC_WR_FLUSH_ERR), FABRIC_WC_FLUSHED);
	assert_int_equal(verbs_wc_status(IBV_WC_REM_ACCESS_ERR), FABRIC_WC_REMOTE_ACCESS);
	assert_int_equal(verbs_wc_status(IBV_WC_RETRY_EXC_ERR), FABRIC_WC_ERROR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ids, setup, teardown),
		cmocka_unit_test_setup_teardown(chain, setup, teardown),
		cmocka_unit_test_setup_teardown(inline_only_when_short, setup, teardown),
		cmocka_unit_test_setup_teardown(refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(longer_than_the_room, setup, teardown),
		cmocka_unit_test_setup_teardown(iwarp_reads_have_one_segment, setup, teardown),
		cmocka_unit_test_setup_teardown(statuses, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
