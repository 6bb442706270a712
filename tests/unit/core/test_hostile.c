/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Back-ends that lie about what they answer: residuals larger than the transfer or of no kind, sense data longer than
 * there can be, INQUIRY data shorter than its header. The host gets an answer that adds up, and nobody else notices.
 */
#include "rig.h"

#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/path.h"

#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
	struct rig *r = rig_new(state);

	rig_start(r);
	r->disk[0]->hold = true;
	return 0;
}

static int teardown(void **state)
{
	rig_expect_idle(*state);
	return rig_teardown(state);
}

/* What the back-end says of the command that it has. */
struct lie {
	uint8_t delivery, status, resid_kind;
	uint32_t resid;
	uint16_t sense_len;
};

static struct srp_rsp answer(struct rig *r, struct fake_conn *c, uint64_t tag, struct lie l)
{
	struct fake_cmd *cmd = fake_first(r->disk[0]);
	struct srpgw_io *io = cmd->io;

	assert_non_null(cmd);
	io->status = l.status;
	io->resid_kind = l.resid_kind;
	io->resid = l.resid;
	io->sense_len = l.sense_len;
	memset(io->sense, 0x5e, sizeof(io->sense));
	fake_lose(cmd, (enum srpgw_delivery)l.delivery);
	rig_run(r);
	return rig_expect_rsp(r, c, tag);
}

static uint64_t inquiry(struct rig *r, struct fake_conn *c, uint16_t alloc)
{
	struct rig_cmd cmd = { .dir = RIG_IN, .buf = r->mem, .len = alloc };

	memset(r->mem, 0xee, 4096);
	cmd.cdb[0] = 0x12;
	cmd.cdb[3] = (uint8_t)(alloc >> 8);
	cmd.cdb[4] = (uint8_t)alloc;
	return rig_send_cmd(r, c, &cmd);
}

static void test_residual_beyond_the_transfer(void **state)
{
	static const uint32_t resid[] = { 4096, 4097, 0x80000000u, 0xffffffffu };
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	for (size_t i = 0; i < sizeof(resid) / sizeof(resid[0]); i++) {
		uint64_t tag;
		struct srp_rsp rsp;

		memset(r->mem, 0xee, 4096);
		tag = rig_read(r, c, 0, 0, r->mem, 4096);
		rsp = answer(r, c, tag,
			     (struct lie){ .delivery = SRPGW_DELIVERY_ANSWERED,
					   .resid_kind = SRPGW_RESID_UNDER,
					   .resid = resid[i] });
		assert_int_equal(rsp.status, SCSI_GOOD);
		assert_int_equal(rsp.flags & SRP_RSP_DIUNDER, SRP_RSP_DIUNDER);
		assert_int_equal(rsp.data_in_resid, 4096);
		assert_int_equal(r->mem[0], 0xee);
		tag = rig_write(r, c, 0, 0, r->mem, 4096);
		rsp = answer(r, c, tag,
			     (struct lie){ .delivery = SRPGW_DELIVERY_ANSWERED,
					   .resid_kind = SRPGW_RESID_UNDER,
					   .resid = resid[i] });
		assert_int_equal(rsp.data_out_resid, 4096);
	}
}

static void test_overflow_without_end(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag = rig_read(r, c, 0, 0, r->mem, 512);
	struct srp_rsp rsp = answer(
	    r, c, tag,
	    (struct lie){ .delivery = SRPGW_DELIVERY_ANSWERED, .resid_kind = SRPGW_RESID_OVER, .resid = 0xffffffffu });

	assert_int_equal(rsp.flags & SRP_RSP_DIOVER, SRP_RSP_DIOVER);
	assert_int_equal(rsp.data_in_resid, 0xffffffffu);
}

