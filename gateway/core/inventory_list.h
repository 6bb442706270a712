/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A back-end's own list of logical units: taken from REPORT LUNS parameter data, sorted, each once. Pure but for the
 * memory of the list.
 * Layer: core. Source: SPC-4 6.33 (REPORT LUNS); SAM-5 4.7 (LUN structures).
 */
#ifndef CORE_INVENTORY_LIST_H
#define CORE_INVENTORY_LIST_H

#include "../base/cleanup.h"
#include "../rt/pool.h"

/* Logical units that are taken over from one back-end, and that one nexus is given. */
#define INVENTORY_MAX_LUNS 1024u
/* What REPORT LUNS is asked for: its header and that many. */
#define INVENTORY_BYTES (8 + 8 * INVENTORY_MAX_LUNS)

struct inventory_list {
	uint8_t (*lun)[8]; /* as the back-end addresses them, in the order of lu_lun_compare(), each once */
	uint32_t n;
	bool cut;   /* the back-end has more */
	bool short_answer; /* it says more than it sent */
};

/**
 * inventory_list_read() - parameter data of REPORT LUNS.
 * @data: chain of buffers; @len_bytes: what the device server sent of it, checked against the chain by the caller.
 * @out: zeroed; freed with inventory_list_free().
 * Well-known logical units and "not specified" are left out: nobody can map them. Of two forms of one number the first
 * in order stays.
 * Return: 0; -EPROTO when it is no such data; -ENOMEM.
 */
int inventory_list_read(const struct buf *data, uint32_t len_bytes, struct inventory_list *out) WARN_UNUSED;

/* @n LUNs at @luns, in any order: copied. The limit holds for them too. Return: 0 or -ENOMEM. */
int inventory_list_set(const uint8_t (*luns)[8], size_t n, struct inventory_list *out) WARN_UNUSED;

/* The same logical units under the same addresses? */
bool inventory_list_equal(const struct inventory_list *a, const struct inventory_list *b);
void inventory_list_free(struct inventory_list *l);

#endif
