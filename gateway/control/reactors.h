/* SPDX-License-Identifier: BSD-3-Clause */
/* The threads of the data path: one reactor each. Layer: control. Knows rt. */
#ifndef CONTROL_REACTORS_H
#define CONTROL_REACTORS_H

#include "../base/err.h"
#include "../rt/reactor.h"

#define REACTORS_MAX 64u

struct reactors;

/* One per processor that this process may use, at most 4. */
uint32_t reactors_default_count(void);

/* @n: 1..REACTORS_MAX. Makes the reactors, not yet the threads. Return: 0 or -errno with @e. */
int reactors_create(uint32_t n, uint32_t busy_poll_us, struct reactors **out, struct err *e) WARN_UNUSED;
/* An array of reactors_count() entries, valid until reactors_destroy(). */
struct reactor **reactors_array(struct reactors *s);
uint32_t reactors_count(const struct reactors *s);

/* Starts the threads, all signals blocked. Return: 0 or -errno with @e; then none runs. */
int reactors_start(struct reactors *s, struct err *e) WARN_UNUSED;
/* Messages sent before are still handled. Afterwards the caller owns the reactors. Harmless when none runs. */
void reactors_stop(struct reactors *s);
void reactors_destroy(struct reactors *s);

#endif
