/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which answers are worth keeping, and which of two says more. Pure.
 * Layer: core. Source: SPC-4 6.6.2 (ADDITIONAL LENGTH), 7.8.2 (PAGE LENGTH), 6.33 (LUN LIST LENGTH).
 */
#include "../base/be.h"
#include "keep_private.h"

#include <string.h>

#define INQUIRY_LEAST 5u
#define VPD_HEADER 4u
#define LUNS_HEADER 8u

uint64_t keep_uri_print(const char *uri)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

	for (; *uri; uri++)
		h = (h ^ (uint8_t)*uri) * 0x100000001b3u;
	return h;
}

/* The length that the answer says it has, in full; 0: it is none. */
static uint64_t full_bytes(enum keep_kind kind, uint8_t page, const uint8_t *data, uint32_t len)
{
	switch (kind) {
	case KEEP_INQUIRY:
		return len >= INQUIRY_LEAST ? INQUIRY_LEAST + (uint64_t)data[4] : 0;
	case KEEP_VPD:
		return len >= VPD_HEADER && data[1] == page ? VPD_HEADER + (uint64_t)be16_at(data + 2) : 0;
	case KEEP_LUNS:
		return len >= LUNS_HEADER && be32_at(data) % 8 == 0 ? LUNS_HEADER + (uint64_t)be32_at(data) : 0;
	default:
		return 0;
	}
}

uint32_t keep_fit(enum keep_kind kind, uint8_t page, const uint8_t *data, uint32_t len, uint32_t alloc_bytes, bool *cut)
{
	uint64_t full = full_bytes(kind, page, data, len);
	uint32_t most = kind == KEEP_LUNS ? KEEP_LUNS_BYTES : KEEP_PAGE_BYTES;

	if (full == 0 || full > most)
		return 0;
	*cut = full > alloc_bytes;
	/* Fewer bytes than it promised, and than there was room for: something is wrong with it. */
	if (len < (*cut ? alloc_bytes : full))
		return 0;
	return *cut ? alloc_bytes : (uint32_t)full;
}

bool keep_is_news(const struct keep_answer *kept, const struct keep_answer *now)
{
	uint32_t both = kept->len_bytes < now->len_bytes ? kept->len_bytes : now->len_bytes;

	if (memcmp(kept->data, now->data, both) != 0)
		return true;
	/* It begins the same. What is complete ends there; of two pieces the longer one is better. */
	return now->len_bytes > kept->len_bytes;
}

int keep_compare(const struct keep_key *a, const struct keep_key *b)
{
	int c = strcmp(a->backend, b->backend);

	if (c == 0 && a->uri_print != b->uri_print)
		c = a->uri_print < b->uri_print ? -1 : 1;
	if (c == 0)
		c = strcmp(a->initiator, b->initiator);
	if (c == 0)
		c = memcmp(a->lun, b->lun, sizeof(a->lun));
	if (c == 0)
		c = (int)a->kind - (int)b->kind;
	return c ? c : (int)a->page - (int)b->page;
}

size_t keep_search(struct keep_entry *const *entry, size_t n, const struct keep_key *key, bool *found)
{
	size_t lo = 0, hi = n;

	*found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = keep_compare(&entry[mid]->key, key);

		if (c == 0)
			*found = true;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
