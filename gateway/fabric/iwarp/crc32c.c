/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CRC32C, see crc32c.h: three interleaved streams of the SSE 4.2 instruction, whose results are joined by tables that
 * move a state over a known number of zero bytes; elsewhere eight table look-ups per eight bytes.
 * Layer: fabric/iwarp, pure.
 */
#include "crc32c.h"

#include <string.h>

#define POLY 0x82f63b78u
#define LONG_BYTES ((size_t)2048)
#define SHORT_BYTES ((size_t)256)

/* slice[k][b]: state after byte b and k zero bytes. */
static uint32_t slice[8][256];
/* shift[k][b]: b in byte k of a state, moved over that many zero bytes. */
static uint32_t shift_long[4][256], shift_short[4][256];
static bool fast;

static void make_slices(void)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t c = b;

		for (int i = 0; i < 8; i++)
			c = c & 1 ? c >> 1 ^ POLY : c >> 1;
		slice[0][b] = c;
	}
	for (uint32_t b = 0; b < 256; b++)
		for (int k = 1; k < 8; k++)
			slice[k][b] = slice[k - 1][b] >> 8 ^ slice[0][slice[k - 1][b] & 0xff];
}

/* Moving a state over zeros is linear: the images of the 32 bits give those of all values. */
static void make_shift(uint32_t shift[4][256], size_t n_zeros)
{
	uint32_t image[32];

	for (unsigned bit = 0; bit < 32; bit++) {
		uint32_t c = 1u << bit;

		for (size_t i = 0; i < n_zeros; i++)
			c = c >> 8 ^ slice[0][c & 0xff];
		image[bit] = c;
	}
	for (unsigned k = 0; k < 4; k++) {
		for (uint32_t b = 0; b < 256; b++) {
			uint32_t c = 0;

			for (unsigned bit = 0; bit < 8; bit++)
				c ^= b >> bit & 1 ? image[8 * k + bit] : 0;
			shift[k][b] = c;
		}
	}
}

__attribute__((constructor)) static void crc32c_init(void)
{
	make_slices();
	make_shift(shift_long, LONG_BYTES);
	make_shift(shift_short, SHORT_BYTES);
#ifdef __x86_64__
	__builtin_cpu_init();
	fast = __builtin_cpu_supports("sse4.2");
#endif
}

bool crc32c_is_fast(void)
{
	return fast;
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t load32_le(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t crc32c_update_portable(uint32_t state, const void *data, size_t len_bytes)
{
	const uint8_t *p = data;
	uint32_t c = state;
	size_t n = len_bytes;

	for (; n >= 8; n -= 8, p += 8) {
		uint32_t lo = c ^ load32_le(p), hi = load32_le(p + 4);

		c = slice[7][lo & 0xff] ^ slice[6][lo >> 8 & 0xff] ^ slice[5][lo >> 16 & 0xff] ^ slice[4][lo >> 24] ^
		    slice[3][hi & 0xff] ^ slice[2][hi >> 8 & 0xff] ^ slice[1][hi >> 16 & 0xff] ^ slice[0][hi >> 24];
	}
	for (; n; n--, p++)
		c = c >> 8 ^ slice[0][(c ^ *p) & 0xff];
	return c;
}

#ifdef __x86_64__
static uint32_t move(uint32_t shift[4][256], uint32_t c)
{
	return shift[0][c & 0xff] ^ shift[1][c >> 8 & 0xff] ^ shift[2][c >> 16 & 0xff] ^ shift[3][c >> 24];
}

/* Three blocks of @len bytes side by side: the instruction takes three cycles, but one can start in each. */
__attribute__((target("sse4.2"))) static uint32_t three_blocks(uint32_t c, const uint8_t *p, size_t len,
								uint32_t shift[4][256])
{
	uint64_t a = c, b = 0, d = 0;

	for (size_t i = 0; i < len; i += 8) {
		a = __builtin_ia32_crc32di(a, load64(p + i));
		b = __builtin_ia32_crc32di(b, load64(p + len + i));
		d = __builtin_ia32_crc32di(d, load64(p + 2 * len + i));
	}
	return move(shift, move(shift, (uint32_t)a) ^ (uint32_t)b) ^ (uint32_t)d;
}

__attribute__((target("sse4.2"))) static uint32_t update_sse42(uint32_t c, const uint8_t *p, size_t n)
{
	uint64_t c64;

	for (; n >= 3 * LONG_BYTES; n -= 3 * LONG_BYTES, p += 3 * LONG_BYTES)
		c = three_blocks(c, p, LONG_BYTES, shift_long);
	for (; n >= 3 * SHORT_BYTES; n -= 3 * SHORT_BYTES, p += 3 * SHORT_BYTES)
		c = three_blocks(c, p, SHORT_BYTES, shift_short);
	c64 = c;
	for (; n >= 8; n -= 8, p += 8)
		c64 = __builtin_ia32_crc32di(c64, load64(p));
	c = (uint32_t)c64;
	for (; n; n--, p++)
		c = __builtin_ia32_crc32qi(c, *p);
	return c;
}
#endif

uint32_t crc32c_update(uint32_t state, const void *data, size_t len_bytes)
{
#ifdef __x86_64__
	if (fast)
		return update_sse42(state, data, len_bytes);
#endif
	return crc32c_update_portable(state, data, len_bytes);
}
