/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A block: magic(8) seed(8) offset(8) generation(4) length(4), filler, CRC-32C(4) of all before it; big-endian.
 * Layer: tools.
 */
#include "srpio_pattern.h"

#include "../base/be.h"

#include <stdio.h>
#include <string.h>

struct header {
	char magic[8];
	struct be64 seed, offset;
	struct be32 generation, length;
};

static const char magic[8] = { 'S', 'R', 'P', 'I', 'O', 'P', 'A', 'T' };

uint32_t srpio_crc32c(const void *buf, size_t len)
{
	static uint32_t table[256];
	const uint8_t *p = buf;
	uint32_t crc = ~0u;

	if (!table[1])
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t v = i;

			for (int bit = 0; bit < 8; bit++)
				v = v >> 1 ^ (v & 1 ? 0x82f63b78u : 0);
			table[i] = v;
		}
	while (len--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
	return ~crc;
}

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

void srpio_pattern_fill(uint8_t *block, size_t len, uint64_t seed, uint32_t generation, uint64_t offset_bytes)
{
	struct header h = {
		.seed = be64_make(seed),
		.offset = be64_make(offset_bytes),
		.generation = be32_make(generation),
		.length = be32_make((uint32_t)len),
	};
	uint64_t state = mix(seed ^ mix(offset_bytes ^ mix(generation)));
	size_t at = sizeof(h);
	struct be32 crc;

	memcpy(h.magic, magic, sizeof(magic));
	memcpy(block, &h, sizeof(h));
	for (; at + sizeof(crc) < len; at++) {
		if (at % 8 == 0)
			state = mix(state);
		block[at] = (uint8_t)(state >> at % 8 * 8);
	}
	crc = be32_make(srpio_crc32c(block, len - sizeof(crc)));
	memcpy(block + len - sizeof(crc), &crc, sizeof(crc));
}

static bool all_zero(const uint8_t *p, size_t len)
{
	while (len && !*p) {
		p++;
		len--;
	}
	return !len;
}

static void diagnose(const uint8_t *block, size_t len, uint64_t seed, uint32_t generation, uint64_t offset_bytes, char *why,
		     size_t cap)
{
	struct header h;
	struct be32 crc;
	bool whole;

	memcpy(&h, block, sizeof(h));
	memcpy(&crc, block + len - sizeof(crc), sizeof(crc));
	whole = be32_get(crc) == srpio_crc32c(block, len - sizeof(crc));
	if (memcmp(h.magic, magic, sizeof(magic)) != 0)
		snprintf(why, cap, "%s", all_zero(block, len) ? "it is all zeros" : "no verify run wrote it");
	else if (!whole)
		snprintf(why, cap, "its CRC does not match: it is torn or damaged");
	else if (be64_get(h.seed) != seed)
		snprintf(why, cap, "seed %llu wrote it, not %llu", (unsigned long long)be64_get(h.seed),
			 (unsigned long long)seed);
	else if (be64_get(h.offset) != offset_bytes)
		snprintf(why, cap, "it is the block of byte %llu: a transfer went astray",
			 (unsigned long long)be64_get(h.offset));
	else if (be32_get(h.generation) != generation)
		snprintf(why, cap, "generation %u wrote it, not %u", be32_get(h.generation), generation);
	else
		snprintf(why, cap, "it was written with blocks of %u bytes", be32_get(h.length));
}

bool srpio_pattern_check(const uint8_t *block, size_t len, uint64_t seed, uint32_t generation, uint64_t offset_bytes,
			 char *why, size_t cap)
{
	struct header h;
	struct be32 crc;

	memcpy(&h, block, sizeof(h));
	memcpy(&crc, block + len - sizeof(crc), sizeof(crc));
	if (memcmp(h.magic, magic, sizeof(magic)) == 0 && be64_get(h.seed) == seed && be64_get(h.offset) == offset_bytes &&
	    be32_get(h.generation) == generation && be32_get(h.length) == len &&
	    be32_get(crc) == srpio_crc32c(block, len - sizeof(crc)))
		return true;
	diagnose(block, len, seed, generation, offset_bytes, why, cap);
	return false;
}
