/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A shard's view of what is kept: the set that it was given last, and notes to control.
 * Layer: core.
 */
#include "../base/be.h"
#include "chain.h"
#include "io.h"
#include "keep_private.h"
#include "lu.h"
#include "path.h"
#include "shard.h"
#include "task.h"

#include <string.h>

#define INQUIRY_EVPD 0x01u

static struct keep_key key_of(const struct path *p, const uint8_t lun[8], enum keep_kind kind, uint8_t page)
{
	struct keep_key k = {
		.backend = p->backend->name,
		.uri_print = keep_uri_print(p->backend->uri),
		.initiator = p->identity.initiator_name,
		.kind = (uint8_t)kind,
		.page = page,
	};

	if (kind != KEEP_LUNS)
		memcpy(k.lun, lun, sizeof(k.lun));
	return k;
}

static const struct keep_entry *look_up(const struct shard *s, const struct keep_key *key)
{
	size_t at;
	bool found;

	if (!s->kept)
		return NULL;
	at = keep_search(s->kept->entry, s->kept->n, key, &found);
	return found ? s->kept->entry[at] : NULL;
}

void keep_take_set(struct reactor_msg *msg)
{
	struct keep_use *u = container_of(msg, struct keep_use, msg);
	struct shard *s = u->shard;
	struct keep_set *old = s->kept;

	s->kept = u->set;
	if (!old)
		return;
	old->use[s->index].msg.fn = keep_set_back;
	reactor_send(s->control, &old->use[s->index].msg);
}

/* ---- notes ---- */

void keep_note_back(struct reactor_msg *msg)
{
	struct keep_note *n = container_of(msg, struct keep_note, msg);

	n->shard->n_keep_notes--;
	free(n);
}

static void send_note(struct shard *s, const struct keep_key *key, const struct keep_answer *a)
{
	struct keep_note *n;

	if (s->dead || s->n_keep_notes >= KEEP_SHARD_NOTES)
		return;
	n = calloc(1, sizeof(*n));
	if (!n)
		return;
	n->entry = keep_entry_new(key, a);
	if (!n->entry) {
		free(n);
		return;
	}
	n->shard = s;
	n->msg.fn = keep_note_arrived;
	s->n_keep_notes++;
	reactor_send(s->control, &n->msg);
}

void keep_note(const struct path *p, const uint8_t lun[8], enum keep_kind kind, uint8_t page, const uint8_t *data,
	       uint32_t len, uint32_t alloc_bytes)
{
	struct keep_key key = key_of(p, lun, kind, page);
	struct keep_answer a = { .data = data };
	const struct keep_entry *kept;

	a.len_bytes = keep_fit(kind, page, data, len, alloc_bytes, &a.cut);
	if (a.len_bytes == 0)
		return;
	kept = look_up(p->shard, &key);
	if (!kept || keep_is_news(&kept->answer, &a))
		send_note(p->shard, &key, &a);
}

/* A request with reserved or obsolete bits is not for us to judge. */
static bool is_plain(const uint8_t *cdb)
{
	return cdb[1] == INQUIRY_EVPD || (cdb[1] == 0 && cdb[2] == 0);
}

static enum keep_kind kind_of(const uint8_t *cdb)
{
	return cdb[1] == INQUIRY_EVPD ? KEEP_VPD : KEEP_INQUIRY;
}

/* The host's buffer is a limit as well. */
static uint32_t alloc_of(const struct task *t)
{
	uint32_t alloc = be16_at(t->cdb + 3), room = t->dir == SRPGW_DIR_IN ? t->data_len : 0;

	return alloc < room ? alloc : room;
}

void keep_note_inquiry(const struct task *t, uint32_t len)
{
	uint8_t data[KEEP_PAGE_BYTES];

	if (!is_plain(t->cdb))
		return;
	if (len > sizeof(data))
		len = sizeof(data);
	chain_read(t->io->data, 0, data, len);
	keep_note(t->lu->path, t->lu->backend_lun, kind_of(t->cdb), t->cdb[2], data, len, alloc_of(t));
}

/* ---- answers ---- */

bool keep_find(const struct path *p, const uint8_t lun[8], enum keep_kind kind, uint8_t page, uint32_t alloc_bytes,
	       struct keep_answer *out)
{
	struct keep_key key = key_of(p, lun, kind, page);
	const struct keep_entry *kept = look_up(p->shard, &key);

	if (!kept || (kept->answer.cut && alloc_bytes > kept->answer.len_bytes))
		return false;
	*out = kept->answer;
	return true;
}

bool keep_find_inquiry(const struct task *t, struct keep_answer *out)
{
	return is_plain(t->cdb) &&
	       keep_find(t->lu->path, t->lu->backend_lun, kind_of(t->cdb), t->cdb[2], alloc_of(t), out);
}
