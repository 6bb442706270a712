/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Request limit arithmetic: exact small cases, and conservation under random histories.
 */
#include "../../../gateway/core/credit.h"

#include "cmocka_all.h"

#include <stdlib.h>

static void check(const struct credit *c)
{
	assert_int_equal(c->host + c->live + c->owed, c->granted);
}

static void test_limit(void **state)
{
	struct credit c;

	(void)state;
	credit_init(&c, 3);
	assert_true(credit_take(&c));
	assert_true(credit_take(&c));
	assert_true(credit_take(&c));
	assert_false(credit_take(&c));
	check(&c);
	assert_int_equal(credit_answer(&c), 1);
	assert_true(credit_take(&c));
	assert_false(credit_take(&c));
	check(&c);
}

static void test_owed_folds_into_next_response(void **state)
{
	struct credit c;

	(void)state;
	credit_init(&c, 8);
	for (int i = 0; i < 4; i++)
		assert_true(credit_take(&c));
	credit_forfeit(&c);
	credit_forfeit(&c);
	check(&c);
	assert_false(credit_wants_request(&c)); /* two responses will come, and the host has credits */
	assert_int_equal(credit_answer(&c), 3);
	check(&c);
	assert_int_equal(credit_answer(&c), 1);
	assert_int_equal(c.host, 8);
	check(&c);
}

static void test_undo(void **state)
{
	struct credit c, before;
	uint32_t delta;

	(void)state;
	credit_init(&c, 8);
	for (int i = 0; i < 3; i++)
		assert_true(credit_take(&c));
	credit_forfeit(&c);
	before = c;
	delta = credit_answer(&c);
	credit_unanswer(&c, delta);
	assert_memory_equal(&c, &before, sizeof(c));
	delta = credit_request(&c);
	assert_int_equal(delta, 1);
	credit_unrequest(&c, delta);
	assert_memory_equal(&c, &before, sizeof(c));
}

static void test_request_when_nothing_else_can_carry(void **state)
{
	struct credit c;

	(void)state;
	credit_init(&c, 8);
	assert_true(credit_take(&c));
	assert_false(credit_wants_request(&c));
	credit_forfeit(&c);
	assert_true(credit_wants_request(&c));
	assert_int_equal(credit_request(&c), 1);
	assert_false(credit_wants_request(&c));
	check(&c);
	/* The host runs dry while the back-end sits on what is live. */
	for (int i = 0; i < 8; i++)
		assert_true(credit_take(&c));
	credit_forfeit(&c);
	assert_true(credit_wants_request(&c));
}

static void test_conserved(void **state)
{
	struct credit c;
	unsigned seed = 7;
	uint32_t had;

	(void)state;
	credit_init(&c, 37);
	for (int i = 0; i < 100000; i++) {
		switch (rand_r(&seed) % 5) {
		case 0:
		case 1:
			had = c.host;
			assert_int_equal(credit_take(&c), had > 0);
			assert_int_equal(c.host, had > 0 ? had - 1 : 0);
			break;
		default:
			break;
		}
		check(&c);
		switch (rand_r(&seed) % 4) {
		case 0:
			if (c.live)
				credit_forfeit(&c);
			break;
		case 1:
			if (c.live)
				assert_true(credit_answer(&c) >= 1);
			break;
		case 2:
			if (credit_wants_request(&c))
				assert_true(credit_request(&c) >= 1);
			break;
		default:
			break;
		}
		check(&c);
		assert_true(c.host <= 37);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_owed_folds_into_next_response),
		cmocka_unit_test(test_undo),
		cmocka_unit_test(test_request_when_nothing_else_can_carry),
		cmocka_unit_test(test_conserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
