/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ledger of a simulated run, see ledger.h.
 */
#include "ledger.h"

#include "order_book.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HISTORY 8u

struct cmd {
	uint8_t host, disk;
	bool is_write, at_backend, delivered, landed, has_answer;
	bool between;     /* a piece of it was answered, and there are more */
	uint32_t lba, n_blocks;
	uint32_t piece_lba, piece_blocks; /* at the back-end now, or last */
	uint64_t sent_at, ended_at;
	enum cmd_end end;
	struct cmd_answer answer; /* the back-end's */
	uint8_t sense[18];
};

/* What a block held lately, newest last; since: when it landed. */
struct block {
	uint32_t n; /* landings in all */
	uint32_t cmd[HISTORY];
	uint64_t since[HISTORY];
};

struct ledger {
	pthread_mutex_t lock;
	uint64_t now; /* counts events */
	uint32_t n_cmd;
	struct cmd cmd[LEDGER_MAX_CMDS];
	struct order_book order;
	struct block *disk[LEDGER_MAX_DISKS];
	uint64_t last_delivered[LEDGER_MAX_HOSTS][LEDGER_MAX_DISKS]; /* sent_at of the youngest command delivered */
	bool allowed_asc[256], by_blocks;
	uint64_t breaches;
	char first[300];
	struct ledger_stats stats;
};

struct ledger *ledger_create(void)
{
	struct ledger *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	pthread_mutex_init(&l->lock, NULL);
	order_book_init(&l->order, LEDGER_MAX_CMDS);
	l->now = 1;
	l->n_cmd = 1; /* 0 is what a fresh disk holds */
	return l;
}

