/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asking a back-end for its logical units, see inventory.h.
 * Layer: core.
 */
#include "inventory.h"

#include "../base/be.h"
#include "../base/log.h"
#include "chain.h"
#include "channel.h"
#include "event.h"
#include "io.h"
#include "keep.h"
#include "lu.h"
#include "nexus.h"
#include "nexus_map.h"
#include "path.h"

#include <errno.h>
#include <string.h>

enum {
	REPORT_LUNS_CDB = 12,
	ALLOCATION_LENGTH_AT = 6,
};

static struct shard *shard_of(const struct inventory *inv)
{
	return inv->path->shard;
}

/* ---- who waits ---- */

static void wait_ms(struct inventory *inv, uint32_t ms)
{
	inv->waiting = true;
	timer_arm_in(shard_of(inv)->reactor, &inv->wait_timer, ms * NS_PER_MS);
}

static void stop_waiting(struct inventory *inv)
{
	if (!inv->waiting)
		return;
	inv->waiting = false;
	timer_cancel(shard_of(inv)->reactor, &inv->wait_timer);
	nexus_mark(inv->path->nexus);
}

/* Hosts are told what is known; what comes later is news for them. */
static void wait_over(struct reactor_timer *timer)
{
	struct inventory *inv = container_of(timer, struct inventory, wait_timer);
	struct shard *s = shard_of(inv);

	shard_enter(s);
	stop_waiting(inv);
	inv->told = true;
	shard_leave(s);
}

static uint32_t fresh_ms(const struct path *p)
{
	return p->backend->hold_ms < INVENTORY_FRESH_MS ? p->backend->hold_ms : INVENTORY_FRESH_MS;
}

static bool is_awaited(const struct nexus *n)
{
	list_for_each(pos, &n->paths) {
		const struct path *p = list_entry(pos, struct path, node);

		if (p->inventory && p->inventory->waiting)
			return true;
	}
	return false;
}

bool inventory_decides(const struct task *t)
{
	return (!t->lu || t->cdb[0] == SCSI_OP_REPORT_LUNS) && is_awaited(t->nexus);
}

void inventory_hold(struct task *t)
{
	list_push_back(&t->nexus->undecided, &t->node);
}

/* ---- asking ---- */

static void ask_later(struct inventory *inv, uint32_t ms)
{
	inv->want = true;
	timer_arm_in(shard_of(inv)->reactor, &inv->ask_timer, ms * NS_PER_MS);
}

static void ask_fired(struct reactor_timer *timer)
{
	struct inventory *inv = container_of(timer, struct inventory, ask_timer);
	struct path *p = inv->path;
	struct shard *s = p->shard;

	shard_enter(s);
	if (inv->io && p->state == PATH_UP) {
		log_warn("session %u: back-end %s does not answer REPORT LUNS; it is aborted", p->nexus->id,
			 p->backend->name);
		p->backend->bridge->abort(p->session, &inv->io->pub);
	}
	path_mark(p);
	shard_leave(s);
}

static void retry(struct inventory *inv)
{
	ask_later(inv, inv->retry_ms);
	inv->retry_ms = inv->retry_ms < INVENTORY_RETRY_MAX_MS / 2 ? inv->retry_ms * 2 : INVENTORY_RETRY_MAX_MS;
}

static void ask_now(struct inventory *inv)
{
	uint64_t now_ns = shard_now_ns(shard_of(inv)), next_ns = inv->asked_ns + INVENTORY_PAUSE_MS * NS_PER_MS;

	inv->want = true;
	/* What it answers now may be the older list: it is asked again then. */
	if (inv->io)
		return;
	if (inv->asked_ns && now_ns < next_ns) {
		timer_arm(shard_of(inv)->reactor, &inv->ask_timer, next_ns);
		return;
	}
	timer_cancel(shard_of(inv)->reactor, &inv->ask_timer);
	path_mark(inv->path);
}

/* The unit attentions that passed were about nothing that the map shows. */
static void forget_told(const struct path *p)
{
	list_for_each(pos, &p->lus)
		list_entry(pos, struct lu, path_node)->luns_told = false;
}

