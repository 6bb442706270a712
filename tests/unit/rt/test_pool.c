/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffer pool: shapes of chains, exhaustion, fragmentation, misuse, and a long random walk against a byte map. */
#include "../../../gateway/rt/pool.h"

#include <errno.h>

#include "rt_unit.h"

#define KIB 1024u
#define MIN POOL_BLOCK_MIN_BYTES
#define MAX POOL_BLOCK_MAX_BYTES

static struct pool *new_pool(size_t size_bytes)
{
	struct pool *p = NULL;

	assert_int_equal(pool_create(size_bytes, &p), 0);
	return p;
}

static struct buf *get(struct pool *p, size_t len_bytes)
{
	struct buf *b = NULL;

	assert_int_equal(pool_get(p, len_bytes, &b), 0);
	return b;
}

static void size_is_rounded_up(void **state)
{
	static const struct {
		size_t asked, want;
	} rows[] = { { 0, MAX }, { 1, MAX }, { MAX, MAX }, { MAX + 1, 2 * MAX }, { 3 << 20, 3 << 20 } };

	(void)state;
	for (unsigned i = 0; i < N_OF(rows); i++) {
		struct pool *p = new_pool(rows[i].asked);
		const struct mem_region *r = pool_region(p);

		assert_int_equal(pool_size_bytes(p), rows[i].want);
		assert_int_equal(pool_free_bytes(p), rows[i].want);
		assert_int_equal(pool_low_water_bytes(p), rows[i].want);
		assert_int_equal(r->len_bytes, rows[i].want);
		assert_int_equal((uintptr_t)r->base % MAX, 0);
		for (int k = 0; k < MEM_KEY_SLOTS; k++)
			assert_null(r->key[k]);
		pool_destroy(p);
	}
	pool_destroy(NULL);
}

static void impossible_sizes_are_refused(void **state)
{
	struct pool *p = NULL;

	(void)state;
	assert_int_equal(pool_create(SIZE_MAX, &p), -ENOMEM);
	assert_int_equal(pool_create(SIZE_MAX / 2, &p), -ENOMEM);
	assert_null(p);
}

static void chains_have_few_blocks_and_little_waste(void **state)
{
	static const struct {
		size_t len_bytes;
		uint32_t want_kib[8]; /* capacities in order */
	} rows[] = {
		{ 1, { 8 } },
		{ 8 * KIB, { 8 } },
		{ 8 * KIB + 1, { 16 } },
		{ 16 * KIB, { 16 } },
		{ 24 * KIB, { 16, 8 } },
		{ 32 * KIB, { 32 } },
		{ 40 * KIB, { 32, 8 } },
		{ 48 * KIB, { 32, 16 } },
		{ 56 * KIB, { 64 } },
		{ 128 * KIB, { 128 } },
		{ 132 * KIB, { 128, 8 } },
		{ 248 * KIB, { 256 } },
		{ 256 * KIB, { 256 } },
		{ 256 * KIB + 1, { 256, 8 } },
		{ 1024 * KIB, { 256, 256, 256, 256 } },
		{ 1000 * KIB, { 256, 256, 256, 256 } },
		{ 600 * KIB, { 256, 256, 64, 16, 8 } },
	};
	struct pool *p = new_pool(1 << 20);

	(void)state;
	for (unsigned i = 0; i < N_OF(rows); i++) {
		struct buf *chain = get(p, rows[i].len_bytes), *b = chain;
		size_t sum = 0, cap = 0;
		unsigned n;

		for (n = 0; rows[i].want_kib[n]; n++, b = b->next) {
			assert_non_null(b);
			assert_int_equal(b->cap_bytes, rows[i].want_kib[n] * KIB);
			assert_true(b->len_bytes == b->cap_bytes || !b->next);
			assert_ptr_equal(b->region, pool_region(p));
			assert_int_equal((uintptr_t)b->addr % b->cap_bytes, 0);
			sum += b->len_bytes;
			cap += b->cap_bytes;
		}
		assert_null(b);
		assert_int_equal(sum, rows[i].len_bytes);
		assert_int_equal(pool_free_bytes(p), pool_size_bytes(p) - cap);
		pool_put(p, chain);
		assert_int_equal(pool_free_bytes(p), pool_size_bytes(p));
	}
	assert_int_equal(pool_low_water_bytes(p), 0);
	pool_put(p, NULL);
	pool_destroy(p);
}

