/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pattern of `verify`: every block says where it belongs, which run wrote it, and carries a CRC, so that a wrong block
 * tells what happened to it. Pure.
 * Layer: tools. Knows base.
 */
#ifndef TOOLS_SRPIO_PATTERN_H
#define TOOLS_SRPIO_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SRPIO_PATTERN_MIN_BYTES 64u

/* CRC-32C (Castagnoli), as RFC 7143 and RFC 5044 use it. */
uint32_t srpio_crc32c(const void *buf, size_t len);

/* One block of @len bytes (at least SRPIO_PATTERN_MIN_BYTES) at byte @offset of the unit. */
void srpio_pattern_fill(uint8_t *block, size_t len, uint64_t seed, uint32_t generation, uint64_t offset_bytes);

/*
 * Return: true when the block is what srpio_pattern_fill() makes. False: @why says what it is instead: an older
 * generation, another place's block (a misdirected transfer), torn, or nothing of ours.
 */
bool srpio_pattern_check(const uint8_t *block, size_t len, uint64_t seed, uint32_t generation, uint64_t offset_bytes,
			 char *why, size_t cap);

#endif
