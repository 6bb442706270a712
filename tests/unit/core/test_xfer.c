/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transfer planning: tables of small cases, and random chains where every byte must move exactly once within the
 * limits.
 */
#include "../../../gateway/core/xfer.h"

#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PIECES 64u
#define MAX_WR 32u
#define MAX_SEG 64u

struct chains {
	struct buf desc[MAX_PIECES], local[MAX_PIECES];
	uint8_t wire[MAX_PIECES * 16];
	uint8_t mem[65536];
	struct mem_region region;
};

static void link_up(struct buf *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		b[i].next = i + 1 < n ? &b[i + 1] : NULL;
}

/* Remote address = offset in the host's buffer, so that the plan can be read off. */
static void make(struct chains *c, const uint32_t *remote, unsigned n_remote, unsigned per_buf, const uint32_t *local,
		 unsigned n_local)
{
	uint64_t va = 0;
	uint32_t off = 0;
	unsigned n_buf = 0;

	memset(c, 0, sizeof(*c));
	for (unsigned i = 0; i < n_remote; i++) {
		srp_mdesc_put(c->wire + 16 * i, (struct srp_mdesc){ va, 100 + i, remote[i] });
		va += remote[i];
	}
	for (unsigned i = 0; i < n_remote; i += per_buf, n_buf++) {
		unsigned n = n_remote - i < per_buf ? n_remote - i : per_buf;

		c->desc[n_buf].addr = c->wire + 16 * i;
		c->desc[n_buf].len_bytes = 16 * n;
	}
	link_up(c->desc, n_buf);
	for (unsigned i = 0; i < n_local; i++) {
		c->local[i].addr = c->mem + off;
		c->local[i].len_bytes = local[i];
		c->local[i].region = &c->region;
		off += local[i];
	}
	link_up(c->local, n_local);
}

/*
 * Runs all rounds; checks the limits and that the bytes come in order, remote and local side by side. Return: rounds.
 */
static unsigned run(struct chains *c, uint32_t len, const struct xfer_limits *lim)
{
	struct fabric_wr wr[MAX_WR];
	struct fabric_seg seg[MAX_SEG];
	struct xfer x;
	uint32_t done = 0;
	unsigned rounds = 0;

	xfer_init(&x, c->desc, c->local, len);
	while (x.left_bytes > 0) {
		uint32_t n = xfer_plan(&x, FABRIC_WRITE, lim, wr, seg), n_seg = 0;

		assert_in_range(n, 1, lim->max_wr);
		for (uint32_t i = 0; i < n; i++) {
			uint32_t bytes = 0;

			assert_int_equal(wr[i].opcode, FABRIC_WRITE);
			assert_ptr_equal(wr[i].next, i + 1 < n ? &wr[i + 1] : NULL);
			assert_in_range(wr[i].n_seg, 1, lim->max_wr_seg);
			assert_int_equal(wr[i].remote_addr, done);
			for (unsigned s = 0; s < wr[i].n_seg; s++) {
				assert_ptr_equal(wr[i].seg[s].addr, c->mem + done + bytes);
				assert_ptr_equal(wr[i].seg[s].region, &c->region);
				assert_true(wr[i].seg[s].len_bytes > 0);
				bytes += wr[i].seg[s].len_bytes;
			}
			assert_in_range(bytes, 1, lim->max_wr_bytes);
			n_seg += wr[i].n_seg;
			done += bytes;
		}
		assert_true(n_seg <= lim->max_seg);
		assert_int_equal(done + x.left_bytes, len);
		rounds++;
	}
	assert_int_equal(done, len);
	assert_int_equal(xfer_plan(&x, FABRIC_WRITE, lim, wr, seg), 0);
	return rounds;
}

static const struct xfer_limits roomy = { MAX_WR, MAX_SEG, 8, 1u << 20 };

static void test_one_to_one(void **state)
{
	struct chains c;

	(void)state;
	make(&c, (const uint32_t[]){ 4096 }, 1, 1, (const uint32_t[]){ 8192 }, 1);
	assert_int_equal(run(&c, 4096, &roomy), 1);
	assert_int_equal(run(&c, 100, &roomy), 1);
	assert_int_equal(run(&c, 0, &roomy), 0);
}

static void test_limits_cut(void **state)
{
	struct chains c;
	struct xfer_limits lim = roomy;

	(void)state;
	make(&c, (const uint32_t[]){ 4096 }, 1, 1, (const uint32_t[]){ 1024, 1024, 1024, 1024 }, 4);
	assert_int_equal(run(&c, 4096, &lim), 1);
	lim.max_wr_seg = 1; /* iWARP's READs */
	assert_int_equal(run(&c, 4096, &lim), 1);
	lim.max_wr = 1;
	assert_int_equal(run(&c, 4096, &lim), 4);
	lim = roomy;
	lim.max_wr_bytes = 1000;
	assert_int_equal(run(&c, 4096, &lim), 1);
	lim.max_seg = 2;
	assert_true(run(&c, 4096, &lim) > 1);
}

