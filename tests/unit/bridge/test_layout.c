/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The layout of <srpgw/bridge.h> on 64-bit machines, member by member: a member put in the middle, moved or resized
 * does not compile here. New members go to the end of their structure; add a line for them.
 */
#include "../../../gateway/include/srpgw/bridge.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#define AT(s, m, offset)                                                                                               \
	_Static_assert(offsetof(struct s, m) == (offset), #s "." #m " moved: the bridge interface would break")

AT(srpgw_io, struct_size, 0);
AT(srpgw_io, dir, 4);
AT(srpgw_io, task_attr, 5);
AT(srpgw_io, cdb_len, 6);
AT(srpgw_io, lun, 8);
AT(srpgw_io, cdb, 16);
AT(srpgw_io, iov, 24);
AT(srpgw_io, n_iov, 32);
AT(srpgw_io, data_len, 36);
AT(srpgw_io, scratch, 40);
AT(srpgw_io, delivery, 48);
AT(srpgw_io, status, 49);
AT(srpgw_io, resid_kind, 50);
AT(srpgw_io, reserved0, 51);
AT(srpgw_io, resid, 52);
AT(srpgw_io, sense_len, 56);
AT(srpgw_io, sense, 58);
AT(srpgw_io, buf_handle, 312);
AT(srpgw_io, iov_out, 320);
AT(srpgw_io, n_iov_out, 328);
AT(srpgw_io, data_out_len, 332);

AT(srpgw_tmf, struct_size, 0);
AT(srpgw_tmf, function, 4);
AT(srpgw_tmf, lun, 5);
AT(srpgw_tmf, io, 16);
AT(srpgw_tmf, scratch, 24);
AT(srpgw_tmf, result, 32);

AT(srpgw_event, struct_size, 0);
AT(srpgw_event, kind, 4);
AT(srpgw_event, text, 8);
AT(srpgw_event, permanent, 16);
AT(srpgw_event, causes, 24);

AT(srpgw_nexus_id, struct_size, 0);
AT(srpgw_nexus_id, i_port_id, 4);
AT(srpgw_nexus_id, t_port_id, 20);
AT(srpgw_nexus_id, peer, 40);
AT(srpgw_nexus_id, initiator_name, 48);
AT(srpgw_nexus_id, isid, 56);
AT(srpgw_nexus_id, alias, 64);

AT(srpgw_setting, key, 0);
AT(srpgw_setting, value, 8);

AT(srpgw_limits, struct_size, 0);
AT(srpgw_limits, max_outstanding, 4);
AT(srpgw_limits, max_transfer_bytes, 8);
AT(srpgw_limits, own_thread, 12);
AT(srpgw_limits, iscsi_transport_ids, 13);

AT(srpgw_host, struct_size, 0);
AT(srpgw_host, abi, 4);
AT(srpgw_host, io_size, 8);
AT(srpgw_host, tmf_size, 12);
AT(srpgw_host, log, 16);
AT(srpgw_host, io_done, 24);
AT(srpgw_host, tmf_done, 32);
AT(srpgw_host, event, 40);
AT(srpgw_host, now_ns, 48);
AT(srpgw_host, watch_add, 56);
AT(srpgw_host, watch_mod, 64);
AT(srpgw_host, watch_del, 72);
AT(srpgw_host, timer_new, 80);
AT(srpgw_host, timer_arm, 88);
AT(srpgw_host, timer_cancel, 96);
AT(srpgw_host, timer_free, 104);
AT(srpgw_host, work, 112);
AT(srpgw_host, open_below, 120);

AT(srpgw_bridge, struct_size, 0);
AT(srpgw_bridge, abi, 4);
AT(srpgw_bridge, name, 8);
AT(srpgw_bridge, version, 16);
AT(srpgw_bridge, description, 24);
AT(srpgw_bridge, schemes, 32);
AT(srpgw_bridge, settings_help, 40);
AT(srpgw_bridge, scratch_size, 48);
AT(srpgw_bridge, tmf_scratch_size, 52);
AT(srpgw_bridge, open, 56);
AT(srpgw_bridge, close, 64);
AT(srpgw_bridge, limits, 72);
AT(srpgw_bridge, attach, 80);
AT(srpgw_bridge, detach, 88);
AT(srpgw_bridge, submit, 96);
AT(srpgw_bridge, abort, 104);
AT(srpgw_bridge, tmf, 112);
AT(srpgw_bridge, describe, 120);
AT(srpgw_bridge, mem_add, 128);
AT(srpgw_bridge, mem_del, 136);
AT(srpgw_bridge, portals, 144);
AT(srpgw_bridge, discover, 152);

AT(srpgw_portal, struct_size, 0);
AT(srpgw_portal, group, 4);
AT(srpgw_portal, address, 8);
AT(srpgw_portal, state, 16);
AT(srpgw_portal, why, 24);
AT(srpgw_portal, since_ns, 32);
AT(srpgw_portal, n_paths, 40);

AT(srpgw_found, struct_size, 0);
AT(srpgw_found, group, 4);
AT(srpgw_found, target_name, 8);
AT(srpgw_found, address, 16);

#undef AT

/* What numbers mean is as fixed as where they stand. */
_Static_assert(SRPGW_DELIVERY_NEVER == 0 && SRPGW_DELIVERY_MAYBE == 1 && SRPGW_DELIVERY_ANSWERED == 2, "delivery");
_Static_assert(SRPGW_DIR_NONE == 0 && SRPGW_DIR_IN == 1 && SRPGW_DIR_OUT == 2 && SRPGW_DIR_BIDI == 3, "direction");
_Static_assert(SRPGW_RESID_NONE == 0 && SRPGW_RESID_UNDER == 1 && SRPGW_RESID_OVER == 2, "residual");
_Static_assert(SRPGW_PATH_PROGRESS == 1 && SRPGW_PATH_UP == 2 && SRPGW_PATH_DOWN == 3 &&
		   SRPGW_PATH_INVENTORY_CHANGED == 4 && SRPGW_PATH_SILENT == 5 && SRPGW_PATH_HEARD == 6 && SRPGW_PATH_MOVE == 7,
	       "events");
_Static_assert(SRPGW_TMF_COMPLETE == 0 && SRPGW_TMF_NO_SUCH_TASK == 1 && SRPGW_TMF_NOT_SUPPORTED == 2 &&
		   SRPGW_TMF_FAILED == 3,
	       "results");
_Static_assert(SRPGW_BRIDGE_ABI == 1 && SRPGW_CDB_MAX == 260 && SRPGW_SENSE_MAX == 252, "constants");

/* SRPGW_HAS() looks at the size first. */
static void test_has(void **state)
{
	struct srpgw_bridge b = { .struct_size = sizeof(b) };

	(void)state;
	b.describe = (void (*)(struct srpgw_bridge_path *, void (*)(void *, const char *, const char *), void *))(
	    uintptr_t)test_has;
	assert_true(SRPGW_HAS(&b, describe));
	assert_false(SRPGW_HAS(&b, mem_add));
	b.struct_size = offsetof(struct srpgw_bridge, describe);
	assert_false(SRPGW_HAS(&b, describe));
	b.struct_size = offsetof(struct srpgw_bridge, describe) + sizeof(b.describe) - 1;
	assert_false(SRPGW_HAS(&b, describe));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_has) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
