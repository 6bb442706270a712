// SPDX-License-Identifier: BSD-3-Clause
/*
 * Answers of a back-end that the gateway itself reads: REPORT LUNS in a chain of blocks, and which answers are worth
 * keeping. First byte: how long blocks are (0: one block); 255: and the LUNs go on for 8 KiB, more than are taken over.
 */
#include "../../gateway/base/be.h"
#include "../../gateway/core/inventory_list.h"
#include "../../gateway/core/keep.h"
#include "../../gateway/core/lu.h"
#include "fuzz.h"

#include <string.h>

#define MOST_BLOCKS 256u
#define AND_SO_ON 255u

/* Each block is a heap copy of its own: the sanitizer sees one byte too far. */
static struct buf *make_chain(const uint8_t *data, uint32_t len, uint32_t block)
{
	struct buf *chain = calloc(MOST_BLOCKS, sizeof(*chain));
	uint32_t n = 0;

	FUZZ_CHECK(chain);
	if (block == 0 || len / block >= MOST_BLOCKS)
		block = len;
	do {
		uint32_t piece = len < block ? len : block;

		chain[n] = (struct buf){ .addr = malloc(piece ? piece : 1), .len_bytes = piece, .cap_bytes = piece };
		FUZZ_CHECK(chain[n].addr);
		if (piece)
			memcpy(chain[n].addr, data, piece);
		if (n > 0)
			chain[n - 1].next = &chain[n];
		data += piece;
		len -= piece;
		n++;
	} while (len > 0);
	return chain;
}

static void free_chain(struct buf *chain)
{
	for (struct buf *b = chain; b; b = b->next)
		free(b->addr);
	free(chain);
}

/* Where @lun is, in either form; NONE. */
#define NONE UINT32_MAX
static uint32_t find(const struct inventory_list *l, const uint8_t lun[8])
{
	uint32_t lo = 0, hi = l->n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (lu_lun_compare(l->lun[mid], lun) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n && lu_lun_compare(l->lun[lo], lun) == 0 ? lo : NONE;
}

/* Sorted, each once, nothing that was not sent, and all that was sent and can be mapped. */
static void check_list(const struct inventory_list *l, const uint8_t *data, uint32_t len)
{
	bool was_sent[INVENTORY_MAX_LUNS] = { false };
	uint32_t said = be32_at(data) / 8, n = (len - 8) / 8;

	if (n > said)
		n = said;
	FUZZ_CHECK(l->n <= INVENTORY_MAX_LUNS && l->cut == (said > INVENTORY_MAX_LUNS));
	FUZZ_CHECK(l->short_answer == (n < said && n < INVENTORY_MAX_LUNS));
	if (n > INVENTORY_MAX_LUNS)
		n = INVENTORY_MAX_LUNS;
	for (uint32_t i = 1; i < l->n; i++)
		FUZZ_CHECK(lu_lun_compare(l->lun[i - 1], l->lun[i]) < 0);
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *lun = data + 8 + 8 * (size_t)i;
		uint32_t at = find(l, lun);

		/* Well-known logical units, and "not specified". */
		FUZZ_CHECK((at == NONE) == (lun[0] == 0xc1 || lun[0] == 0xff));
		if (at != NONE && memcmp(l->lun[at], lun, 8) == 0)
			was_sent[at] = true;
	}
	for (uint32_t i = 0; i < l->n; i++)
		FUZZ_CHECK(was_sent[i]);
}

/* In another order it is the same list. */
static void check_order(const struct inventory_list *l)
{
	uint8_t (*turned)[8] = malloc(8 * (size_t)l->n + 1);
	struct inventory_list again = { .lun = NULL };

	FUZZ_CHECK(turned);
	for (uint32_t i = 0; i < l->n; i++)
		memcpy(turned[l->n - 1 - i], l->lun[i], 8);
	FUZZ_CHECK(inventory_list_set((const uint8_t(*)[8])turned, l->n, &again) == 0);
	FUZZ_CHECK(inventory_list_equal(l, &again) && !again.cut);
	inventory_list_free(&again);
	free(turned);
}

static void list(const uint8_t *data, uint32_t len, uint32_t block)
{
	struct buf *chain = make_chain(data, len, block);
	struct inventory_list l = { .lun = NULL };
	int rc = inventory_list_read(chain, len, &l);

	FUZZ_CHECK((rc == 0) == (len >= 8));
	if (rc == 0) {
		check_list(&l, data, len);
		check_order(&l);
	}
	inventory_list_free(&l);
	FUZZ_CHECK(!l.lun && l.n == 0);
	free_chain(chain);
}

/* What is worth keeping fits, and what was cut off is worth the same when it is asked for again. */
static void fit(enum keep_kind kind, uint8_t page, const uint8_t *data, uint32_t len, uint32_t alloc)
{
	bool cut = false, cut_again = false;
	uint32_t n = keep_fit(kind, page, data, len, alloc, &cut);

	FUZZ_CHECK(n <= len && n <= alloc && n <= (kind == KEEP_LUNS ? KEEP_LUNS_BYTES : KEEP_PAGE_BYTES));
	if (n == 0)
		return;
	FUZZ_CHECK(!cut || n == alloc);
	FUZZ_CHECK(keep_fit(kind, page, data, n, n, &cut_again) == n && cut_again == cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t more = size && data[0] == AND_SO_ON ? 8192 : 0, len;
	uint8_t *bytes;

	if (size < 1 || size > 16384)
		return 0;
	len = size - 1 + more;
	bytes = malloc(len ? len : 1);
	FUZZ_CHECK(bytes);
	memcpy(bytes, data + 1, size - 1);
	for (size_t i = size - 1; i < len; i++)
		bytes[i] = i < 8 ? 0 : bytes[i - 8] + (uint8_t)(i % 8 == 1);
	list(bytes, (uint32_t)len, data[0]);
	for (unsigned kind = KEEP_LUNS; kind <= KEEP_VPD; kind++) {
		uint8_t page = kind == KEEP_VPD && len > 1 ? bytes[1] : 0;

		fit((enum keep_kind)kind, page, bytes, (uint32_t)len, (uint32_t)len);
		fit((enum keep_kind)kind, page, bytes, (uint32_t)len, 36);
		fit((enum keep_kind)kind, page, bytes, (uint32_t)len, 65535);
	}
	free(bytes);
	return 0;
}
