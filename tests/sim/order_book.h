/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ledger's page on task attributes: in which order commands may begin at the device. Commands are compared when they were sent on
 * the same channel to the same logical unit, because only then does the host's order reach the gateway for certain; older means
 * a smaller number. Rules:
 *  - nothing begins after a younger ORDERED command has begun;
 *  - an ORDERED command begins when all older ones that have begun have ended;
 *  - nothing but HEAD OF QUEUE begins while an older command that is not SIMPLE is at the device.
 * A command has ended when the device answered or ended it, or when its host was told so (then the fence's rule looks after it).
 */
#ifndef TESTS_SIM_ORDER_BOOK_H
#define TESTS_SIM_ORDER_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct order_book {
	struct order_line {
		uint64_t queue; /* which channel and logical unit; 0: not known, not compared */
		uint8_t attr;   /* enum srpgw_task_attr */
		bool begun;     /* the bridge was given it, and it did not come back undelivered */
		bool ended;
	} *line;
	uint32_t n_lines;
	uint64_t n_checked; /* pairs that a rule was applied to */
};

void order_book_init(struct order_book *b, uint32_t n_lines);
void order_book_free(struct order_book *b);
void order_book_sent(struct order_book *b, uint32_t cmd, uint64_t queue, uint8_t attr);
/* Return: false with one line in @why when it may not begin now. */
bool order_book_begin(struct order_book *b, uint32_t cmd, char *why, size_t cap);
void order_book_undelivered(struct order_book *b, uint32_t cmd);
void order_book_end(struct order_book *b, uint32_t cmd);

#endif
