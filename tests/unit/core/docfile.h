/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Documents that are made from tables of the code: the tests hold them equal.
 */
#ifndef TESTS_UNIT_CORE_DOCFILE_H
#define TESTS_UNIT_CORE_DOCFILE_H

/* Fails unless file @path (from the top of the tree) holds @text. With UPDATE_DOCS in the environment, writes it. */
void docfile_check(const char *path, const char *text);

#endif
