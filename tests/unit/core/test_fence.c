/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fences end: whatever they stand on, and in whatever order the reasons come and go.
 */
#include "rig.h"

#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/path.h"

#include <stdlib.h>

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
	struct rig *r = *state;

	r->disk[0]->hold = r->disk[0]->hold_tmf = false;
	rig_stop(r);
	free(r);
	return 0;
}

/* A function that is never answered, asked for while a hazard of an older session still stood. */
static void test_function_over_a_hazard(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c;
	uint64_t tag;

	r->backend[0].fence_ms = 15000;
	rig_start(r);
	c = rig_login(r);
	r->disk[0]->hold = r->disk[0]->hold_tmf = true;
	tag = rig_write(r, c, 0, 0, r->mem, 512);
	fake_lose(fake_first(r->disk[0]), SRPGW_DELIVERY_MAYBE);
	rig_expect_status(r, c, tag, SCSI_BUSY);
	r->disk[0]->hold = false;
	rig_wait_ms(r, 12000);
	assert_true(rig_lu(r, 0)->hazard);
	tag = rig_tmf(r, c, SRP_TMF_LUN_RESET, 0, 0);
	rig_wait_ms(r, 2600);
	rig_expect_code(r, c, tag, 0);
	assert_int_equal(rig_lu(r, 0)->n_fences, 2);
	rig_wait_ms(r, 2000);
	assert_false(rig_lu(r, 0)->hazard);
	assert_int_equal(rig_lu(r, 0)->n_fences, 1);
	/* Its session ends after FENCE_MOST_MS, and that may be a new hazard. */
	rig_wait_ms(r, 8000 + 15000 + 1000);
	assert_int_equal(rig_lu(r, 0)->n_fences, 0);
	rig_expect_status(r, c, rig_write(r, c, 0, 0, r->mem, 512), SCSI_GOOD);
	rig_expect_idle(r);
}

/* The host is gone and nobody asks after its write: the session is ended after tmf_answer_ms, although the nexus lingers. */
static void lost_nexus(struct rig *r, uint32_t linger_ms)
{
	struct fake_conn *c;
	uint64_t n_detaches;

	c = rig_login(r);
	r->disk[0]->hold = true;
	rig_write(r, c, 0, 0, r->mem, 512);
	n_detaches = r->disk[0]->n_detaches;
	fake_break(c, FABRIC_DOWN_PEER);
	rig_wait_ms(r, 2400);
	assert_int_equal(r->disk[0]->n_detaches, n_detaches);
	assert_int_equal(rig_nexus(r)->n_detached, 1);
	rig_wait_ms(r, 200);
	assert_int_equal(r->disk[0]->n_detaches, n_detaches + 1);
	if (linger_ms == 0)
		return;
	/* It lingers on, with a new session. */
	assert_int_equal(rig_nexus(r)->n_detached, 0);
	rig_wait_ms(r, 2000);
	assert_int_equal(rig_lu(r, 0)->path->state, PATH_UP);
	assert_int_equal(rig_lu(r, 0)->n_fences, 0);
	assert_int_equal(r->disk[0]->n_paths, 1);
}

static void test_lost_nexus(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	lost_nexus(r, 0);
}

static void test_lost_nexus_that_lingers(void **state)
{
	struct rig *r = *state;

	r->maps[0]->map.nexus_linger_ms = 60000;
	rig_start(r);
	lost_nexus(r, 60000);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_function_over_a_hazard),
		TEST(test_lost_nexus),
		TEST(test_lost_nexus_that_lingers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
