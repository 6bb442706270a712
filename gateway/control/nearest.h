/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The word that somebody probably meant: edit distance over a list of known words.
 * Layer: control. Knows libc only.
 */
#ifndef CONTROL_NEAREST_H
#define CONTROL_NEAREST_H

#include <stddef.h>

/* Insertions, deletions, replacements and swaps of neighbours, case ignored; words over 63 bytes are cut. */
size_t edit_distance(const char *a, const char *b);

/* Keeps the best of the words offered so far. Start with { .wanted = word }. */
struct nearest {
	const char *wanted;
	const char *best; /* NULL while nothing was near enough */
	size_t distance;
};

/* @word is borrowed. Near enough: at most a third of the letters differ (at least one may), or one begins with the
 * other. */
void nearest_offer(struct nearest *n, const char *word);

#endif
