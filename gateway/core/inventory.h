/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a back-end has, for maps that take all of it: REPORT LUNS of the gateway's own on a nexus' path, because an array may
 * show each initiator other logical units. Asked when the path comes up and when the back-end says that something
 * changed. The nexus' LUN map is made of the answer; commands that the answer decides wait for it, with an end.
 * Layer: core. Source: SPC-4 6.33 (REPORT LUNS).
 */
#ifndef CORE_INVENTORY_H
#define CORE_INVENTORY_H

#include "inventory_list.h"
#include "../rt/reactor.h"

struct io;
struct lu;
struct nexus;
struct path;
struct task;

/* How long commands wait when there is an older list that will do. */
#define INVENTORY_FRESH_MS 2000u
/* Not more often, however often the back-end says that something changed. */
#define INVENTORY_PAUSE_MS 100u
/* Pauses between attempts after an answer that was no list; doubled. */
#define INVENTORY_RETRY_MS 200u
#define INVENTORY_RETRY_MAX_MS 10000u
/* Then the command is aborted. */
#define INVENTORY_ANSWER_MS 30000u

struct inventory {
	struct path *path;
	struct inventory_list list;
	bool listed;  /* @list comes from somewhere: the back-end, what was kept, the map before */
	bool told;    /* hosts may have been told what @list says: a change is news */
	bool news;    /* @list changed, and nexus_settle() has not looked */
	bool want;    /* ask as soon as the path can */
	bool waiting; /* commands wait for the answer */
	struct io *io; /* at the bridge */
	uint64_t asked_ns;
	uint32_t retry_ms;
	struct reactor_timer ask_timer;  /* a pause before asking, or the longest wait for an answer */
	struct reactor_timer wait_timer; /* commands wait no longer */
};

/* All of the back-end of @p is mapped from now on. Return: 0 or -ENOMEM. */
int inventory_start(struct path *p) WARN_UNUSED;
/* Not any more, or the path goes. Harmless when there is none. */
void inventory_stop(struct path *p);

/* The path's state changed. */
void inventory_path_changed(struct path *p);
/*
 * The back-end says that its logical units changed; @lu: by a unit attention that its host is told there, or NULL.
 * Return: false when nobody maps them all, so that the host must be told.
 */
bool inventory_outdated(struct path *p, struct lu *lu);
/* Settle loop only; the path may take a command. */
void inventory_ask(struct path *p);

/* True when @t is to wait for an answer: its LUN may be there then, or it asks for the list. */
bool inventory_decides(const struct task *t);
/* @t is RECEIVED and stays so until nexus_settle() lets it go on. */
void inventory_hold(struct task *t);
/* Settle loop only: takes over new lists, then lets those who waited go on. */
void inventory_settle(struct nexus *n);

#endif
