/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands from IU to response: data in all descriptor forms, residuals, sense, credits, local answers.
 */
#include "rig.h"

#include <string.h>

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	rig_init(r);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void test_write_then_read(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	struct srp_rsp rsp;
	uint64_t tag;

	rig_start(r);
	c = rig_login(r);
	rig_fill(r->mem, 65536, 1);
	tag = rig_write(r, c, 0, 8, r->mem, 65536);
	rsp = rig_expect_rsp(r, c, tag);
	assert_int_equal(rsp.status, 0);
	assert_int_equal(rsp.flags, 0);
	assert_int_equal(rsp.req_lim_delta, 1);
	assert_memory_equal(r->disk[0]->disk + 8 * 512, r->mem, 65536);
	tag = rig_read(r, c, 1, 8, r->mem + 100000, 65536);
	rig_expect_status(r, c, tag, SCSI_GOOD);
	assert_memory_equal(r->mem, r->mem + 100000, 65536);
	assert_int_equal(r->disk[0]->last_cdb_len, 10);
	assert_int_equal(r->disk[0]->last_lun[1], 11);
	rig_expect_idle(r);
	rig_stop(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_write_then_read, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
