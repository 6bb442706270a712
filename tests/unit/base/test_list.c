/* SPDX-License-Identifier: BSD-3-Clause */
/* Intrusive list against an array. */
#include "../../../gateway/base/list.h"

#include <string.h>

#include "unit.h"

struct item {
	int value;
	struct list_node node;
};

static void expect(const struct list *l, const int *want, size_t n)
{
	size_t i = 0;

	list_for_each(pos, l) {
		assert_true(i < n);
		assert_int_equal(list_entry(pos, struct item, node)->value, want[i]);
		assert_ptr_equal(pos->next->prev, pos);
		assert_ptr_equal(pos->prev->next, pos);
		i++;
	}
	assert_int_equal(i, n);
	assert_int_equal(list_empty(l), n == 0);
}

static void ends_and_middle(void **state)
{
	struct list l;
	struct item a = { .value = 1 }, b = { .value = 2 }, c = { .value = 3 };

	(void)state;
	list_init(&l);
	assert_null(list_first(&l));
	assert_null(list_pop_front(&l));
	list_push_back(&l, &b.node);
	list_push_front(&l, &a.node);
	list_insert_before(&l.head, &c.node);
	expect(&l, (int[]){ 1, 2, 3 }, 3);
	list_del(&b.node);
	assert_false(list_linked(&b.node));
	assert_true(list_linked(&a.node));
	list_del(&b.node); /* harmless */
	expect(&l, (int[]){ 1, 3 }, 2);
	assert_ptr_equal(list_pop_front(&l), &a.node);
	assert_ptr_equal(list_first(&l), &c.node);
	expect(&l, (int[]){ 3 }, 1);
}

static void splice_moves_all_and_leaves_an_empty_list(void **state)
{
	struct list to, from;
	struct item it[4];

	(void)state;
	list_init(&to);
	list_init(&from);
	list_splice_back(&to, &from);
	expect(&to, NULL, 0);
	for (int i = 0; i < 4; i++) {
		it[i].value = i;
		list_push_back(i < 2 ? &to : &from, &it[i].node);
	}
	list_splice_back(&to, &from);
	expect(&to, (int[]){ 0, 1, 2, 3 }, 4);
	expect(&from, NULL, 0);
	list_splice_back(&from, &to);
	expect(&from, (int[]){ 0, 1, 2, 3 }, 4);
	expect(&to, NULL, 0);
}

static void safe_walk_survives_unlinking_and_freeing(void **state)
{
	struct list l;

	(void)state;
	list_init(&l);
	for (int i = 0; i < 5; i++) {
		struct item *it = test_malloc(sizeof(*it));

		it->value = i;
		list_push_back(&l, &it->node);
	}
	list_for_each_safe(pos, &l) {
		struct item *it = list_entry(pos, struct item, node);

		list_del(pos);
		test_free(it);
	}
	expect(&l, NULL, 0);
}

static void random_operations_match_an_array(void **state)
{
	struct item it[32];
	int want[32];
	size_t n = 0;
	struct list l;
	uint64_t seed = 7;

	(void)state;
	list_init(&l);
	for (int i = 0; i < 32; i++) {
		it[i].value = i;
		list_node_init(&it[i].node);
	}
	for (int step = 0; step < 20000; step++) {
		int i = (int)rnd_below(&seed, 32);
		size_t at = 0;

		if (list_linked(&it[i].node)) {
			list_del(&it[i].node);
			while (want[at] != i)
				at++;
			memmove(want + at, want + at + 1, (n - at - 1) * sizeof(want[0]));
			n--;
		} else if (rnd_below(&seed, 2)) {
			list_push_front(&l, &it[i].node);
			memmove(want + 1, want, n * sizeof(want[0]));
			want[0] = i;
			n++;
		} else {
			list_push_back(&l, &it[i].node);
			want[n++] = i;
		}
		expect(&l, want, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_and_middle),
		cmocka_unit_test(splice_moves_all_and_leaves_an_empty_list),
		cmocka_unit_test(safe_walk_survives_unlinking_and_freeing),
		cmocka_unit_test(random_operations_match_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
