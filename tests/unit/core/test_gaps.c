/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Gaps through which a fence, a nexus or other hosts could fall: writes without data-out, a map that changes while a
 * nexus goes, one host that takes all tasks or buffers.
 */
#include "rig.h"

#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/path.h"

#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	rig_init(r);
	rig_start(r);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	rig_stop(*state);
	free(*state);
	return 0;
}

static struct lu *lu_of(struct rig *r, uint32_t number)
{
	uint8_t lun[8];

	rig_lun(number, lun);
	return lu_find(rig_nexus(r), lun);
}

/* Unknown fate of a command without data-out that writes (WRITE SAME with NDOB, FORMAT UNIT). */
static void test_no_data_write_fences(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct rig_cmd cmd = {.dir = RIG_NONE, .cdb = {0x93, 0x01}};
	uint64_t tag;

	r->disk[0]->hold = true;
	tag = rig_send_cmd(r, c, &cmd);
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	r->disk[0]->hold = false;
	rig_expect_status(r, c, tag, SCSI_BUSY);
	assert_true(lu_of(r, 0)->n_fences > 0);
	rig_wait_ms(r, 2000);
	assert_int_equal(lu_of(r, 0)->n_fences, 0);
	/* TEST UNIT READY changes nothing. */
	cmd.cdb[0] = cmd.cdb[1] = 0;
	r->disk[0]->hold = true;
	tag = rig_send_cmd(r, c, &cmd);
	fake_down(r->disk[0], SRPGW_DELIVERY_MAYBE, "for the test");
	r->disk[0]->hold = false;
	rig_expect_status(r, c, tag, SCSI_BUSY);
	assert_int_equal(lu_of(r, 0)->n_fences, 0);
}

/* A reload that adds a back-end while the nexus lets go: it must still end. */
static void test_reload_while_letting_go(void **state)
{
	struct rig *r = *state;
	struct rig_map *with = rig_map_new(r), *without = rig_map_new(r);
	struct fake_conn *c;

	without->group[0].n_lun = 2; /* back-end 0 only */
	rig_apply(r, without);
	c = rig_login(r);
	r->disk[0]->hold_detach = true;
	fake_break(c, FABRIC_DOWN_PEER);
	rig_wait_ms(r, 100);
	assert_int_equal(r->core->port.n_nexuses, 1);
	rig_apply(r, with); /* LUNs 2 and 3 come, with back-end 1 */
	r->disk[0]->hold_detach = false;
	fake_detached(r->disk[0]);
	rig_wait_ms(r, 5000);
	assert_int_equal(r->core->port.n_nexuses, 0);
}

/* One host takes all tasks with commands for a dead back-end: others must still be served. */
static void test_tasks_are_shared(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a[8], *b;
	struct rig_login l = {.peer = "10.0.0.2", .id = 2};

	a[0] = rig_login(r);
	r->disk[0]->hold_up = true;
	fake_down(r->disk[0], SRPGW_DELIVERY_NEVER, "dead");
	for (unsigned i = 1; i < 8; i++)
		a[i] = rig_login_multi(r);
	for (unsigned i = 0; i < 8; i++)
		for (unsigned k = 0; k < 16; k++)
			rig_read(r, a[i], 0, 0, r->mem, 512);
	b = rig_login_raw(r, &l);
	fake_established(b);
	rig_run(r);
	rig_expect_status(r, b, rig_read(r, b, 2, 0, r->mem, 512), SCSI_GOOD);
	r->disk[0]->hold_up = false;
}

/* The same for ios, with a host that never takes its responses: REPORT LUNS and others are answered here, but hold
 * buffers, too. */
static void test_ios_of_local_commands(void **state)
{
	struct rig *r = *state;
	struct fake_conn *a[8], *b;
	struct rig_login l = {.peer = "10.0.0.2", .id = 2};
	struct rig_cmd cmd = {.dir = RIG_IN, .buf = r->mem, .len = 512, .cdb = {0xa0, [8] = 2}};

	for (unsigned i = 0; i < 5; i++) {
		a[i] = i ? rig_login_multi(r) : rig_login(r);
		a[i]->manual = true;
	}
	for (unsigned i = 0; i < 5; i++)
		for (unsigned k = 0; k < 16; k++)
			rig_send_cmd(r, a[i], &cmd);
	b = rig_login_raw(r, &l);
	fake_established(b);
	rig_run(r);
	rig_expect_status(r, b, rig_read(r, b, 2, 0, r->mem, 512), SCSI_GOOD);
	for (unsigned i = 0; i < 5; i++)
		a[i]->manual = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_no_data_write_fences, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_reload_while_letting_go, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_tasks_are_shared, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_ios_of_local_commands, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
