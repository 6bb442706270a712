/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The store behind keep.h and the sets that shards look into.
 * Layer: core.
 */
#ifndef CORE_KEEP_PRIVATE_H
#define CORE_KEEP_PRIVATE_H

#include "../base/list.h"
#include "../rt/reactor.h"
#include "keep.h"

struct shard;

/* One answer; immutable. Counted by control: the store, and each set that holds it. */
struct keep_entry {
	uint32_t n_refs;
	struct keep_key key; /* its strings lie behind the data */
	struct keep_answer answer;
	uint8_t bytes[];
};

/* The store as it was at one moment, sorted. Freed when the last shard has a newer one. */
struct keep_set {
	struct list_node node; /* keep->sets */
	struct keep *keep;
	uint32_t n_users;
	size_t n;
	struct keep_entry **entry;
	struct keep_use {
		struct keep_set *set;
		struct shard *shard;
		struct reactor_msg msg; /* to the shard; and back when it has a newer one */
	} use[];
};

/* What one back-end takes up. */
struct keep_share {
	struct list_node node;
	size_t bytes;
	bool told; /* that it has no more room */
	char name[];
};

/* Control's. */
struct keep {
	struct core *core;
	struct keep_entry **entry; /* sorted by keep_compare() */
	size_t n, cap, bytes;
	struct list shares, sets;
	struct reactor_timer publish;
	uint64_t published_ns;
	bool told; /* that there is no more room for back-ends that have nothing here */
	void (*changed)(void *arg);
	void *arg;
};

/* On its way from a shard to control, and back to be counted. */
struct keep_note {
	struct reactor_msg msg;
	struct shard *shard;
	struct keep_entry *entry;
};

/* Pure. */
int keep_compare(const struct keep_key *a, const struct keep_key *b);
/* Where @key is, or would be. @found: whether it is. */
size_t keep_search(struct keep_entry *const *entry, size_t n, const struct keep_key *key, bool *found);
/* Does @now say something that @kept does not? Pure. */
bool keep_is_news(const struct keep_answer *kept, const struct keep_answer *now);
struct keep_entry *keep_entry_new(const struct keep_key *key, const struct keep_answer *a);

int keep_init(struct core *c);
void keep_free(struct core *c);
/* A note has arrived at control. */
void keep_note_arrived(struct reactor_msg *msg);
/* A note is back at its shard. */
void keep_note_back(struct reactor_msg *msg);
/* A set has arrived at its shard. */
void keep_take_set(struct reactor_msg *msg);
/* A set is back from a shard. */
void keep_set_back(struct reactor_msg *msg);

#endif
