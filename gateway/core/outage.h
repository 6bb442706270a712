/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What hosts see while a path is away: who waits for it and how long, and what they are told then.
 *
 * An outage begins when the path is not up any more, or is up and silent; it ends when the path is up and speaks. Until
 * it is as old as the back-end's hold_ms, commands wait, each at most hold_ms. From then on it is declared, and the
 * policy after_hold decides:
 *  - busy: what only asks is answered NOT READY, target port in unavailable state, at once; the rest waits
 *    OUTAGE_PAUSE_MS more (or hold_ms, if less) and is answered BUSY, which hosts repeat for minutes;
 *  - fail: everything is answered NOT READY at once;
 *  - disconnect: as soon as a command waits, the channels of the nexus end; a login waits OUTAGE_LOGIN_MS for the path
 *    and is refused then.
 * A path that was never up is declared for those who only ask after OUTAGE_FIRST_MS already: that is a host that looks
 * what is there, and neither its scan nor its logout shall wait for a back-end that may never come.
 *
 * Why 04/0C, and not "in process of becoming ready": Linux (6.1, sd_spinup_disk) polls a disk that is becoming ready
 * for 100 s, which neither a scan nor a logout survives; at 04/03, 04/0B and 04/0C it stops at once. 04/03 asks for a
 * person, and multipath takes 04/0B for a standby path that it may activate. The host then has a disk without a
 * capacity. It reads that again at INQUIRY DATA HAS CHANGED, which such a host is told with its first command after the
 * outage; multipath's path checker sends one by itself.
 *
 * A flush (SYNCHRONIZE CACHE of everything) waits at most OUTAGE_FLUSH_MS, wherever it is, and is answered NOT READY,
 * in process of becoming ready: Linux repeats that of a file system for minutes (ACTION_DELAYED_RETRY), while the one
 * that it sends at logout itself fails at once, after three tries. Those behind it wait OUTAGE_FLUSH_PAUSE_MS only, so
 * that a logout from many logical units takes no longer. At the back-end it may act later all the same: that harms
 * nobody. Layer: core. Source: SAM-5 5.3.1; SPC-4 4.5.6.
 */
#ifndef CORE_OUTAGE_H
#define CORE_OUTAGE_H

#include "../rt/reactor.h"
#include "outcome.h"

#include <stdbool.h>
#include <stdint.h>

struct nexus;
struct path;
struct task;

#define OUTAGE_SILENT_MS 2000u	    /* how old a silence is when a bridge tells it */
#define OUTAGE_SILENT_MOST_MS 5000u /* a silent session is given up after hold_ms, but not before */
#define OUTAGE_FIRST_MS 5000u
#define OUTAGE_PAUSE_MS 1000u
#define OUTAGE_FLUSH_MS 3000u
#define OUTAGE_FLUSH_PAUSE_MS 50u
#define OUTAGE_LOGIN_MS 3000u

/* Part of a path. */
struct outage {
	bool away, silent;
	uint64_t since_ns;	    /* while away */
	struct reactor_timer timer; /* the next time when somebody has waited long enough */
};

void outage_init(struct path *p);
void outage_stop(struct path *p);
/* The path's state changed: an outage may begin or end. */
void outage_update(struct path *p);
/* The bridge says that the back-end is silent, or speaks again. */
void outage_silence(struct path *p, bool silent);
/* How long it has been away, in milliseconds; 0: it is not. */
uint64_t outage_ms(const struct path *p);

/* What a command that just came must be told at once; OUTCOME_OK: it may wait. */
enum outcome outage_judge(struct task *t);
/* Is REQUEST SENSE to be told that the logical unit is not ready? */
bool outage_is_declared(const struct path *p);
/* Starts the clock of @t, which goes to READY, if it has none: see task->hold_until_ns. */
void outage_hold(struct task *t);
/* @t waits in READY, and its LU is blocked. */
void outage_wait(struct task *t);
/* The same for all that wait in blocked LUs. */
void outage_wait_all(struct path *p);

/* May the nexus take logins? OUTCOME_OK with @wait: not yet, nexus_settle() runs again in time. */
enum outcome outage_admits(struct nexus *n, bool *wait);

#endif
