/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * READs and WRITEs larger than the back-end takes at a time: what it is given, what the host gets, and what neither may see.
 */
#include "rig.h"

#include "../../../gateway/base/be.h"
#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/path.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 64 << 10, WHOLE = 160 << 10, MAX_SEEN = 16 };

struct seen {
	struct rig *r;
	uint32_t n;
	uint8_t cdb[MAX_SEEN][16];
	uint32_t len[MAX_SEEN];
	uint32_t fail_at; /* that piece ends in CHECK CONDITION; 0: none */
};

static struct seen seen;

static void on_submit(void *arg)
{
	struct seen *s = arg;
	struct fake_target *d = s->r->disk[0];

	assert_true(s->n < MAX_SEEN);
	memcpy(s->cdb[s->n], d->last_cdb, 16);
	s->len[s->n++] = d->last_data_len;
	d->status = s->n == s->fail_at ? SCSI_CHECK_CONDITION : SCSI_GOOD;
}

static int setup(void **state)
{
	struct rig *r = rig_new(state);

	rig_start(r);
	r->backend[0].limits.max_transfer_bytes = PIECE;
	seen = (struct seen){ .r = r };
	r->disk[0]->on_submit = on_submit;
	r->disk[0]->on_submit_arg = &seen;
	return 0;
}

static void test_read(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	rig_fill(r->disk[0]->disk, FAKE_DISK_BYTES, 7);
	rig_expect_status(r, c, rig_read(r, c, 0, 24, r->mem, WHOLE), SCSI_GOOD);
	assert_memory_equal(r->mem, r->disk[0]->disk + 24 * 512, WHOLE);
	assert_int_equal(seen.n, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(seen.len[i], i < 2 ? PIECE : WHOLE - 2 * PIECE);
		assert_int_equal(be32_at(seen.cdb[i] + 2), 24 + i * (PIECE / 512));
		assert_int_equal(be16_at(seen.cdb[i] + 7), seen.len[i] / 512);
	}
	rig_expect_idle(r);
}

/* 16 bytes, more than 32 bits of address, FUA, protection and group: all but address and length stay. */
static void test_write_16(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct rig_cmd cmd = { .dir = RIG_OUT, .buf = r->mem, .len = WHOLE,
			       .cdb = { 0x8a, 0x28, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xc0, 0, 0, 1, 0x40, 0x1f, 0x40 } };

	rig_lu(r, 0)->block_bytes = 512;
	rig_fill(r->mem, WHOLE, 3);
	rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
	assert_int_equal(seen.n, 3);
	for (uint32_t i = 0; i < 3; i++) {
		uint64_t lba = 0x1ffffffc0ull + i * (PIECE / 512);

		assert_int_equal(seen.cdb[i][0], 0x8a);
		assert_int_equal(seen.cdb[i][1], 0x28);
		assert_int_equal(be32_at(seen.cdb[i] + 2), lba >> 32);
		assert_int_equal(be32_at(seen.cdb[i] + 6), (uint32_t)lba);
		assert_int_equal(be32_at(seen.cdb[i] + 10), seen.len[i] / 512);
		assert_int_equal(be16_at(seen.cdb[i] + 14), 0x1f40);
	}
}

static void test_first_error(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	static const uint8_t medium[18] = { 0x70, 0, 3, [7] = 10, [12] = 0x11 };
	struct srp_rsp rsp;

	memcpy(r->disk[0]->sense, medium, sizeof(medium));
	r->disk[0]->sense_len = sizeof(medium);
	r->disk[0]->resid_kind = SRPGW_RESID_NONE;
	seen.fail_at = 2;
	rsp = rig_expect_rsp(r, c, rig_write(r, c, 0, 0, r->mem, WHOLE));
	assert_int_equal(rsp.status, SCSI_CHECK_CONDITION);
	assert_int_equal(seen.n, 2);
	assert_true(rsp.flags & SRP_RSP_DOUNDER);
	assert_int_equal(rsp.data_out_resid, WHOLE - 2 * PIECE);
}

/* The first piece was short: what came of it counts, and nothing behind it is asked for. */
static void test_short(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct srp_rsp rsp;

	r->disk[0]->resid_kind = SRPGW_RESID_UNDER;
	r->disk[0]->resid = 1024;
	rsp = rig_expect_rsp(r, c, rig_read(r, c, 0, 0, r->mem, WHOLE));
	assert_int_equal(seen.n, 1);
	assert_true(rsp.flags & SRP_RSP_DIUNDER);
	assert_int_equal(rsp.data_in_resid, WHOLE - PIECE + 1024);
}

