/* SPDX-License-Identifier: BSD-3-Clause */
/* srpgwctl: aligned tables and numbers for people. Layer: tools. Knows libc only. */
#ifndef TOOLS_SRPGWCTL_TABLE_H
#define TOOLS_SRPGWCTL_TABLE_H

#include "../base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 16

/* Zero-initialized; the first row is the heading. A column whose cells are all numbers is aligned right. */
struct table {
	size_t n_columns; /* of the widest row */
	size_t n_cells, cap;
	struct table_cell {
		char *text;
		bool starts_row;
	} * cell;
	bool failed; /* out of memory: table_print() says so */
};

/* Begins a row; then one table_cell() per column. */
void table_row(struct table *t);
void table_cell(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Prints rows with two blanks between columns. Return: 0 or -ENOMEM. */
int table_print(const struct table *t, FILE *out) WARN_UNUSED;
void table_free(struct table *t);

#define UNITS_STRLEN 24
/* "0 B", "4.0 KiB", "1.5 TiB" */
const char *units_bytes(uint64_t bytes, char buf[UNITS_STRLEN]);
/* "-" for 0, "850 ns", "12.5 us", "3.2 ms", "1.0 s" */
const char *units_ns(uint64_t ns, char buf[UNITS_STRLEN]);
/* "12 s", "3 min", "5 h 12 min", "4 d 3 h" */
const char *units_age_ms(uint64_t ms, char buf[UNITS_STRLEN]);
/* "1234", "1.2 M" above a million */
const char *units_count(uint64_t n, char buf[UNITS_STRLEN]);

#endif