static void take_over(struct inventory *inv, struct inventory_list *list)
{
	const struct path *p = inv->path;

	if (list->cut)
		log_warn("session %u: back-end %s has more than %u logical units; the others are not mapped", p->nexus->id,
			 p->backend->name, INVENTORY_MAX_LUNS);
	else if (list->short_answer)
		log_warn("session %u: back-end %s announces more logical units than it names", p->nexus->id,
			 p->backend->name);
	inv->retry_ms = INVENTORY_RETRY_MS;
	if (inv->listed && inventory_list_equal(&inv->list, list)) {
		inventory_list_free(list);
		forget_told(p);
	} else {
		inventory_list_free(&inv->list);
		inv->list = *list;
		inv->news = true;
	}
	inv->listed = true;
	nexus_mark(p->nexus);
	if (inv->want)
		ask_now(inv);
	else
		stop_waiting(inv);
}

static const uint8_t lun_0[8];

/* For the next login that finds the back-end away. */
static void keep(const struct path *p, const struct buf *data, uint32_t len)
{
	uint8_t *copy = len > 0 ? malloc(len) : NULL;

	if (!copy)
		return;
	chain_read(data, 0, copy, len);
	keep_note(p, lun_0, KEEP_LUNS, 0, copy, len, INVENTORY_BYTES);
	free(copy);
}

static uint32_t moved_bytes(const struct srpgw_io *pub)
{
	if (pub->resid_kind != SRPGW_RESID_UNDER)
		return INVENTORY_BYTES;
	return pub->resid < INVENTORY_BYTES ? INVENTORY_BYTES - pub->resid : 0;
}

/* The answer was no list. */
static void refused(struct inventory *inv, const struct srpgw_io *pub)
{
	const struct path *p = inv->path;
	struct inventory_list list = { .lun = NULL };
	struct scsi_sense sense = { 0, 0, 0 };

	if (pub->status != SCSI_CHECK_CONDITION || !scsi_sense_parse(pub->sense, pub->sense_len, &sense)) {
		retry(inv);
		return;
	}
	/* SPC-4 6.33: who has more than LUN 0 supports the command. */
	if (sense.key == SCSI_ILLEGAL_REQUEST && inventory_list_set(&lun_0, 1, &list) == 0) {
		take_over(inv, &list);
		return;
	}
	if (sense.key != SCSI_UNIT_ATTENTION)
		log_warn("session %u: back-end %s refuses REPORT LUNS (%x/%02x/%02x); trying again", p->nexus->id,
			 p->backend->name, sense.key, sense.asc, sense.ascq);
	retry(inv);
}

static void answered(struct io *io)
{
	struct path *p = io->path;
	struct inventory *inv = p->inventory;
	struct inventory_list list = { .lun = NULL };
	int rc;

	/* Stopped meanwhile, or begun anew. */
	if (!inv || inv->io != io)
		return;
	inv->io = NULL;
	timer_cancel(p->shard->reactor, &inv->ask_timer);
	if (io->pub.delivery != SRPGW_DELIVERY_ANSWERED) {
		retry(inv);
	} else if (io->pub.status != SCSI_GOOD) {
		refused(inv, &io->pub);
	} else {
		rc = inventory_list_read(io->data, moved_bytes(&io->pub), &list);
		if (rc == 0) {
			keep(p, io->data, moved_bytes(&io->pub));
			take_over(inv, &list);
		} else {
			log_warn("session %u: back-end %s: the answer to REPORT LUNS cannot be used (%s)", p->nexus->id,
				 p->backend->name, rc == -ENOMEM ? "out of memory" : "too short");
			retry(inv);
		}
	}
}

void inventory_ask(struct path *p)
{
	struct inventory *inv = p->inventory;
	struct io *io;

	if (!inv->want || inv->io || timer_armed(&inv->ask_timer))
		return;
	io = io_acquire_probe(p, INVENTORY_BYTES, answered);
	if (!io) {
		ask_later(inv, INVENTORY_PAUSE_MS);
		return;
	}
	inv->want = false;
	inv->io = io;
	inv->asked_ns = shard_now_ns(p->shard);
	timer_arm_in(p->shard->reactor, &inv->ask_timer, INVENTORY_ANSWER_MS * NS_PER_MS);
	io->cdb[0] = SCSI_OP_REPORT_LUNS;
	be32_put(io->cdb + ALLOCATION_LENGTH_AT, INVENTORY_BYTES);
	io->pub.cdb_len = REPORT_LUNS_CDB;
	path_submit_probe(io);
}