/* Reserved values of what is an enum in the interface. */
static void test_values_that_are_none(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag = rig_read(r, c, 0, 0, r->mem, 512);
	struct srp_rsp rsp =
	    answer(r, c, tag,
		   (struct lie){ .delivery = SRPGW_DELIVERY_ANSWERED, .status = 0xff, .resid_kind = 99, .resid = 512 });

	assert_int_equal(rsp.status, 0xff);
	assert_int_equal(rsp.flags & (SRP_RSP_DIOVER | SRP_RSP_DIUNDER | SRP_RSP_DOOVER | SRP_RSP_DOUNDER), 0);
	/* A delivery that nobody knows is one of unknown fate. */
	tag = rig_write(r, c, 0, 0, r->mem, 512);
	rsp = answer(r, c, tag, (struct lie){ .delivery = 77 });
	assert_int_equal(rsp.status, SCSI_BUSY);
	assert_true(rig_lu(r, 0)->n_fences > 0);
	r->disk[0]->hold = false;
	rig_wait_ms(r, 3000);
	assert_int_equal(rig_lu(r, 0)->n_fences, 0);
}

static void test_sense_beyond_its_place(void **state)
{
	static const uint16_t len[] = { 0, 1, 252, 253, 0xffff };
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	for (size_t i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		uint64_t tag = rig_read(r, c, 0, 0, r->mem, 512);
		struct srp_rsp rsp = answer(r, c, tag,
					    (struct lie){ .delivery = SRPGW_DELIVERY_ANSWERED,
							  .status = SCSI_CHECK_CONDITION,
							  .resid_kind = SRPGW_RESID_UNDER,
							  .resid = 512,
							  .sense_len = len[i] });

		assert_int_equal(rsp.status, SCSI_CHECK_CONDITION);
		assert_true(rsp.sense_len <= SRPGW_SENSE_MAX);
		assert_true(rsp.sense_len <= len[i]);
		for (uint32_t k = 0; k < rsp.sense_len; k++)
			assert_int_equal(rsp.sense[k], 0x5e);
	}
}

/* Shorter than the byte that NormACA is in, than its length, than what it says. */
static void test_short_inquiry(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	for (uint32_t len = 0; len <= 8; len++) {
		uint64_t tag = inquiry(r, c, 96);
		struct srpgw_io *io = fake_first(r->disk[0])->io;
		struct srp_rsp rsp;

		memset(io->iov[0].iov_base, 0xff, len);
		rsp = answer(r, c, tag,
			     (struct lie){ .delivery = SRPGW_DELIVERY_ANSWERED,
					   .resid_kind = SRPGW_RESID_UNDER,
					   .resid = 96 - len });
		assert_int_equal(rsp.status, SCSI_GOOD);
		assert_int_equal(rsp.data_in_resid, 96 - len);
		for (uint32_t k = 0; k < len; k++)
			assert_int_equal(r->mem[k], k == 3 ? 0xdf : 0xff);
		assert_int_equal(r->mem[len], 0xee);
	}
	/* One byte asked for. */
	for (uint16_t alloc = 1; alloc <= 5; alloc++) {
		uint64_t tag = inquiry(r, c, alloc);

		memset(fake_first(r->disk[0])->io->iov[0].iov_base, 0xff, alloc);
		assert_int_equal(answer(r, c, tag, (struct lie){ .delivery = SRPGW_DELIVERY_ANSWERED }).status,
				 SCSI_GOOD);
		assert_int_equal(r->mem[alloc], 0xee);
	}
}

/* The same to the LU next to it, at another back-end: it is served all the time. */
static void test_others_do_not_notice(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t tag = rig_read(r, c, 0, 0, r->mem, 512);

	rig_expect_status(r, c, rig_read(r, c, 2, 0, r->mem + 8192, 512), SCSI_GOOD);
	answer(r, c, tag,
	       (struct lie){ .delivery = SRPGW_DELIVERY_ANSWERED,
			     .status = SCSI_CHECK_CONDITION,
			     .resid_kind = SRPGW_RESID_OVER,
			     .resid = 0xfffffff0u,
			     .sense_len = 0xffff });
	rig_expect_status(r, c, rig_read(r, c, 2, 0, r->mem + 8192, 512), SCSI_GOOD);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_residual_beyond_the_transfer),
		TEST(test_overflow_without_end),
		TEST(test_values_that_are_none),
		TEST(test_sense_beyond_its_place),
		TEST(test_short_inquiry),
		TEST(test_others_do_not_notice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
