/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Task attributes in the ledger, see order_book.h. Its lock is the ledger's.
 */
#include "order_book.h"

#include "../../gateway/include/srpgw/bridge.h"

#include <stdio.h>
#include <stdlib.h>

void order_book_init(struct order_book *b, uint32_t n_lines)
{
	*b = (struct order_book){ .line = calloc(n_lines, sizeof(*b->line)), .n_lines = n_lines };
	if (!b->line)
		abort();
}

void order_book_free(struct order_book *b)
{
	free(b->line);
}

void order_book_sent(struct order_book *b, uint32_t cmd, uint64_t queue, uint8_t attr)
{
	b->line[cmd].queue = queue;
	b->line[cmd].attr = attr;
}

/* What forbids that @y begins now, on account of the other command of its queue; NULL: nothing. */
static const char *forbids(const struct order_line *x, bool x_is_older, const struct order_line *y)
{
	if (!x->begun)
		return NULL;
	if (!x_is_older)
		return x->attr == SRPGW_ATTR_ORDERED ? "after the younger ORDERED command" : NULL;
	if (x->ended)
		return NULL;
	if (y->attr == SRPGW_ATTR_ORDERED)
		return "as ORDERED during the older command";
	if (x->attr != SRPGW_ATTR_SIMPLE && y->attr != SRPGW_ATTR_HEAD_OF_QUEUE)
		return "during the older command that is not SIMPLE";
	return NULL;
}

bool order_book_begin(struct order_book *b, uint32_t cmd, char *why, size_t cap)
{
	struct order_line *y = &b->line[cmd];

	y->begun = true;
	if (!y->queue)
		return true;
	for (uint32_t k = 1; k < b->n_lines; k++) {
		const struct order_line *x = &b->line[k];
		const char *text;

		if (k == cmd || x->queue != y->queue)
			continue;
		b->n_checked += x->attr != SRPGW_ATTR_SIMPLE || y->attr != SRPGW_ATTR_SIMPLE;
		text = forbids(x, k < cmd, y);
		if (!text)
			continue;
		snprintf(why, cap, "order: command %u (attribute %u) begins %s %u (attribute %u)", cmd, y->attr, text, k, x->attr);
		return false;
	}
	return true;
}

void order_book_undelivered(struct order_book *b, uint32_t cmd)
{
	b->line[cmd].begun = false;
}

void order_book_end(struct order_book *b, uint32_t cmd)
{
	b->line[cmd].ended = true;
}