void inventory_path_changed(struct path *p)
{
	struct inventory *inv = p->inventory;

	if (!inv)
		return;
	if (p->state == PATH_UP) {
		inv->retry_ms = INVENTORY_RETRY_MS;
		if (inv->listed)
			wait_ms(inv, fresh_ms(p));
		ask_now(inv);
	} else if (p->state != PATH_ATTACHING && inv->listed) {
		/* Who comes now is told what was there last. */
		inv->told = true;
		stop_waiting(inv);
	}
}

bool inventory_outdated(struct path *p, struct lu *lu)
{
	struct inventory *inv = p->inventory;

	if (!inv)
		return false;
	if (lu)
		lu->luns_told = true;
	if (!inv->waiting)
		wait_ms(inv, fresh_ms(p));
	ask_now(inv);
	return true;
}

/* ---- life ---- */

/* What the nexus has of this back-end already, under the back-end's own numbers: a reload need not take it away first. */
static int inherit(struct inventory *inv)
{
	const struct nexus *n = inv->path->nexus;
	uint8_t (*luns)[8] = calloc(n->n_lu + 1, sizeof(*luns));
	size_t k = 0;
	int rc;

	if (!luns)
		return -ENOMEM;
	for (size_t i = 0; i < n->n_lu; i++)
		if (n->lu[i]->path == inv->path && scsi_lun_equal(n->lu[i]->lun, n->lu[i]->backend_lun))
			memcpy(luns[k++], n->lu[i]->backend_lun, sizeof(*luns));
	rc = inventory_list_set((const uint8_t(*)[8])luns, k, &inv->list);
	free(luns);
	inv->listed = inv->told = rc == 0 && k > 0;
	return rc;
}

/* What the same initiator was told by the back-end when it was last there. */
static int recall(struct inventory *inv)
{
	struct keep_answer kept;
	struct buf data = { .next = NULL };
	int rc;

	if (!keep_find(inv->path, lun_0, KEEP_LUNS, 0, INVENTORY_BYTES, &kept))
		return 0;
	data.addr = (uint8_t *)(uintptr_t)kept.data;
	data.len_bytes = kept.len_bytes < INVENTORY_BYTES ? kept.len_bytes : INVENTORY_BYTES;
	inventory_list_free(&inv->list);
	rc = inventory_list_read(&data, data.len_bytes, &inv->list);
	inv->listed = rc == 0;
	return rc == -ENOMEM ? rc : 0;
}

int inventory_start(struct path *p)
{
	struct inventory *inv;

	if (p->inventory)
		return 0;
	inv = calloc(1, sizeof(*inv));
	if (!inv)
		return -ENOMEM;
	inv->path = p;
	inv->retry_ms = INVENTORY_RETRY_MS;
	timer_init(&inv->ask_timer, ask_fired);
	timer_init(&inv->wait_timer, wait_over);
	if (inherit(inv) < 0 || (!inv->listed && recall(inv) < 0)) {
		inventory_list_free(&inv->list);
		free(inv);
		return -ENOMEM;
	}
	/* A host that is there already had another map before. */
	inv->told = inv->told || p->nexus->logins_total > 0;
	p->inventory = inv;
	wait_ms(inv, inv->listed ? fresh_ms(p) : p->backend->hold_ms);
	inventory_path_changed(p);
	return 0;
}

void inventory_stop(struct path *p)
{
	struct inventory *inv = p->inventory;

	if (!inv)
		return;
	p->inventory = NULL;
	timer_cancel(p->shard->reactor, &inv->ask_timer);
	timer_cancel(p->shard->reactor, &inv->wait_timer);
	inventory_list_free(&inv->list);
	free(inv);
}

/* ---- the nexus ---- */

/* Return: whether a list changed; @told: and hosts may know what it was before. */
static bool take_news(struct nexus *n, bool *told)
{
	bool news = false;

	list_for_each(pos, &n->paths) {
		struct inventory *inv = list_entry(pos, struct path, node)->inventory;

		if (!inv || !inv->news)
			continue;
		news = true;
		*told = *told || inv->told;
		inv->news = false;
		inv->told = true;
	}
	return news;
}

void inventory_settle(struct nexus *n)
{
	struct list_node *pos;
	bool told = false;

	if (take_news(n, &told))
		nexus_remap(n, told);
	while (!is_awaited(n) && (pos = list_first(&n->undecided)))
		command_dispatch(list_entry(pos, struct task, node));
}
