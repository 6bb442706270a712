/* SPDX-License-Identifier: BSD-3-Clause */
/* The word that somebody probably meant, see nearest.h. Layer: control. Knows libc only. */
#include "nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 63u
#define PREFIX_MIN 4u

static size_t min2(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int fold(char c)
{
	return tolower((unsigned char)c);
}

/* Optimal string alignment; three rows are enough. */
size_t edit_distance(const char *a, const char *b)
{
	size_t na = strnlen(a, WORD_MAX), nb = strnlen(b, WORD_MAX);
	size_t row[3][WORD_MAX + 1];

	for (size_t j = 0; j <= nb; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t cost = fold(a[i - 1]) != fold(b[j - 1]);

			now[j] = min2(min2(up[j] + 1, now[j - 1] + 1), up[j - 1] + cost);
			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) && fold(a[i - 2]) == fold(b[j - 1]))
				now[j] = min2(now[j], up2[j - 2] + 1);
		}
	}
	return row[na % 3][nb];
}

/* One is the beginning of the other: "secret" and "secret_file". */
static bool begins_alike(const char *a, const char *b)
{
	size_t na = strnlen(a, WORD_MAX), nb = strnlen(b, WORD_MAX), n = na < nb ? na : nb;

	return n >= PREFIX_MIN && strncasecmp(a, b, n) == 0;
}

void nearest_offer(struct nearest *n, const char *word)
{
	size_t d = edit_distance(n->wanted, word);
	size_t limit = strnlen(n->wanted, WORD_MAX) / 3;

	if (!limit)
		limit = 1;
	if (d > limit && begins_alike(n->wanted, word))
		d = limit;
	if (d > limit || d >= strnlen(n->wanted, WORD_MAX)) /* something of the word must be left */
		return;
	if (!n->best || d < n->distance) {
		n->best = word;
		n->distance = d;
	}
}
