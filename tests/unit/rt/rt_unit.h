/* SPDX-License-Identifier: BSD-3-Clause */
/* A reactor on a clock that the test moves, and a counter of logged lines. Tests only. */
#ifndef TESTS_UNIT_RT_RT_UNIT_H
#define TESTS_UNIT_RT_RT_UNIT_H

#include "../../../gateway/base/log.h"
#include "../../../gateway/rt/reactor.h"

#include <stdlib.h>
#include <string.h>

#include "../base/unit.h"

struct virtual_clock {
	uint64_t now_ns;
	unsigned n_read;
};

static inline uint64_t virtual_now(void *arg)
{
	struct virtual_clock *c = arg;

	c->n_read++;
	return c->now_ns;
}

static inline struct reactor *new_reactor(struct virtual_clock *c)
{
	struct reactor *r = NULL;

	assert_int_equal(reactor_create("test", &r), 0);
	if (c)
		reactor_set_clock(r, virtual_now, c);
	return r;
}

struct logged {
	unsigned n;
	char last[256];
};

static inline void note_line(void *arg, enum log_level level, const char *text)
{
	struct logged *l = arg;

	(void)level;
	l->n++;
	strncpy(l->last, text, sizeof(l->last) - 1);
}

#endif
