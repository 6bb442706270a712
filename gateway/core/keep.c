/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The store of what back-ends told, and its immutable copies for the shards. Control only, see keep.h.
 * Layer: core.
 */
#include "../base/log.h"
#include "core_private.h"
#include "keep_private.h"

#include <errno.h>
#include <string.h>

#define INQUIRY_NORMACA_AT 3u
#define INQUIRY_NORMACA 0x20u
#define INQUIRY_QUALIFIER 0xe0u
#define INQUIRY_NAMES_AT 8u /* vendor, product and revision follow */

/* ---- entries ---- */

static size_t entry_bytes(const struct keep_key *key, uint32_t len)
{
	return sizeof(struct keep_entry) + len + strlen(key->backend) + strlen(key->initiator) + 2;
}

struct keep_entry *keep_entry_new(const struct keep_key *key, const struct keep_answer *a)
{
	size_t backend_bytes = strlen(key->backend) + 1, initiator_bytes = strlen(key->initiator) + 1;
	struct keep_entry *e = malloc(entry_bytes(key, a->len_bytes));
	char *names;

	if (!e)
		return NULL;
	*e = (struct keep_entry){ .n_refs = 1, .key = *key, .answer = *a };
	memcpy(e->bytes, a->data, a->len_bytes);
	e->answer.data = e->bytes;
	names = (char *)e->bytes + a->len_bytes;
	memcpy(names, key->backend, backend_bytes);
	memcpy(names + backend_bytes, key->initiator, initiator_bytes);
	e->key.backend = names;
	e->key.initiator = names + backend_bytes;
	/* There is never an ACA, whoever was told otherwise: see aca.h. */
	if (key->kind == KEEP_INQUIRY && a->len_bytes > INQUIRY_NORMACA_AT)
		e->bytes[INQUIRY_NORMACA_AT] &= (uint8_t)~INQUIRY_NORMACA;
	return e;
}

static void entry_unref(struct keep_entry *e)
{
	if (--e->n_refs == 0)
		free(e);
}

/* ---- shares ---- */

static struct keep_share *share_of(struct keep *k, const char *name)
{
	size_t bytes = strlen(name) + 1;
	struct keep_share *s;

	list_for_each (pos, &k->shares) {
		s = list_entry(pos, struct keep_share, node);
		if (strcmp(s->name, name) == 0)
			return s;
	}
	s = calloc(1, sizeof(*s) + bytes);
	if (!s)
		return NULL;
	memcpy(s->name, name, bytes);
	list_push_back(&k->shares, &s->node);
	return s;
}

static void drop_empty(struct keep_share *s)
{
	if (s->bytes > 0)
		return;
	list_del(&s->node);
	free(s);
}

static void pay_back(struct keep *k, const struct keep_entry *e)
{
	struct keep_share *s = share_of(k, e->key.backend);
	size_t bytes = entry_bytes(&e->key, e->answer.len_bytes);

	k->bytes -= bytes;
	if (!s)
		return;
	s->bytes -= bytes;
	drop_empty(s);
}

/* ---- the store ---- */

static void drop(struct keep *k, size_t at)
{
	struct keep_entry *e = k->entry[at];

	memmove(&k->entry[at], &k->entry[at + 1], (k->n - at - 1) * sizeof(struct keep_entry *));
	k->n--;
	pay_back(k, e);
	entry_unref(e);
}

static bool is_configured(const struct core *c, const struct keep_key *key)
{
	const struct map *m = core_map(c);

	for (size_t i = 0; m && i < m->n_backend; i++)
		if (strcmp(m->backend[i]->name, key->backend) == 0 &&
		    keep_uri_print(m->backend[i]->uri) == key->uri_print)
			return true;
	return false;
}

/* What is kept of back-ends that the configuration no longer names. */
static void prune(struct keep *k)
{
	for (size_t i = k->n; i-- > 0 && core_map(k->core);)
		if (!is_configured(k->core, &k->entry[i]->key))
			drop(k, i);
}

static bool fits(const struct keep *k, const struct keep_share *s, size_t bytes)
{
	return k->n < KEEP_MOST_ANSWERS && k->bytes + bytes <= KEEP_TOTAL_BYTES &&
	       s->bytes + bytes <= KEEP_BACKEND_BYTES;
}