void ledger_free(struct ledger *l)
{
	for (uint32_t k = 0; k < LEDGER_MAX_DISKS; k++)
		free(l->disk[k]);
	order_book_free(&l->order);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void breach(struct ledger *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void breach(struct ledger *l, const char *fmt, ...)
{
	va_list ap;

	if (log_enabled(LOG_LEVEL_DEBUG)) {
		va_start(ap, fmt);
		log_vline(NULL, LOG_LEVEL_DEBUG, fmt, ap);
		va_end(ap);
	}
	if (l->breaches++)
		return;
	va_start(ap, fmt);
	vsnprintf(l->first, sizeof(l->first), fmt, ap);
	va_end(ap);
}

void ledger_breach(struct ledger *l, const char *fmt, ...)
{
	char text[250];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&l->lock);
	breach(l, "%s", text);
	pthread_mutex_unlock(&l->lock);
}

/* ---- content ---- */

static uint64_t word(uint32_t cmd, uint32_t lba, uint32_t k)
{
	uint64_t key = (uint64_t)cmd << 32 | lba;

	return k ? (key + k) * 0x9e3779b97f4a7c15ull : key;
}

void ledger_fill(uint32_t cmd, uint32_t lba, uint32_t n_blocks, uint8_t *out)
{
	for (uint32_t b = 0; b < n_blocks; b++) {
		for (uint32_t k = 0; k < BLOCK_BYTES / 8; k++, out += 8) {
			uint64_t v = word(cmd, lba + b, k);

			memcpy(out, &v, 8);
		}
	}
}

bool ledger_block_is(uint32_t cmd, uint32_t lba, const uint8_t block[BLOCK_BYTES])
{
	uint8_t want[BLOCK_BYTES];

	ledger_fill(cmd, lba, 1, want);
	return !memcmp(want, block, BLOCK_BYTES);
}

static struct block *block_of(struct ledger *l, uint32_t disk, uint32_t lba)
{
	if (!l->disk[disk]) {
		l->disk[disk] = calloc(DISK_BLOCKS, sizeof(struct block));
		if (!l->disk[disk])
			abort();
	}
	return &l->disk[disk][lba];
}

void ledger_block_now(struct ledger *l, uint32_t disk, uint32_t lba, uint8_t out[BLOCK_BYTES])
{
	const struct block *b;

	pthread_mutex_lock(&l->lock);
	b = block_of(l, disk, lba);
	ledger_fill(b->n ? b->cmd[(b->n - 1) % HISTORY] : 0, lba, 1, out);
	pthread_mutex_unlock(&l->lock);
}

/* ---- the host's side ---- */

uint32_t ledger_send(struct ledger *l, uint32_t host, uint32_t disk, bool is_write, uint32_t lba, uint32_t n_blocks)
{
	uint32_t id = 0;

	pthread_mutex_lock(&l->lock);
	if (l->n_cmd < LEDGER_MAX_CMDS) {
		id = l->n_cmd++;
		l->cmd[id] = (struct cmd){ .host = (uint8_t)host, .disk = (uint8_t)disk, .is_write = is_write, .lba = lba,
					   .n_blocks = n_blocks, .sent_at = ++l->now };
		l->stats.sent++;
		trace("#%u sent by host %u: %s disk %u, block %u, %u blocks", id, host, is_write ? "write" : "read", disk, lba, n_blocks);
	}
	pthread_mutex_unlock(&l->lock);
	return id;
}

void ledger_order(struct ledger *l, uint32_t id, uint64_t queue, uint8_t attr)
{
	pthread_mutex_lock(&l->lock);
	order_book_sent(&l->order, id, queue, attr);
	pthread_mutex_unlock(&l->lock);
}

/* What the gateway may answer itself. */
static bool is_gateways_own(const struct ledger *l, const struct cmd_answer *a)
{
	switch (a->status) {
	case 0x08: /* BUSY */
	case 0x28: /* TASK SET FULL */
		return true;
	case 0x02:
		return a->sense_len >= 14 && l->allowed_asc[a->sense[12]];
	default:
		return false;
	}
}

static void check_answer(struct ledger *l, uint32_t id, const struct cmd *c, const struct cmd_answer *a)
{
	const struct cmd_answer *b = &c->answer;

	if (a->has_rsp_code) {
		breach(l, "command %u was answered with response code %u", id, a->rsp_code);
		return;
	}
	if (!c->has_answer) {
		if (!is_gateways_own(l, a))
			breach(l, "command %u got status 0x%02x (sense %02x) that its back-end never gave", id, a->status,
			       a->sense_len >= 14 ? a->sense[12] : 0);
		return;
	}
	if (a->status != b->status || a->resid_under != b->resid_under || a->resid_over != b->resid_over)
		breach(l, "command %u: status 0x%02x, residual %u/%u became 0x%02x, %u/%u", id, b->status, b->resid_under,
		       b->resid_over, a->status, a->resid_under, a->resid_over);
	if (a->sense_len != b->sense_len || (b->sense_len && memcmp(a->sense, b->sense, b->sense_len)))
		breach(l, "command %u: %u bytes of sense data became other %u", id, b->sense_len, a->sense_len);
	if (c->is_write && a->status == 0 && !c->landed)
		breach(l, "write %u is GOOD but nowhere", id);
}

void ledger_end(struct ledger *l, uint32_t id, enum cmd_end how, const struct cmd_answer *a)
{
	struct cmd *c = &l->cmd[id];

	pthread_mutex_lock(&l->lock);
	if (c->end != CMD_RUNNING)
		breach(l, "command %u ended twice", id);
	c->end = how;
	order_book_end(&l->order, id);
	c->ended_at = ++l->now;
	trace("#%u ended %d, status 0x%02x", id, how, a->status);
	if (how == CMD_ANSWERED) {
		l->stats.answered++;
		l->stats.good += a->status == 0 && !a->has_rsp_code;
		check_answer(l, id, c, a);
	} else if (how == CMD_CANCELLED) {
		l->stats.cancelled++;
	} else {
		l->stats.disconnected++;
	}
	pthread_mutex_unlock(&l->lock);
}

/* Did the block hold @cmd's data at some moment since @from? */
static bool held_since(const struct block *b, uint32_t cmd, uint64_t from)
{
	uint32_t first = b->n > HISTORY ? b->n - HISTORY : 0;

	if (b->n > HISTORY && b->since[first % HISTORY] > from)
		return true; /* too long ago to tell */
	for (uint32_t k = b->n; k-- > first;) {
		if (b->cmd[k % HISTORY] == cmd)
			return true;
		if (b->since[k % HISTORY] <= from)
			return false;
	}
	return cmd == 0;
}

void ledger_check_read(struct ledger *l, uint32_t id, const uint8_t *data, uint32_t len_bytes)
{
	const struct cmd *c = &l->cmd[id];

	pthread_mutex_lock(&l->lock);
	for (uint32_t k = 0; k < len_bytes / BLOCK_BYTES; k++, data += BLOCK_BYTES) {
		uint64_t key;
		uint32_t from;

		memcpy(&key, data, 8);
		from = (uint32_t)(key >> 32);
		if (!ledger_block_is(from, c->lba + k, data)) {
			breach(l, "read %u: block %u is garbage (%016llx)", id, c->lba + k, (unsigned long long)key);
			break;
		}
		if (!held_since(block_of(l, c->disk, c->lba + k), from, c->sent_at)) {
			breach(l, "read %u: block %u holds write %u, which it did not any more", id, c->lba + k, from);
			break;
		}
	}
	pthread_mutex_unlock(&l->lock);
}

/* ---- the back-end's side ---- */

/* All of it, its first piece, or the piece after the last. */
static bool is_next_piece(const struct cmd *c, uint32_t lba, uint32_t n_blocks)
{
	uint32_t next = c->between ? c->piece_lba + c->piece_blocks : c->lba;

	return (lba == c->lba || lba == next) && n_blocks <= c->lba + c->n_blocks - lba && (n_blocks > 0 || c->n_blocks == 0);
}

void ledger_deliver(struct ledger *l, uint32_t id, uint32_t disk, bool is_write, uint32_t lba, uint32_t n_blocks)
{
	struct cmd *c = &l->cmd[id];
	char why[200];
	uint64_t *last;

	pthread_mutex_lock(&l->lock);
	if (!id || id >= l->n_cmd || c->disk != disk || c->is_write != is_write ||
	    !is_next_piece(c, lba, n_blocks)) {
		breach(l, "the bridge was given a command that no host sent: %u", id);
	} else {
		if (c->at_backend)
			breach(l, "command %u was delivered again, which it must not", id);
		if (c->between && lba == c->lba)
			order_book_undelivered(&l->order, id);
		if ((!c->between || lba == c->lba) && !order_book_begin(&l->order, id, why, sizeof(why)))
			breach(l, "%s", why);
		c->between = c->landed = false;
		c->piece_lba = lba;
		c->piece_blocks = n_blocks;
		c->at_backend = c->delivered = true;
		l->stats.delivered++;
		trace("#%u delivered", id);
		last = &l->last_delivered[c->host][disk];
		if (c->sent_at > *last)
			*last = c->sent_at;
	}
	pthread_mutex_unlock(&l->lock);
}

void ledger_stop(struct ledger *l, uint32_t id)
{
	pthread_mutex_lock(&l->lock);
	order_book_end(&l->order, id);
	pthread_mutex_unlock(&l->lock);
}

/* Was a later command of its host delivered that it must not come after? */
static bool is_overtaken(const struct ledger *l, const struct cmd *c)
{
	if (!l->by_blocks)
		return l->last_delivered[c->host][c->disk] > c->ended_at;
	for (uint32_t k = 1; k < l->n_cmd; k++) {
		const struct cmd *o = &l->cmd[k];

		if (o->host == c->host && o->disk == c->disk && o->delivered && o->sent_at > c->ended_at &&
		    o->lba < c->piece_lba + c->piece_blocks && c->piece_lba < o->lba + o->n_blocks)
			return true;
	}
	return false;
}

void ledger_land(struct ledger *l, uint32_t id)
{
	struct cmd *c = &l->cmd[id];

	pthread_mutex_lock(&l->lock);
	if (c->landed)
		breach(l, "write %u landed twice", id);
	c->landed = true;
	l->now++;
	l->stats.landed++;
	trace("#%u landed", id);
	if (c->end == CMD_ANSWERED && c->has_answer)
		breach(l, "write %u landed after its answer", id);
	if (c->end != CMD_RUNNING) {
		l->stats.late_landings++;
		if (is_overtaken(l, c))
			breach(l, "fence: write %u landed on disk %u although host %u was told that it ended (%u) and a later command was delivered",
			       id, c->disk, c->host, c->end);
	}
	for (uint32_t k = 0; k < c->piece_blocks; k++) {
		struct block *b = block_of(l, c->disk, c->piece_lba + k);

		b->cmd[b->n % HISTORY] = id;
		b->since[b->n++ % HISTORY] = l->now;
	}
	pthread_mutex_unlock(&l->lock);
}

/* What the host must hear when its command ended with a piece and @behind bytes were not asked for any more. */
static void sum_up(struct cmd_answer *a, uint32_t behind)
{
	if (behind == 0)
		return;
	a->resid_under += behind;
	a->resid_over = 0;
}

void ledger_answer(struct ledger *l, uint32_t id, enum ledger_delivery d, const struct cmd_answer *a)
{
	struct cmd *c = &l->cmd[id];
	uint32_t behind = (c->lba + c->n_blocks - c->piece_lba - c->piece_blocks) * BLOCK_BYTES;

	pthread_mutex_lock(&l->lock);
	if (!c->at_backend)
		breach(l, "the bridge answers command %u, which it does not have", id);
	trace("#%u answered by the bridge, delivery %d, status 0x%02x", id, d, a->status);
	/* A read of unknown fate may be repeated, by the gateway as well as by the host. */
	if (d == LEDGER_NEVER || (d == LEDGER_MAYBE && !c->is_write)) {
		c->at_backend = false;
		order_book_undelivered(&l->order, id);
	} else if (d == LEDGER_ANSWERED && behind > 0 && a->status == 0 && !a->resid_under && !a->resid_over) {
		c->at_backend = false;
		c->between = true;
		/* Its host is gone: the next piece may come, because the gateway need not know yet, and need not come. */
		if (c->end != CMD_RUNNING)
			order_book_end(&l->order, id);
	} else {
		order_book_end(&l->order, id);
	}
	if (d == LEDGER_ANSWERED && !c->between) {
		c->has_answer = true;
		c->answer = *a;
		sum_up(&c->answer, behind);
		if (a->sense_len) {
			memcpy(c->sense, a->sense, a->sense_len < sizeof(c->sense) ? a->sense_len : sizeof(c->sense));
			c->answer.sense = c->sense;
		}
	}
	pthread_mutex_unlock(&l->lock);
}

void ledger_allow_asc(struct ledger *l, uint8_t asc)
{
	l->allowed_asc[asc] = true;
}

void ledger_by_blocks(struct ledger *l)
{
	l->by_blocks = true;
}

uint64_t ledger_breaches(const struct ledger *l)
{
	return l->breaches;
}

const char *ledger_first_breach(const struct ledger *l)
{
	return l->first;
}

void ledger_stats(const struct ledger *l, struct ledger_stats *out)
{
	*out = l->stats;
	out->order_checks = l->order.n_checked;
}
