/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Big-endian wire integers as byte arrays: a missing conversion or an unaligned load does not compile.
 * Layer: base. Knows libc only.
 */
#ifndef BASE_BE_H
#define BASE_BE_H

#include <stdint.h>

struct be16 { uint8_t b[2]; };
struct be32 { uint8_t b[4]; };
struct be64 { uint8_t b[8]; };

static inline uint16_t be16_get(struct be16 v)
{
	return (uint16_t)(v.b[0] << 8 | v.b[1]);
}

static inline uint32_t be32_get(struct be32 v)
{
	return (uint32_t)v.b[0] << 24 | (uint32_t)v.b[1] << 16 | (uint32_t)v.b[2] << 8 | v.b[3];
}

static inline uint64_t be64_get(struct be64 v)
{
	uint64_t x = 0;

	for (int i = 0; i < 8; i++)
		x = x << 8 | v.b[i];
	return x;
}

static inline struct be16 be16_make(uint16_t x)
{
	return (struct be16){ { (uint8_t)(x >> 8), (uint8_t)x } };
}

static inline struct be32 be32_make(uint32_t x)
{
	return (struct be32){ { (uint8_t)(x >> 24), (uint8_t)(x >> 16), (uint8_t)(x >> 8), (uint8_t)x } };
}

static inline struct be64 be64_make(uint64_t x)
{
	struct be64 v;

	for (int i = 7; i >= 0; i--, x >>= 8)
		v.b[i] = (uint8_t)x;
	return v;
}

/* Within data that has no structure of its own: CDBs, parameter lists. @p: that many bytes, of any alignment. */
static inline uint16_t be16_at(const uint8_t *p)
{
	return be16_get((struct be16){ { p[0], p[1] } });
}

static inline uint32_t be32_at(const uint8_t *p)
{
	return be32_get((struct be32){ { p[0], p[1], p[2], p[3] } });
}

static inline void be32_put(uint8_t *p, uint32_t x)
{
	p[0] = (uint8_t)(x >> 24);
	p[1] = (uint8_t)(x >> 16);
	p[2] = (uint8_t)(x >> 8);
	p[3] = (uint8_t)x;
}

#endif