/* Said once for each back-end that has something here, and once for all others. */
static void no_room(struct keep *k, struct keep_share *s)
{
	bool *told = s->bytes > 0 ? &s->told : &k->told;

	if (!*told)
		log_warn("back-end %s: there is no room for more of its INQUIRY data; hosts that ask for it while the "
			 "back-end is away have to wait",
			 s->name);
	*told = true;
}

/* @out: its share, which has at least this entry then. */
static int make_room(struct keep *k, const struct keep_entry *e, struct keep_share **out)
{
	size_t bytes = entry_bytes(&e->key, e->answer.len_bytes), cap = k->cap ? 2 * k->cap : 64;
	struct keep_share *s = share_of(k, e->key.backend);
	struct keep_entry **grown = NULL;
	bool fit;

	if (s && !fits(k, s, bytes)) {
		prune(k);
		s = share_of(k, e->key.backend);
	}
	if (!s)
		return -ENOMEM;
	fit = fits(k, s, bytes);
	if (!fit)
		no_room(k, s);
	else if (k->n == k->cap)
		grown = realloc(k->entry, cap * sizeof(struct keep_entry *));
	if (grown) {
		k->entry = grown;
		k->cap = cap;
	}
	if (fit && k->n < k->cap) {
		*out = s;
		return 0;
	}
	drop_empty(s);
	return fit ? -ENOMEM : -ENOSPC;
}

static bool same_unit(const struct keep_key *a, const struct keep_key *b)
{
	return a->uri_print == b->uri_print && memcmp(a->lun, b->lun, sizeof(a->lun)) == 0 &&
	       strcmp(a->backend, b->backend) == 0 && strcmp(a->initiator, b->initiator) == 0;
}

/* @e took the place of @old: does it tell of another logical unit, or of none? */
static bool is_other_unit(const struct keep_answer *old, const struct keep_entry *e)
{
	uint32_t both = old->len_bytes < e->answer.len_bytes ? old->len_bytes : e->answer.len_bytes;

	if (e->key.kind != KEEP_INQUIRY)
		return false;
	return (e->bytes[0] & INQUIRY_QUALIFIER) ||
	       (both > INQUIRY_NAMES_AT &&
		memcmp(old->data + INQUIRY_NAMES_AT, e->bytes + INQUIRY_NAMES_AT, both - INQUIRY_NAMES_AT) != 0);
}

/* The pages of the logical unit of @at; they stand behind its INQUIRY. */
static void drop_pages(struct keep *k, size_t at)
{
	while (at + 1 < k->n && k->entry[at + 1]->key.kind == KEEP_VPD &&
	       same_unit(&k->entry[at]->key, &k->entry[at + 1]->key))
		drop(k, at + 1);
}

/* Takes @e. Return: 0 when it is kept now, 1 when it is no news. */
static int insert(struct keep *k, struct keep_entry *e)
{
	struct keep_share *s;
	bool found, other = false;
	size_t at = keep_search(k->entry, k->n, &e->key, &found);
	int rc;

	if (found && !keep_is_news(&k->entry[at]->answer, &e->answer)) {
		entry_unref(e);
		return 1;
	}
	if (found) {
		other = is_other_unit(&k->entry[at]->answer, e);
		if (other)
			drop_pages(k, at);
		drop(k, at);
	}
	rc = make_room(k, e, &s);
	if (rc < 0) {
		entry_unref(e);
		return rc;
	}
	/* prune() may have moved it. */
	at = keep_search(k->entry, k->n, &e->key, &found);
	memmove(&k->entry[at + 1], &k->entry[at], (k->n - at) * sizeof(struct keep_entry *));
	k->entry[at] = e;
	k->n++;
	k->bytes += entry_bytes(&e->key, e->answer.len_bytes);
	s->bytes += entry_bytes(&e->key, e->answer.len_bytes);
	return 0;
}

/* ---- sets ---- */

static void set_free(struct keep_set *set)
{
	list_del(&set->node);
	for (size_t i = 0; i < set->n; i++)
		entry_unref(set->entry[i]);
	free(set->entry);
	free(set);
}

void keep_set_back(struct reactor_msg *msg)
{
	struct keep_set *set = container_of(msg, struct keep_use, msg)->set;

	if (--set->n_users == 0)
		set_free(set);
}

