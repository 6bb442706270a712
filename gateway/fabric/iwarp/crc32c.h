/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CRC32C (Castagnoli, reflected 0x82f63b78), as MPA uses it (RFC 5044 4.4, RFC 3720 B.4). Any thread.
 * Layer: fabric/iwarp, pure. Knows libc only.
 */
#ifndef FABRIC_IWARP_CRC32C_H
#define FABRIC_IWARP_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRC32C_INIT 0xffffffffu

/* Running state over more bytes; begin with CRC32C_INIT. Uses the machine's instruction where there is one. */
uint32_t crc32c_update(uint32_t state, const void *data, size_t len_bytes);
/* The same without that instruction. */
uint32_t crc32c_update_portable(uint32_t state, const void *data, size_t len_bytes);
/* The value that goes to the wire (least significant byte first). */
static inline uint32_t crc32c_final(uint32_t state)
{
	return ~state;
}
/* True where crc32c_update() uses an instruction. */
bool crc32c_is_fast(void);

#endif
