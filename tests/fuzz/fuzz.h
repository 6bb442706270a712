/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every fuzzer shares. A fuzzer is tests/fuzz/fuzz_NAME.c and one line FUZZ_LIBS_NAME in module.mk.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer's entry: @data is a heap copy of exactly @size bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold for every input. */
#define FUZZ_CHECK(cond)                                                             \
	do {                                                                         \
		if (!(cond)) {                                                       \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);    \
			abort();                                                     \
		}                                                                    \
	} while (0)

/* Reads every byte, so that the sanitizer sees what was lent. Return: something that depends on all of them. */
static inline unsigned fuzz_touch(const uint8_t *p, size_t len)
{
	volatile unsigned sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += p[i];
	return sum;
}

#endif