/* Without memory the shards keep what they have, until the next change. */
static void publish(struct keep *k)
{
	struct core *c = k->core;
	struct keep_set *set = calloc(1, sizeof(*set) + c->n_shards * sizeof(set->use[0]));

	if (!set)
		return;
	/* One more than needed, so that it is no allocation of nothing. */
	set->entry = calloc(k->n + 1, sizeof(struct keep_entry *));
	if (!set->entry) {
		free(set);
		return;
	}
	set->keep = k;
	set->n = k->n;
	for (size_t i = 0; i < k->n; i++) {
		set->entry[i] = k->entry[i];
		set->entry[i]->n_refs++;
	}
	list_push_back(&k->sets, &set->node);
	set->n_users = c->n_shards;
	for (uint32_t i = 0; i < c->n_shards; i++) {
		set->use[i].set = set;
		set->use[i].shard = c->shard[i];
		set->use[i].msg.fn = keep_take_set;
		reactor_send(c->shard[i]->reactor, &set->use[i].msg);
	}
	k->published_ns = reactor_now_ns(c->control);
}

static void publish_fired(struct reactor_timer *t)
{
	publish(container_of(t, struct keep, publish));
}

/* At once, but not more often than every KEEP_PUBLISH_MS: a host's scan asks for many pages. */
static void publish_soon(struct keep *k)
{
	uint64_t due_ns = k->published_ns + KEEP_PUBLISH_MS * NS_PER_MS;

	if (timer_armed(&k->publish))
		return;
	timer_arm(k->core->control, &k->publish, k->published_ns ? due_ns : 0);
}

/* ---- for the shards and for control ---- */

void keep_note_arrived(struct reactor_msg *msg)
{
	struct keep_note *n = container_of(msg, struct keep_note, msg);
	struct keep *k = n->shard->core->keep;
	int rc = insert(k, n->entry);

	n->entry = NULL;
	n->msg.fn = keep_note_back;
	reactor_send(n->shard->reactor, &n->msg);
	if (rc != 0)
		return;
	publish_soon(k);
	if (k->changed)
		k->changed(k->arg);
}

int core_keep_add(struct core *c, const struct keep_key *key, const uint8_t *data, uint32_t len)
{
	static const uint8_t no_lun[8];
	struct keep_answer a = { .data = data };
	struct keep_entry *e;
	int rc;

	if (key->kind > KEEP_VPD || (key->kind != KEEP_VPD && key->page != 0) ||
	    (key->kind == KEEP_LUNS && memcmp(key->lun, no_lun, sizeof(no_lun)) != 0) || !key->backend[0] ||
	    !key->initiator[0] || strlen(key->backend) >= KEEP_NAME_BYTES || strlen(key->initiator) >= KEEP_NAME_BYTES)
		return -EINVAL;
	/* Whether it was cut is seen from its length fields. */
	a.len_bytes = keep_fit((enum keep_kind)key->kind, key->page, data, len, len, &a.cut);
	if (a.len_bytes != len || len == 0)
		return -EINVAL;
	e = keep_entry_new(key, &a);
	if (!e)
		return -ENOMEM;
	rc = insert(c->keep, e);
	if (rc == 0)
		publish_soon(c->keep);
	return rc < 0 ? rc : 0;
}

void core_keep_for_each(struct core *c, void (*fn)(void *arg, const struct keep_key *key, const struct keep_answer *a),
			void *arg)
{
	const struct keep *k = c->keep;

	for (size_t i = 0; i < k->n; i++)
		if (is_configured(c, &k->entry[i]->key))
			fn(arg, &k->entry[i]->key, &k->entry[i]->answer);
}

void core_keep_watch(struct core *c, void (*fn)(void *arg), void *arg)
{
	c->keep->changed = fn;
	c->keep->arg = arg;
}

int keep_init(struct core *c)
{
	struct keep *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->core = c;
	list_init(&k->shares);
	list_init(&k->sets);
	timer_init(&k->publish, publish_fired);
	c->keep = k;
	return 0;
}

void keep_free(struct core *c)
{
	struct keep *k = c->keep;

	if (!k)
		return;
	timer_cancel(c->control, &k->publish);
	list_for_each_safe (pos, &k->sets)
		set_free(list_entry(pos, struct keep_set, node));
	while (k->n > 0)
		drop(k, k->n - 1);
	list_for_each_safe (pos, &k->shares) {
		list_del(pos);
		free(list_entry(pos, struct keep_share, node));
	}
	free(k->entry);
	free(k);
	c->keep = NULL;
}
