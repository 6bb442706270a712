/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Token buckets: exact over long times at odd rates, bursts, large amounts, and several threads on one bucket.
 */
#include "../../../gateway/core/bucket.h"

#include "cmocka_all.h"

#include <pthread.h>

#define NS 1000000000ull

/* Takes @amount whenever it may, looking every @step_ns, for @seconds. Return: how often. */
static uint64_t take_for(struct bucket *b, uint64_t from_ns, uint64_t seconds, uint64_t step_ns, uint64_t rate, uint64_t amount)
{
	uint64_t n = 0, rest = 0;

	for (uint64_t now_ns = from_ns; now_ns < from_ns + seconds * NS; now_ns += step_ns) {
		while (bucket_free_ns(b) <= now_ns) {
			bucket_take(b, now_ns, bucket_cost_ns(amount, rate, &rest));
			n++;
		}
	}
	return n;
}

static void test_rates_are_exact(void **state)
{
	static const uint64_t rate[] = { 1, 3, 7, 777, 4999, 33333, 100003 };

	(void)state;
	for (unsigned k = 0; k < sizeof(rate) / sizeof(rate[0]); k++) {
		struct bucket b = { 0 };
		uint64_t seconds = rate[k] < 1000 ? 3600 : 60, n = take_for(&b, 1000 * NS, seconds, NS / 1000, rate[k], 1);

		/* What was saved, and the one that begins the debt. */
		assert_in_range(n, seconds * rate[k], seconds * rate[k] + rate[k] / 10 + 2);
	}
}

static void test_costs_do_not_drift(void **state)
{
	uint64_t rest = 0, sum_ns = 0;

	(void)state;
	for (unsigned k = 0; k < 3000000; k++)
		sum_ns += bucket_cost_ns(1, 3000007, &rest);
	/* 3,000,000 at 3,000,007 per second, to the nanosecond. */
	assert_int_equal(sum_ns, 3000000 * NS / 3000007);
	/* A rate that became lower inherits no rest that makes no sense there. */
	rest = 2999999;
	assert_int_equal(bucket_cost_ns(1, 10, &rest), NS / 10);
	assert_int_equal(rest, 0);
	/* The largest amount at the extremes. */
	assert_int_equal(bucket_cost_ns(BUCKET_MOST, 1, &rest), BUCKET_MOST * NS);
	assert_int_equal(bucket_cost_ns(1, 1ull << 62, &rest), 0);
	assert_int_equal(rest, NS);
}

static void test_burst(void **state)
{
	struct bucket b = { 0 };

	(void)state;
	/* An hour of idleness saves 100 ms. */
	assert_int_equal(take_for(&b, 10 * NS, 1, NS, 1000, 1), 101);
	assert_int_equal(take_for(&b, 3600 * NS, 1, NS, 1000, 1), 101);
	/* Shortly after the start of the clock. */
	b = (struct bucket){ 0 };
	assert_int_equal(take_for(&b, 5, 1, NS, 1000, 1), 1);
}

static void test_large_amounts_pass_and_are_paid(void **state)
{
	struct bucket b = { 0 };
	uint64_t now_ns = 50 * NS, rest = 0;

	(void)state;
	assert_true(bucket_free_ns(&b) <= now_ns);
	bucket_take(&b, now_ns, bucket_cost_ns(5000000, 1000000, &rest));
	assert_int_equal(bucket_free_ns(&b), now_ns + 5 * NS - BUCKET_BURST_NS);
	/* Two that looked at the same time: the debt of both is kept. */
	bucket_take(&b, now_ns, NS);
	assert_int_equal(bucket_free_ns(&b), now_ns + 6 * NS - BUCKET_BURST_NS);
}

static void test_inherit(void **state)
{
	struct bucket a = { 70 }, b = { 100 };

	(void)state;
	bucket_inherit(&a, &b);
	assert_int_equal(bucket_free_ns(&a), 100);
	b.free_ns = 5;
	bucket_inherit(&a, &b);
	assert_int_equal(bucket_free_ns(&a), 100);
}

#define N_THREADS 4
#define N_EACH 20000

static struct bucket shared;

static void *taker(void *arg)
{
	(void)arg;
	for (unsigned k = 0; k < N_EACH; k++)
		bucket_take(&shared, NS, 1000);
	return NULL;
}

static void test_threads_lose_nothing(void **state)
{
	pthread_t t[N_THREADS];

	(void)state;
	shared.free_ns = NS;
	for (unsigned k = 0; k < N_THREADS; k++)
		assert_int_equal(pthread_create(&t[k], NULL, taker, NULL), 0);
	for (unsigned k = 0; k < N_THREADS; k++)
		pthread_join(t[k], NULL);
	assert_int_equal(bucket_free_ns(&shared), NS + N_THREADS * N_EACH * 1000ull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates_are_exact),
		cmocka_unit_test(test_costs_do_not_drift),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_large_amounts_pass_and_are_paid),
		cmocka_unit_test(test_inherit),
		cmocka_unit_test(test_threads_lose_nothing),
	};

	return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}
