/* SPDX-License-Identifier: BSD-3-Clause */
/* Histogram: the bucket that a value falls into, against the documented bounds; percentiles against sorted values. */
#include "../../../gateway/base/hist.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static unsigned bucket_of(uint64_t value_ns)
{
	struct hist h = { 0 };
	unsigned found = HIST_BUCKETS;

	hist_add(&h, value_ns);
	assert_int_equal(h.count, 1);
	assert_int_equal(h.sum_ns, value_ns);
	assert_int_equal(h.max_ns, value_ns);
	for (unsigned b = 0; b < HIST_BUCKETS; b++) {
		if (!h.bucket[b])
			continue;
		assert_int_equal(h.bucket[b], 1);
		assert_int_equal(found, HIST_BUCKETS);
		found = b;
	}
	assert_true(found < HIST_BUCKETS);
	return found;
}

static void bounds_are_quarters_of_powers_of_two(void **state)
{
	static const uint64_t first[] = { 1000, 1250, 1500, 1750, 2000, 2500, 3000, 3500, 4000, 5000, 6000, 7000, 8000 };

	(void)state;
	for (unsigned b = 0; b < N_OF(first); b++)
		assert_int_equal(hist_bound_ns(b), first[b]);
	for (unsigned b = 4; b < HIST_BUCKETS - 1; b++)
		assert_int_equal(hist_bound_ns(b), 2 * hist_bound_ns(b - 4));
	assert_int_equal(hist_bound_ns(HIST_BUCKETS - 1), UINT64_MAX);
	assert_int_equal(hist_bound_ns(HIST_BUCKETS), UINT64_MAX);
	assert_int_equal(hist_bound_ns(~0u), UINT64_MAX);
}

static void values_at_every_bound_fall_on_the_right_side(void **state)
{
	(void)state;
	assert_int_equal(bucket_of(0), 0);
	for (unsigned b = 0; b < HIST_BUCKETS - 1; b++) {
		assert_int_equal(bucket_of(hist_bound_ns(b) - 1), b);
		assert_int_equal(bucket_of(hist_bound_ns(b)), b + 1);
		assert_int_equal(bucket_of(hist_bound_ns(b) + 1), b + 1);
	}
	assert_int_equal(bucket_of(UINT64_MAX), HIST_BUCKETS - 1);
}

static void random_values_lie_within_their_bucket(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint64_t v = rnd(&seed) >> rnd_below(&seed, 64);
		unsigned b = bucket_of(v);

		assert_true(b == HIST_BUCKETS - 1 || v < hist_bound_ns(b));
		assert_true(b == 0 || v >= hist_bound_ns(b - 1));
	}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* ceil(p per cent of n), by counting up */
static int rank_of(double p, int n)
{
	int rank = 0;

	while (rank < p * n / 100)
		rank++;
	return rank;
}

static void percentile_is_a_tight_upper_bound(void **state)
{
	static const double ps[] = { 0, 0.1, 1, 25, 50, 90, 99, 99.9, 100 };
	enum { N = 997 };
	uint64_t v[N], seed = 11;
	struct hist h = { 0 };

	(void)state;
	for (int i = 0; i < N; i++) {
		v[i] = 1000 + rnd(&seed) % 50000000;
		hist_add(&h, v[i]);
	}
	qsort(v, N, sizeof(v[0]), by_value);
	for (unsigned i = 0; i < N_OF(ps); i++) {
		int rank = rank_of(ps[i], N);
		uint64_t exact = v[rank ? rank - 1 : 0], got = hist_percentile_ns(&h, ps[i]);

		assert_true(got >= exact);
		assert_true(got <= exact + exact / 4 + 1); /* a bucket is at most a quarter wide */
	}
	assert_int_equal(hist_percentile_ns(&h, 100), v[N - 1]);
}

static void percentile_of_odd_arguments(void **state)
{
	struct hist h = { 0 };

	(void)state;
	assert_int_equal(hist_percentile_ns(&h, 50), 0);
	hist_add(&h, 5100);
	assert_int_equal(hist_percentile_ns(&h, -1), 5100);
	assert_int_equal(hist_percentile_ns(&h, __builtin_nan("")), 5100);
	assert_int_equal(hist_percentile_ns(&h, 1e300), 5100);
	hist_add(&h, UINT64_MAX - 5200); /* the open bucket ends at the largest value seen */
	assert_int_equal(hist_percentile_ns(&h, 99), UINT64_MAX - 5200);
}

static void merge_is_the_same_as_adding_all_to_one(void **state)
{
	struct hist a = { 0 }, b = { 0 }, all = { 0 };
	uint64_t seed = 5;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint64_t v = rnd(&seed) % 10000000;

		hist_add(i & 1 ? &a : &b, v);
		hist_add(&all, v);
	}
	hist_merge(&a, &b);
	assert_memory_equal(&a, &all, sizeof(all));
	hist_merge(&a, &(struct hist){ 0 });
	assert_memory_equal(&a, &all, sizeof(all));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_are_quarters_of_powers_of_two),
		cmocka_unit_test(values_at_every_bound_fall_on_the_right_side),
		cmocka_unit_test(random_values_lie_within_their_bucket),
		cmocka_unit_test(percentile_is_a_tight_upper_bound),
		cmocka_unit_test(percentile_of_odd_arguments),
		cmocka_unit_test(merge_is_the_same_as_adding_all_to_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
