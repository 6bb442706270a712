/* SPDX-License-Identifier: BSD-3-Clause */
/* The example of docs/bridge-author-guide.md, compiled as it stands there, keeps the contract. */
#include "host_shim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_guide(void **state)
{
	static const uint8_t read_10[10] = { 0x28, [8] = 1 };
	struct shim shim;
	struct shim_path path;
	struct shim_io io;
	struct shim_tmf tmf;
	uint8_t buf[512];

	(void)state;
	shim_bridges = "../bridge/so";
	shim_open(&shim, "guide:", NULL);
	shim_attach_start(&shim, &path, 1);
	assert_int_equal(shim_do(&path, &io, 0, read_10, 10, SRPGW_DIR_IN, buf, 512), -1 - SRPGW_DELIVERY_NEVER);
	shim_detach(&path);
	assert_false(path.up);
	shim_attach(&shim, &path, 1);
	assert_int_equal(shim_do(&path, &io, 0, read_10, 10, SRPGW_DIR_IN, buf, 512), 0);
	assert_int_equal(io.pub.resid, 512);
	assert_int_equal(shim_tmf(&path, &tmf, SRPGW_TMF_LUN_RESET, 0, NULL), SRPGW_TMF_COMPLETE);
	shim_detach(&path);
	shim_close(&shim);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_guide) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