static void exhaustion_takes_nothing(void **state)
{
	struct pool *p = new_pool(512 * KIB);
	struct buf *a, *out = (struct buf *)&a;

	(void)state;
	assert_int_equal(pool_get(p, 0, &out), -EINVAL);
	assert_int_equal(pool_get(p, 512 * KIB + 1, &out), -E2BIG);
	assert_int_equal(pool_get(p, SIZE_MAX, &out), -E2BIG);
	assert_int_equal(pool_free_bytes(p), 512 * KIB);
	a = get(p, 500 * KIB);
	out = NULL;
	assert_int_equal(pool_get(p, 16 * KIB, &out), -EAGAIN);
	assert_null(out);
	assert_int_equal(pool_get(p, 512 * KIB, &out), -EAGAIN);
	pool_put(p, a);
	assert_int_equal(pool_low_water_bytes(p), 0);
	a = get(p, 512 * KIB);
	assert_int_equal(pool_free_bytes(p), 0);
	assert_int_equal(pool_get(p, 1, &out), -EAGAIN);
	pool_put(p, a);
	pool_destroy(p);
}

static void fragments_serve_when_no_large_block_is_left(void **state)
{
	enum { N = 1 << 20 >> 13 };
	struct pool *p = new_pool(1 << 20);
	struct buf *piece[N], *chain;
	unsigned n = 0;

	(void)state;
	for (int i = 0; i < N; i++)
		piece[i] = get(p, 1);
	assert_int_equal(pool_free_bytes(p), 0);
	for (int i = 0; i < N; i++) {
		if ((uintptr_t)piece[i]->addr / MIN % 2 == 0)
			continue;
		pool_put(p, piece[i]); /* every second block, so nothing can be joined */
		piece[i] = NULL;
	}
	chain = get(p, 512 * KIB - 100);
	for (struct buf *b = chain; b; b = b->next, n++) {
		assert_int_equal(b->cap_bytes, MIN);
		assert_int_equal(b->len_bytes, b->next ? MIN : MIN - 100);
	}
	assert_int_equal(n, N / 2);
	assert_int_equal(pool_free_bytes(p), 0);
	pool_put(p, chain);
	for (int i = 0; i < N; i++)
		pool_put(p, piece[i]);
	/* all joined again */
	chain = get(p, 1 << 20);
	n = 0;
	for (struct buf *b = chain; b; b = b->next, n++)
		assert_int_equal(b->cap_bytes, MAX);
	assert_int_equal(n, 4);
	pool_put(p, chain);
	pool_destroy(p);
}

static void misuse_is_reported_and_survived(void **state)
{
	struct pool *p = new_pool(MAX), *other = new_pool(MAX);
	struct buf *a = get(p, 20 * KIB), *tail = a->next, *foreign = get(other, 1), copy = *foreign;
	struct logged l = { 0 };

	(void)state;
	log_set_hook(note_line, &l);
	assert_non_null(tail);
	pool_put(p, a);
	assert_int_equal(l.n, 0);
	pool_put(p, a); /* twice */
	assert_int_equal(l.n, 1);
	pool_put(p, tail); /* its tail, too */
	assert_int_equal(l.n, 2);
	pool_put(p, foreign);
	assert_int_equal(l.n, 3);
	pool_put(p, &copy);
	assert_int_equal(l.n, 4);
	assert_int_equal(pool_free_bytes(p), MAX);
	assert_int_equal(pool_free_bytes(other), MAX - MIN);
	pool_destroy(other); /* refused: a block is out */
	assert_int_equal(l.n, 5);
	foreign->addr[0] = 1;
	pool_put(other, foreign);
	assert_int_equal(l.n, 5);
	log_set_hook(NULL, NULL);
	pool_destroy(other);
	a = get(p, MAX); /* in one piece */
	assert_null(a->next);
	pool_put(p, a);
	pool_destroy(p);
}

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>

static void free_blocks_are_poisoned(void **state)
{
	struct pool *p = new_pool(MAX);
	uint8_t *base = pool_region(p)->base;
	struct buf *a;

	(void)state;
	assert_ptr_equal(__asan_region_is_poisoned(base, 1), base);
	a = get(p, 20 * KIB);
	for (struct buf *b = a; b; b = b->next)
		assert_null(__asan_region_is_poisoned(b->addr, b->cap_bytes));
	assert_ptr_equal(__asan_region_is_poisoned(base, MAX), base + 24 * KIB);
	pool_put(p, a);
	assert_ptr_equal(__asan_region_is_poisoned(base, MAX), base);
	pool_destroy(p);
}
#endif

/* ---- random walk ---- */

