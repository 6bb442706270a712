/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes of a command's buffer, which is a chain of blocks, by their offset. For the few commands whose data the gateway
 * makes or looks at. Layer: core.
 */
#ifndef CORE_CHAIN_H
#define CORE_CHAIN_H

#include "../rt/pool.h"

/* Copies @len bytes at offset @off of @chain, as far as it reaches. */
void chain_read(const struct buf *chain, uint32_t off, void *to, uint32_t len);
void chain_write(const struct buf *chain, uint32_t off, const void *from, uint32_t len);
/* The same within the chain, to an offset that is not larger. */
void chain_move(const struct buf *chain, uint32_t to, uint32_t from, uint32_t len);

#endif
