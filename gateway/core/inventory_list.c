/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists of logical units, see inventory_list.h.
 * Layer: core.
 */
#include "inventory_list.h"

#include "../base/be.h"
#include "chain.h"
#include "lu.h"

#include <errno.h>
#include <string.h>

enum {
	HEADER_BYTES = 8,
	LUN_BYTES = 8,
	WELL_KNOWN = 0xc1,    /* extended addressing, length 0, method 1 */
	NOT_SPECIFIED = 0xff, /* extended addressing, length 3, method Fh */
};

static bool can_be_mapped(const uint8_t lun[8])
{
	return lun[0] != WELL_KNOWN && lun[0] != NOT_SPECIFIED;
}

/* Both forms of one number are one logical unit; which of them stays must not depend on the order that they came in. */
static int compare(const void *a, const void *b)
{
	int c = lu_lun_compare(a, b);

	return c ? c : memcmp(a, b, LUN_BYTES);
}

static void sort_and_unite(struct inventory_list *l)
{
	uint32_t kept = 0;

	if (l->n == 0)
		return;
	qsort(l->lun, l->n, LUN_BYTES, compare);
	for (uint32_t i = 1; i < l->n; i++)
		if (lu_lun_compare(l->lun[kept], l->lun[i]) != 0)
			memmove(l->lun[++kept], l->lun[i], LUN_BYTES);
	l->n = kept + 1;
}

static int allocate(struct inventory_list *out, size_t n)
{
	*out = (struct inventory_list){ .lun = calloc(n + 1, LUN_BYTES) };
	return out->lun ? 0 : -ENOMEM;
}

int inventory_list_set(const uint8_t (*luns)[8], size_t n, struct inventory_list *out)
{
	bool cut = n > INVENTORY_MAX_LUNS;

	if (cut)
		n = INVENTORY_MAX_LUNS;
	if (allocate(out, n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (can_be_mapped(luns[i]))
			memcpy(out->lun[out->n++], luns[i], LUN_BYTES);
	out->cut = cut;
	sort_and_unite(out);
	return 0;
}

int inventory_list_read(const struct buf *data, uint32_t len_bytes, struct inventory_list *out)
{
	uint8_t head[HEADER_BYTES] = { 0 };
	uint64_t said, sent;

	if (len_bytes < HEADER_BYTES)
		return -EPROTO;
	chain_read(data, 0, head, sizeof(head));
	said = be32_at(head) / LUN_BYTES;
	sent = (len_bytes - HEADER_BYTES) / LUN_BYTES;
	/* LUN LIST LENGTH counts what did not fit, too. */
	if (sent > said)
		sent = said;
	if (sent > INVENTORY_MAX_LUNS)
		sent = INVENTORY_MAX_LUNS;
	if (allocate(out, sent) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < sent; i++) {
		uint8_t *lun = out->lun[out->n];

		chain_read(data, HEADER_BYTES + LUN_BYTES * i, lun, LUN_BYTES);
		out->n += can_be_mapped(lun);
	}
	out->cut = said > INVENTORY_MAX_LUNS;
	out->short_answer = sent < said && sent < INVENTORY_MAX_LUNS;
	sort_and_unite(out);
	return 0;
}

bool inventory_list_equal(const struct inventory_list *a, const struct inventory_list *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->lun, b->lun, (size_t)a->n * LUN_BYTES) == 0);
}

void inventory_list_free(struct inventory_list *l)
{
	free(l->lun);
	*l = (struct inventory_list){ .lun = NULL };
}