static void test_empty_descriptors_are_skipped(void **state)
{
	struct chains c;

	(void)state;
	make(&c, (const uint32_t[]){ 0, 512, 0, 0, 512, 0 }, 6, 2, (const uint32_t[]){ 0, 700, 0, 400 }, 4);
	assert_int_equal(run(&c, 1024, &roomy), 1);
}

static void test_nothing_when_a_chain_ends(void **state)
{
	struct fabric_wr wr[MAX_WR];
	struct fabric_seg seg[MAX_SEG];
	struct xfer_limits none = roomy;
	struct chains c;
	struct xfer x;

	(void)state;
	make(&c, (const uint32_t[]){ 100 }, 1, 1, (const uint32_t[]){ 100 }, 1);
	xfer_init(&x, c.desc, c.local, 200);
	assert_int_equal(xfer_plan(&x, FABRIC_READ, &roomy, wr, seg), 1);
	assert_int_equal(x.left_bytes, 100);
	assert_int_equal(xfer_plan(&x, FABRIC_READ, &roomy, wr, seg), 0);
	none.max_wr = 0;
	xfer_init(&x, c.desc, c.local, 100);
	assert_int_equal(xfer_plan(&x, FABRIC_READ, &none, wr, seg), 0);
	assert_int_equal(x.left_bytes, 100);
}

static void test_a_copy_takes_a_round_back(void **state)
{
	struct fabric_wr a[MAX_WR], b[MAX_WR];
	struct fabric_seg sa[MAX_SEG], sb[MAX_SEG];
	struct xfer_limits lim = roomy;
	struct chains c;
	struct xfer x, before;
	uint32_t n;

	(void)state;
	lim.max_wr = 2;
	make(&c, (const uint32_t[]){ 100, 200, 300 }, 3, 1, (const uint32_t[]){ 250, 350 }, 2);
	xfer_init(&x, c.desc, c.local, 600);
	before = x;
	n = xfer_plan(&x, FABRIC_READ, &lim, a, sa);
	x = before;
	assert_int_equal(xfer_plan(&x, FABRIC_READ, &lim, b, sb), n);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(a[i].remote_addr, b[i].remote_addr);
		assert_int_equal(a[i].n_seg, b[i].n_seg);
	}
}

static void test_table_bytes(void **state)
{
	struct chains c;

	(void)state;
	make(&c, (const uint32_t[]){ UINT32_MAX, UINT32_MAX, 7 }, 3, 2, (const uint32_t[]){ 1 }, 1);
	assert_true(xfer_table_bytes(c.desc) == 2ull * UINT32_MAX + 7);
}

static uint32_t below(unsigned *seed, uint32_t n)
{
	return (uint32_t)rand_r(seed) % n;
}

/* Cuts @total into at most MAX_PIECES pieces, some of them empty. Return: pieces. */
static unsigned cut(unsigned *seed, uint32_t total, uint32_t *piece)
{
	unsigned n = 1 + below(seed, MAX_PIECES - 1);

	for (unsigned i = 0; i < n; i++) {
		piece[i] = i + 1 == n ? total : below(seed, total + 1) / (1 + below(seed, 4));
		total -= piece[i];
	}
	return n;
}

static void test_random(void **state)
{
	static struct chains c;
	unsigned seed = 42;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint32_t remote[MAX_PIECES], local[MAX_PIECES], total = 1 + below(&seed, 60000);
		unsigned n_remote = cut(&seed, total, remote), n_local = cut(&seed, total, local);
		struct xfer_limits lim = {
			.max_wr = 1 + below(&seed, MAX_WR),
			.max_seg = 1 + below(&seed, MAX_SEG),
			.max_wr_seg = 1 + below(&seed, 8),
			.max_wr_bytes = below(&seed, 2) ? 1 + below(&seed, 5000) : 1u << 30,
		};

		make(&c, remote, n_remote, 1 + below(&seed, 8), local, n_local);
		run(&c, below(&seed, 4) ? total : 1 + below(&seed, total), &lim);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_to_one),
		cmocka_unit_test(test_limits_cut),
		cmocka_unit_test(test_empty_descriptors_are_skipped),
		cmocka_unit_test(test_nothing_when_a_chain_ends),
		cmocka_unit_test(test_a_copy_takes_a_round_back),
		cmocka_unit_test(test_table_bytes),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
