/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A logical unit as one I_T nexus sees it: where it is, commands that wait for their turn, fence, unit attentions of
 * the gateway's own.
 * Layer: core. Source: SAM-5.
 */
#ifndef CORE_LU_H
#define CORE_LU_H

#include "gate.h"
#include "outcome.h"
#include "ranges.h"
#include "registration.h"
#include "status.h"
#include "task.h"

struct nexus;
struct path;
struct lun_map_entry;

enum lu_ua {
	LU_UA_NEXUS_LOSS = 1,
	LU_UA_LUNS_CHANGED = 2,
	LU_UA_INQUIRY_CHANGED = 4,
	LU_UA_OWN_LOSS = 8, /* beside NEXUS_LOSS: it was the back-end's session that was lost, see attention.h */
	LU_UA_REGISTRATIONS = 16,
};

/* The task set of the LU, see order.h. */
struct order {
	uint32_t n_started;  /* left READY and have not ended, detached ios that may act among them */
	uint32_t n_barriers; /* of them: not SIMPLE */
	uint32_t n_ranked;   /* not SIMPLE, waiting or started; 0: nobody needs to look */
};

/* What a fence lets pass: everything, what fence_lets() says, nothing. */
enum lu_fence { LU_OPEN, LU_PART, LU_SHUT };

struct lu {
	struct nexus *nexus;
	struct path *path;
	struct list_node path_node; /* path->lus */
	struct list_node bucket_node; /* path->lu_buckets, by backend_lun */
	struct list_node old_node;  /* nexus->old_lus */
	uint8_t lun[8], backend_lun[8];
	bool kept;         /* scratch of nexus_build_lus() */
	bool removed;      /* not mapped any more: freed when n_users is 0 */
	bool imported;     /* from the inventory of its back-end, not from the map */
	bool luns_told;    /* its host heard from the back-end that the LUNs changed, see event_luns_changed() */
	uint32_t n_users;  /* tasks, detached ios and tmfs that point here */

	struct gate_user gate; /* of its entry in the map, see limit.h */
	struct list ready; /* tasks in READY, see order_place() */
	struct order order;
	struct list held;  /* LU_PART: tasks in READY that must wait for its end, older ones first */
	struct list_node ready_node; /* path->ready_lus, when it has such and is not shut */
	uint8_t fence;     /* enum lu_fence: of it and its twins together */
	uint32_t n_fences; /* reasons not to deliver anything, see fence.h */
	uint64_t fenced_since_ns;
	bool hazard;       /* one of them: writes of unknown fate, until the old session is proven dead */
	bool fences_all;   /* the hazard is everywhere; else it is in these blocks, of which some may belong to ... */
	struct ranges fenced; /* ... those who are held, because what follows them must not overtake them */
	uint32_t n_older;  /* of them: older LUs of this LUN that are still in use */
	struct lu *heir;   /* removed: the LU that has its LUN now */
	uint32_t block_bytes; /* of a logical block, as READ CAPACITY said; 0: not known */
	bool reserved;     /* by RESERVE of SCSI-2, as far as we saw */
	struct registration registration;
	uint8_t ua;        /* enum lu_ua, pending */

	struct io_counters io;
	bool met;          /* the back-end has answered a command */
	bool loss_told;    /* see attention.h */
	bool unsized;      /* the host was refused its capacity in an outage, see outage.h */
	struct lu *twin;   /* ring of the LUs that are the same at the back-end: the fence of one is the fence of all */
	struct time_split *time; /* NULL if memory was short */
};

struct lu *lu_create(struct nexus *n, const struct lun_map_entry *e);
/* Of the nexus' map; NULL when @lun is not mapped. */
struct lu *lu_find(const struct nexus *n, const uint8_t lun[8]);
static inline void lu_ref(struct lu *lu)
{
	lu->n_users++;
}
/* In an array sorted by lu_lun_compare(). */
struct lu *lu_search(struct lu *const *lus, size_t n, const uint8_t lun[8]);
void lu_unref(struct lu *lu);
/* Not mapped any more. May free. */
void lu_remove(struct lu *lu);
void lu_free(struct lu *lu);
/*
 * @old is removed but still in use, @heir has its LUN now, perhaps on another way to the same device: nothing is
 * delivered to @heir before @old is gone.
 */
void lu_succeed(struct lu *old, struct lu *heir);

/* Both forms of one number compare equal; what is no number comes last. */
int lu_lun_compare(const uint8_t a[8], const uint8_t b[8]);
/* Does a fence stand for it, or for another LUN of the same logical unit? */
static inline bool lu_is_fenced(const struct lu *lu)
{
	return lu->fence != LU_OPEN;
}
/* What its fence depends on has changed, see fence.c. May free a removed LU. */
void lu_fence_changed(struct lu *lu);
/* Nothing is delivered: it is shut, or its path is away. */
bool lu_is_blocked(const struct lu *lu);

/*
 * The unit attention that the next command (not INQUIRY, REPORT LUNS, REQUEST SENSE) must be told; it is cleared.
 * OUTCOME_OK: none.
 */
enum outcome lu_take_ua(struct lu *lu);

/*
 * Command @t waits here for its turn: it is new (RECEIVED), or comes back (EXECUTING, but it never left the bridge) and
 * finds its place among the others @again.
 */
void lu_ready(struct task *t, bool again);

#endif
