/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An I_T nexus on its reactor: channels, tasks, logical units, and a path to each back-end behind them. It lives as
 * long as it has channels or waiting logins, lingers as configured, and is freed when its paths are detached.
 * Layer: core. Source: SAM-5 I_T nexus; SRP r16a.
 */
#ifndef CORE_NEXUS_H
#define CORE_NEXUS_H

#include "gate.h"
#include "key.h"
#include "outcome.h"
#include "shard.h"
#include "task.h"

struct channel;
struct login;

#define NEXUS_TAG_BUCKETS 256u

struct nexus {
	struct list_node node;       /* shard->nexuses */
	struct list_node dirty_node; /* shard->dirty_nexuses */
	struct shard *shard;
	struct nexus_key key;
	struct fabric_addr peer; /* whose host it is */
	char peer_text[FABRIC_ADDR_STRLEN];
	uint32_t id; /* of the session, over all shards */
	const struct target_conf *target;   /* in shard->map */
	const struct initiator_group *group;
	uint64_t since_ns;

	struct list channels; /* of any state but DISCONNECTED */
	struct list logins;   /* struct login: wait to be admitted, oldest first */
	uint32_t n_channels;
	bool replacing;  /* the first login waits for the channels to end */
	bool had_channels, lost; /* lost: all channels of a nexus that had some are gone */
	uint64_t lost_serial;    /* tasks up to this one began before the last loss */
	bool ending;     /* no linger: detach and go (kick, drain, unmapped) */
	bool lingering;  /* no channels; linger timer armed, or paths detaching */
	bool letting_go; /* paths are not wanted any more */
	uint64_t lost_ns; /* since when it lingers */
	struct reactor_timer linger_timer;

	struct list tasks;  /* oldest first */
	uint32_t n_tasks;   /* of them */
	struct list tags[NEXUS_TAG_BUCKETS];
	uint32_t n_dying;   /* tasks with a cause, whose RDMA is not done */
	struct list tmfs;   /* task management that is not settled, oldest first */

	struct lu **lu; /* sorted as the group's LUN map */
	size_t n_lu;
	bool event; /* a unit attention that an AER_REQ is to tell, beside the next command; see event.h */
	struct list old_lus;  /* not mapped any more, still in use */
	struct list undecided; /* tasks in RECEIVED that an inventory decides, see inventory.h; oldest first */
	struct list paths;
	uint32_t n_detached;
	struct gate gate; /* what it may do, see limit.h */
	struct gate_side gate_side;
	uint64_t quota_bytes;
	uint32_t quota_ios;

	struct io_counters io;
	struct time_split *time;
	uint64_t tmf_total, tmf_timeout_total, logins_total;
	struct reactor_msg gone; /* to control, with the memory */
	struct port_entry *entry; /* control's: opaque here */
};

/* Return: NULL when memory is short or the map admits the initiator no longer (@why). */
struct nexus *nexus_create(struct shard *s, const struct nexus_key *key, const struct fabric_addr *peer,
			   enum outcome *why);
struct nexus *nexus_find(struct shard *s, const struct nexus_key *key);

/* A login for it came from control: admits it now or when the channels that it replaces are gone. */
void nexus_login(struct nexus *n, struct login *l);

/* Ends all channels, refuses waiting logins, and lets the nexus go without linger. */
void nexus_end(struct nexus *n, enum outcome why);

/* Ends all channels and refuses waiting logins; then it lingers as usual. */
void nexus_disconnect(struct nexus *n, enum outcome why);

/* Something that decides its life changed: nexus_settle() runs when the shard settles. */
void nexus_mark(struct nexus *n);
/* Settle loop only; may free @n. */
void nexus_settle(struct nexus *n);

/* A live task of that tag, or NULL. */
struct task *nexus_find_tag(struct nexus *n, uint64_t tag);
void nexus_add_tag(struct nexus *n, struct task *t);


/* Control, when it has counted the nexus out: frees it. */
void nexus_free(struct nexus *n);
/* core_destroy(): frees it with all that a drain had to give up. */
void nexus_abandon(struct nexus *n);

#endif