enum { UNITS = 4 * (MAX / MIN), HOLDERS = 40, STEPS = 20000 };

struct walk {
	struct pool *p;
	struct buf *held[HOLDERS];
	size_t held_len[HOLDERS];
	uint8_t owner[UNITS]; /* the oracle: 0 = free, else holder + 1 */
	size_t n_free;
	uint64_t seed;
};

static size_t unit_of(const struct walk *w, const uint8_t *addr)
{
	size_t off = (size_t)(addr - (uint8_t *)pool_region(w->p)->base);

	assert_true(off < UNITS * (size_t)MIN);
	assert_int_equal(off % MIN, 0);
	return off / MIN;
}

static void stamp(uint8_t *addr, uint32_t len_bytes, uint8_t value)
{
	memset(addr, value, len_bytes < 64 ? len_bytes : 64);
	addr[len_bytes - 1] = value;
}

static void walk_get(struct walk *w, unsigned i)
{
	size_t len = 1 + rnd_below(&w->seed, rnd_below(&w->seed, 8) ? 64 * KIB : (4 * MAX) + 20 * KIB);
	size_t need = (len + MIN - 1) / MIN, sum = 0;
	struct buf *chain = NULL;
	int rc = pool_get(w->p, len, &chain);

	assert_int_equal(rc, need > UNITS ? -E2BIG : need > w->n_free ? -EAGAIN : 0);
	if (rc < 0)
		return;
	w->held[i] = chain;
	w->held_len[i] = len;
	for (struct buf *b = chain; b; b = b->next) {
		size_t first = unit_of(w, b->addr), n = b->cap_bytes / MIN;

		assert_true(n >= 1 && n <= MAX / MIN && (n & (n - 1)) == 0);
		assert_int_equal(first % n, 0);
		for (size_t u = first; u < first + n; u++) {
			assert_int_equal(w->owner[u], 0);
			w->owner[u] = (uint8_t)(i + 1);
		}
		w->n_free -= n;
		assert_true(b->len_bytes > 0 && b->len_bytes <= b->cap_bytes);
		assert_true(!b->next || b->len_bytes == b->cap_bytes);
		sum += b->len_bytes;
		stamp(b->addr, b->cap_bytes, (uint8_t)(i + 1));
	}
	assert_int_equal(sum, len);
}

static void walk_put(struct walk *w, unsigned i)
{
	for (struct buf *b = w->held[i]; b; b = b->next) {
		size_t first = unit_of(w, b->addr), n = b->cap_bytes / MIN;

		assert_int_equal(b->addr[0], i + 1);
		assert_int_equal(b->addr[b->cap_bytes - 1], i + 1);
		for (size_t u = first; u < first + n; u++) {
			assert_int_equal(w->owner[u], i + 1);
			w->owner[u] = 0;
		}
		w->n_free += n;
	}
	pool_put(w->p, w->held[i]);
	w->held[i] = NULL;
}

static void random_walk_matches_a_map(void **state)
{
	static struct walk w;
	struct buf *all;
	size_t low = UNITS;
	unsigned n = 0;

	(void)state;
	w.p = new_pool(4 * MAX);
	w.n_free = UNITS;
	w.seed = 4711;
	for (int step = 0; step < STEPS; step++) {
		unsigned i = (unsigned)rnd_below(&w.seed, HOLDERS);

		if (w.held[i])
			walk_put(&w, i);
		else
			walk_get(&w, i);
		assert_int_equal(pool_free_bytes(w.p), w.n_free * MIN);
		if (w.n_free < low)
			low = w.n_free;
		assert_int_equal(pool_low_water_bytes(w.p), low * MIN);
	}
	for (unsigned i = 0; i < HOLDERS; i++)
		if (w.held[i])
			walk_put(&w, i);
	all = get(w.p, 4 * MAX);
	for (struct buf *b = all; b; b = b->next, n++)
		assert_int_equal(b->cap_bytes, MAX);
	assert_int_equal(n, 4);
	pool_put(w.p, all);
	pool_destroy(w.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(size_is_rounded_up),
		cmocka_unit_test(impossible_sizes_are_refused),
		cmocka_unit_test(chains_have_few_blocks_and_little_waste),
		cmocka_unit_test(exhaustion_takes_nothing),
		cmocka_unit_test(fragments_serve_when_no_large_block_is_left),
		cmocka_unit_test(misuse_is_reported_and_survived),
#ifdef WITH_ASAN
		cmocka_unit_test(free_blocks_are_poisoned),
#endif
		cmocka_unit_test(random_walk_matches_a_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
