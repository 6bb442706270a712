/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Forms of other initiators: identifiers with their halves in the order of revision 10, and answers to a host that takes
 * information units of 64 bytes.
 */
#include "../../../gateway/core/login.h"
#include "rig.h"

#include <string.h>

/* ---- revision 10 ---- */

static void put_halves(uint8_t id[16], uint8_t first, uint8_t second)
{
	memset(id, first, 8);
	memset(id + 8, second, 8);
}

static void test_turned_identifiers(void **state)
{
	struct target_conf target[2] = { { .name = NULL } };
	struct map map = { .target = target, .n_target = 1 };
	struct srp_login_req req = { .tag = 7 }, want;

	(void)state;
	put_halves(target[0].t_port_id, 0xaa, 0xbb);
	put_halves(req.t_port_id, 0xaa, 0xbb);
	put_halves(req.i_port_id, 1, 2);
	want = req;
	/* The order of revision 16a stays. */
	assert_false(login_turn_identifiers(&map, &req));
	assert_memory_equal(&req, &want, sizeof(req));
	/* Revision 10: both are turned. */
	put_halves(req.t_port_id, 0xbb, 0xaa);
	put_halves(req.i_port_id, 2, 1);
	assert_true(login_turn_identifiers(&map, &req));
	assert_memory_equal(&req, &want, sizeof(req));
	/* Nobody's target is left as it came, for the log. */
	put_halves(req.t_port_id, 0xbb, 0xcc);
	want = req;
	assert_false(login_turn_identifiers(&map, &req));
	assert_memory_equal(&req, &want, sizeof(req));
	assert_false(login_turn_identifiers(NULL, &req));
	/* A target of just that identifier comes before one that would match when turned. */
	put_halves(target[1].t_port_id, 0xbb, 0xaa);
	map.n_target = 2;
	put_halves(req.t_port_id, 0xbb, 0xaa);
	want = req;
	assert_false(login_turn_identifiers(&map, &req));
	assert_memory_equal(&req, &want, sizeof(req));
	/* Both halves the same: the form cannot be told. */
	put_halves(target[1].t_port_id, 0xcc, 0xcc);
	put_halves(req.t_port_id, 0xcc, 0xcc);
	want = req;
	assert_false(login_turn_identifiers(&map, &req));
	assert_memory_equal(&req, &want, sizeof(req));
}

/* ---- 64 bytes ---- */

static struct fake_conn *login_64(struct rig *r)
{
	struct rig_login l = { .id = 1, .it_iu_len = 64 };
	struct fake_conn *c = rig_login_raw(r, &l);
	struct srp_login_rsp rsp;

	assert_true(c->accepted);
	fake_established(c);
	rig_run(r);
	assert_int_equal(srp_login_rsp_decode(c->reply, c->reply_len, &rsp), SRP_OK);
	assert_int_equal(rsp.max_ti_iu_len, 64);
	return c;
}

/* The sense data is cut to what the host takes, and its length says so; the command's tag and credit are as ever. */
static void test_sense_is_cut(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = login_64(r);
	struct srp_rsp rsp;

	r->disk[0]->status = SCSI_CHECK_CONDITION;
	r->disk[0]->sense_len = 200;
	rig_fill(r->disk[0]->sense, 200, 3);
	rsp = rig_expect_rsp(r, c, rig_read(r, c, 0, 0, r->mem, 512));
	assert_int_equal(rsp.status, SCSI_CHECK_CONDITION);
	assert_int_equal(rsp.sense_len, 64 - SRP_RSP_LEN);
	assert_memory_equal(rsp.sense, r->disk[0]->sense, rsp.sense_len);
	assert_int_equal(rsp.req_lim_delta, 1);
	assert_int_equal(c->sent[c->n_sent - 1].len, 64);
}

static void test_what_fits_is_whole(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = login_64(r);
	struct srp_rsp rsp;

	r->disk[0]->status = SCSI_CHECK_CONDITION;
	r->disk[0]->sense_len = 28;
	rig_fill(r->disk[0]->sense, 28, 4);
	rsp = rig_expect_rsp(r, c, rig_read(r, c, 0, 0, r->mem, 512));
	assert_int_equal(rsp.sense_len, 28);
	assert_memory_equal(rsp.sense, r->disk[0]->sense, 28);
	/* The gateway's own fits, too. */
	rig_expect_sense(r, c, rig_read(r, c, 9, 0, r->mem, 512), 5, 0x25, 0);
	rig_expect_code(r, c, rig_tmf(r, c, SRP_TMF_LUN_RESET, 0, 0), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turned_identifiers),
		TEST(test_sense_is_cut),
		TEST(test_what_fits_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
