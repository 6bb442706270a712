/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state table as a graph: every state can be reached and left, cancel always has a way out, and the diagram in
 * docs/ is this table. UPDATE_DOCS=1 in the environment writes the diagram.
 */
#include "../../../gateway/core/task_state.h"

#include "cmocka_all.h"
#include "docfile.h"

#include <stdio.h>
#include <string.h>

static void test_reachable(void **state)
{
	bool reached[TASK_N_STATES] = { [TASK_FREE] = true };
	bool more = true;

	(void)state;
	while (more) {
		more = false;
		for (int a = 0; a < TASK_N_STATES; a++)
			for (int b = 0; b < TASK_N_STATES; b++)
				if (reached[a] && !reached[b] &&
				    task_state_may_follow((enum task_state)a, (enum task_state)b))
					reached[b] = more = true;
	}
	for (int s = 0; s < TASK_N_STATES; s++)
		assert_true(reached[s]);
}

static void test_every_state_ends(void **state)
{
	(void)state;
	/* A task can be retired from any state that it can be in, and only FREE leads to RECEIVED. */
	for (int s = 0; s < TASK_N_STATES; s++) {
		assert_int_equal(task_state_may_follow((enum task_state)s, TASK_FREE), s != TASK_FREE);
		assert_int_equal(task_state_may_follow((enum task_state)s, TASK_RECEIVED), s == TASK_FREE);
		assert_false(task_state_may_follow((enum task_state)s, (enum task_state)s));
	}
	assert_false(task_state_may_follow(TASK_RESPONDING, TASK_READY));
	assert_false(task_state_may_follow((enum task_state)99, TASK_FREE));
	assert_false(task_state_may_follow(TASK_READY, (enum task_state)99));
}

static void test_a_response_follows_from_everywhere_but_placing(void **state)
{
	(void)state;
	/*
	 * Data-in that has begun to arrive ends in its response or in the end of the channel: no refusal after the
	 * first WRITE.
	 */
	for (int s = TASK_RECEIVED; s < TASK_WAIT_PLACE; s++)
		assert_true(task_state_may_follow((enum task_state)s, TASK_WAIT_RESPOND));
	assert_false(task_state_may_follow(TASK_WAIT_PLACE, TASK_WAIT_RESPOND));
	assert_false(task_state_may_follow(TASK_PLACING, TASK_WAIT_RESPOND));
}

static void test_names_and_holders(void **state)
{
	(void)state;
	for (int a = 0; a < TASK_N_STATES; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(task_state_name((enum task_state)a),
						task_state_name((enum task_state)b));
	assert_string_equal(task_state_name((enum task_state)TASK_N_STATES), "?");
	assert_int_equal(task_state_holder(TASK_FREE), TASK_HELD_BY_NOBODY);
	assert_int_equal(task_state_holder(TASK_EXECUTING), TASK_HELD_BY_BRIDGE);
	assert_int_equal(task_state_holder(TASK_FETCHING), TASK_HELD_BY_FABRIC);
	assert_int_equal(task_state_holder(TASK_PLACING), TASK_HELD_BY_FABRIC);
	assert_int_equal(task_state_holder(TASK_RESPONDING), TASK_HELD_BY_FABRIC);
	assert_int_equal(task_state_holder(TASK_READY), TASK_HELD_BY_GATEWAY);
}

static void test_diagram(void **state)
{
	static const char *const color[] = { "white", "lightyellow", "lightblue", "lightpink" };
	static const char *const holder[] = { "nobody", "gateway", "fabric", "bridge" };
	static char text[16384];
	size_t n = 0;

	(void)state;
	n += (size_t)snprintf(
		text + n, sizeof(text) - n,
		"// Task states and who holds the memory; made from gateway/core/task_state.h by its unit test.\n"
		"digraph task_states {\n\tnode [shape=box, style=filled];\n");
	for (int s = 0; s < TASK_N_STATES; s++) {
		enum task_holder h = task_state_holder((enum task_state)s);

		n += (size_t)snprintf(text + n, sizeof(text) - n, "\t%s [label=\"%s\\n%s\", fillcolor=%s];\n",
				      task_state_name((enum task_state)s), task_state_name((enum task_state)s),
				      holder[h], color[h]);
	}
	for (int a = 0; a < TASK_N_STATES; a++)
		for (int b = 0; b < TASK_N_STATES; b++)
			if (task_state_may_follow((enum task_state)a, (enum task_state)b))
				n += (size_t)snprintf(text + n, sizeof(text) - n, "\t%s -> %s;\n",
						      task_state_name((enum task_state)a),
						      task_state_name((enum task_state)b));
	n += (size_t)snprintf(text + n, sizeof(text) - n, "}\n");
	assert_true(n < sizeof(text));
	docfile_check("docs/task-states.dot", text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reachable),
		cmocka_unit_test(test_every_state_ends),
		cmocka_unit_test(test_a_response_follows_from_everywhere_but_placing),
		cmocka_unit_test(test_names_and_holders),
		cmocka_unit_test(test_diagram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
