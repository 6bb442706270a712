/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * READs and WRITEs that are larger than a back-end takes at a time: carried in pieces, one after the other, as one task.
 * The host is told the limit by the Block Limits VPD page, and may leave it.
 * Layer: core. Source: SBC-4 5 (READ, WRITE, WRITE AND VERIFY), 5.20, 5.21 (READ CAPACITY), 6.6.4 (Block Limits).
 */
#ifndef CORE_SPLIT_H
#define CORE_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

struct io;
struct task;

/* How far a command is that goes in pieces; in its io. */
struct split {
	uint32_t total_bytes; /* 0: in one piece */
	uint32_t done_bytes;  /* in pieces that were carried out */
	uint32_t wire_block;  /* bytes that travel per logical block: the block, with protection information if asked for */
	uint8_t form;         /* index of its operation code's form */
};

/* Does the back-end take @t, whole or in pieces? */
bool split_admits(const struct task *t);
/* @io is about to go to the bridge, from its beginning: makes it the first piece if it must. */
void split_begin(struct io *io);
/*
 * A piece was answered. Return: true: @io is the next piece now, to be handed over. False: what io->pub says is of the whole
 * command, as far as it went.
 */
bool split_next(struct io *io);

/* @len bytes of data-in came for @t, an INQUIRY or another command that was GOOD: what the host or the gateway must know of it. */
void split_tell_limit(struct task *t, uint32_t len);
void split_note_capacity(const struct task *t, uint32_t len);

#endif
