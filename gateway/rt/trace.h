/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reactor's binary trace ring: what happened lately, without text and without cost worth measuring.
 * Written by the owning reactor only; read by the owner (a message asks for a copy).
 * Layer: rt. Knows base and libc.
 */
#ifndef RT_TRACE_H
#define RT_TRACE_H

#include "../base/cleanup.h"

#include <stdint.h>

struct trace_entry {
	uint64_t at_ns;
	uint32_t kind;   /* enumerated by the writer (core/trace_kinds.h) */
	uint32_t object; /* session, channel or path number */
	uint64_t a, b;
};

struct trace_ring;

/* @n_entries: rounded up to a power of two. Return: 0 or -ENOMEM. */
int trace_ring_create(uint32_t n_entries, struct trace_ring **out) WARN_UNUSED;
void trace_ring_destroy(struct trace_ring *t);
void trace_add(struct trace_ring *t, uint64_t at_ns, uint32_t kind, uint32_t object, uint64_t a, uint64_t b);
/* Copies the newest @cap entries, oldest first. Return: number copied. */
uint32_t trace_read(const struct trace_ring *t, struct trace_entry *out, uint32_t cap);

#endif
