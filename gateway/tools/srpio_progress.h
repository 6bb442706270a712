/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A progress bar on standard error, where that is a terminal or by request.
 * Layer: tools. Knows base and rt.
 */
#ifndef TOOLS_SRPIO_PROGRESS_H
#define TOOLS_SRPIO_PROGRESS_H

#include "../rt/reactor.h"

#include <stddef.h>

struct srpio_progress {
	struct reactor *reactor;
	const char *what; /* "read" */
	uint64_t total_bytes, done_bytes; /* total 0: not known */
	uint64_t start_ns;
	struct reactor_timer timer;
	bool on, terminal, stays;
	unsigned n_quarters; /* told, where there is no terminal */
};

void srpio_progress_start(struct srpio_progress *p, struct reactor *r, const char *what, uint64_t total_bytes, bool quiet);
/* After the start: shows it also where standard error is no terminal, a line for each quarter, and leaves the full bar behind. */
void srpio_progress_stay(struct srpio_progress *p);
/* Wipes the line, or draws it for the last time. */
void srpio_progress_end(struct srpio_progress *p);

/* The line without control characters. Pure. Return: @out. */
const char *srpio_progress_text(const char *what, uint64_t done_bytes, uint64_t total_bytes, uint64_t elapsed_ns, char *out,
				size_t cap);
/* "12.3 MiB". Return: @out. */
const char *srpio_bytes_text(double bytes, char *out, size_t cap);

#endif