/* Between two pieces the session goes: all of it goes once more, from its beginning. */
static void test_session_lost(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag;

	rig_fill(r->mem, WHOLE, 9);
	r->disk[0]->hold = true;
	tag = rig_write(r, c, 0, 8, r->mem, WHOLE);
	fake_answer(fake_first(r->disk[0]));
	assert_int_equal(seen.n, 2);
	r->disk[0]->hold = false;
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "for the test");
	rig_wait_ms(r, 3000);
	rig_expect_status(r, c, tag, SCSI_GOOD);
	assert_int_equal(seen.n, 5);
	assert_int_equal(be32_at(seen.cdb[2] + 2), 8);
	assert_int_equal(be16_at(seen.cdb[2] + 7), PIECE / 512);
	assert_memory_equal(r->disk[0]->disk + 8 * 512, r->mem, WHOLE);
	rig_expect_idle(r);
}

/* The host aborts it: the piece at the back-end is the last. */
static void test_aborted(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag;

	r->disk[0]->hold = r->disk[0]->hold_tmf = true;
	tag = rig_write(r, c, 0, 8, r->mem, WHOLE);
	tag = rig_tmf(r, c, SRP_TMF_ABORT_TASK, 0, tag);
	fake_answer(fake_first(r->disk[0]));
	rig_expect_code(r, c, tag, SRP_RSP_CODE_OK);
	assert_int_equal(seen.n, 1);
	assert_null(fake_first(r->disk[0]));
	fake_tmf_answer(r->disk[0], SRPGW_TMF_NO_SUCH_TASK);
	rig_run(r);
	rig_expect_idle(r);
}

/* What has no pieces is refused as before: another command, lengths that contradict each other, addresses beyond the CDB's. */
static void test_refused(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct rig_cmd cmds[] = {
		{ .cdb = { 0x42, [7] = 0xff } },                                  /* UNMAP */
		{ .cdb = { 0x41, [8] = 1 } },                                     /* WRITE SAME(10) */
		{ .cdb = { 0x2a, [8] = 7 } },                                     /* of 160 KiB */
		{ .cdb = { 0x2a, 0, 0xff, 0xff, 0xff, 0xff, [7] = 1, [8] = 0x40 } },
		{ .cdb = { 0x0a, 0, 0, 0, 40 } },                                 /* perhaps a tape's */
	};

	for (unsigned i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
		cmds[i].dir = RIG_OUT;
		cmds[i].buf = r->mem;
		cmds[i].len = WHOLE;
		rig_expect_sense(r, c, rig_send_cmd(r, c, &cmds[i]), SCSI_ILLEGAL_REQUEST, 0x24, 0);
	}
	assert_int_equal(seen.n, 0);
	/* Of a disk with blocks of 4096 bytes the last may be cut. */
	rig_lu(r, 0)->block_bytes = 4096;
	rig_expect_status(r, c, rig_send_cmd(r, c, &cmds[4]), SCSI_GOOD);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.cdb[1][3], 16);
	assert_int_equal(seen.cdb[2][4], 8);
}

static void limits_page(struct rig *r, struct fake_conn *c, uint32_t maximum, uint32_t optimal, uint8_t page[64])
{
	struct rig_cmd cmd = { .dir = RIG_IN, .buf = r->mem, .len = 64, .cdb = { 0x12, 1, 0xb0, 0, 64 } };
	/* The scripted disk takes bytes 2 to 5 of any CDB for a block's number, and knows none that far. */
	uint8_t *data = r->disk[0]->disk;

	memset(data, 0, 64);
	data[1] = 0xb0;
	data[3] = 60;
	be32_put(data + 8, maximum);
	be32_put(data + 12, optimal);
	rig_expect_status(r, c, rig_send_cmd(r, c, &cmd), SCSI_GOOD);
	memcpy(page, r->mem, 64);
}

static void test_limit_is_told(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct rig_cmd capacity = { .dir = RIG_IN, .buf = r->mem, .len = 8, .cdb = { 0x25 } };
	uint8_t page[64];

	limits_page(r, c, 0, 0, page);
	assert_int_equal(be32_at(page + 8), PIECE / 512);
	assert_int_equal(be32_at(page + 12), 0);
	limits_page(r, c, 16, 16, page);
	assert_int_equal(be32_at(page + 8), 16);
	limits_page(r, c, 65535, 65535, page);
	assert_int_equal(be32_at(page + 8), PIECE / 512);
	assert_int_equal(be32_at(page + 12), PIECE / 512);
	be32_put(r->disk[0]->disk, 1000);
	be32_put(r->disk[0]->disk + 4, 4096);
	rig_expect_status(r, c, rig_send_cmd(r, c, &capacity), SCSI_GOOD);
	limits_page(r, c, 0, 0, page);
	assert_int_equal(be32_at(page + 8), PIECE / 4096);
	/* A back-end without a limit: nothing is touched. */
	r->backend[0].limits.max_transfer_bytes = 0;
	limits_page(r, c, 0, 77, page);
	assert_int_equal(be32_at(page + 8), 0);
	assert_int_equal(be32_at(page + 12), 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_write_16, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_first_error, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_short, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_session_lost, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_aborted, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_limit_is_told, setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
