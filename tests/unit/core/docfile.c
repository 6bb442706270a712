/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Documents made from tables, see docfile.h.
 */
#include "docfile.h"

#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void docfile_check(const char *path, const char *text)
{
	static char have[65536];
	FILE *f;
	size_t n;

	if (getenv("UPDATE_DOCS")) {
		f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
		assert_int_equal(fclose(f), 0);
	}
	f = fopen(path, "r");
	if (!f)
		fail_msg("cannot read %s: run the test from the top of the tree", path);
	n = fread(have, 1, sizeof(have) - 1, f);
	fclose(f);
	have[n] = 0;
	if (strcmp(have, text) != 0)
		fail_msg("%s is not what the code says: run this test with UPDATE_DOCS=1", path);
}
