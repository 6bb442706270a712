/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One target portal group: a session, its logical units, what each of them is. One command after the other, because a
 * person waits and not a host. Layer: tools. Source: SPC-4 6.33, 6.6; SBC-3 5.15, 5.16.
 */
#include "srpgwctl_discover.h"

#include "../rt/reactor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	LIST_BYTES = 8 + 8 * DISCOVER_MAX_LUNS,
	INQUIRY_BYTES = 96,
	CAPACITY_10_BYTES = 8,
	CAPACITY_16_BYTES = 32,
	TYPE_DISK = 0x00,
	TRIES = 12,     /* a new session has a unit attention or two for each logical unit */
	PAUSE_MS = 100, /* before a busy device is asked again */
};

struct scan {
	struct reactor *reactor;
	const struct srpgw_bridge *bridge;
	struct srpgw_bridge_target *target;
	struct discover_path path;
	struct discover_io *io;
	void *scratch;
	uint64_t deadline_ns;
	uint8_t data[LIST_BYTES];
	char error[400];
};

static void on_alarm(struct reactor_timer *t)
{
	(void)t;
}

/* Runs the reactor until @flag or @other, or the time is over. */
static bool run_until(struct scan *s, const bool *flag, const bool *other, uint64_t until_ns)
{
	struct reactor_timer alarm;
	bool late;

	memset(&alarm, 0, sizeof(alarm));
	timer_init(&alarm, on_alarm);
	timer_arm(s->reactor, &alarm, until_ns);
	while (!*flag && !(other && *other) && reactor_now_ns(s->reactor) < until_ns)
		reactor_poll(s->reactor, -1);
	late = !*flag && !(other && *other);
	timer_cancel(s->reactor, &alarm);
	return !late;
}

/* ---- commands ---- */

/* Sends @cdb to @lun. Return: bytes of s->data that came, or -1 with s->error. */
static int32_t once(struct scan *s, const uint8_t lun[8], const uint8_t cdb[SRPIO_CDB_LEN], uint32_t len)
{
	static const bool never;
	struct srpgw_io *pub = &s->io->pub;

	/* One that was not answered in time still has it all. */
	if (pub->struct_size && !s->io->done)
		return -1;
	memset(s->io, 0, sizeof(*s->io));
	memset(s->data, 0, len);
	s->io->iov = (struct iovec){ .iov_base = s->data, .iov_len = len };
	*pub = (struct srpgw_io){
		.struct_size = sizeof(*pub),
		.dir = SRPGW_DIR_IN,
		.cdb_len = scsi_cdb_len(cdb, SRPIO_CDB_LEN),
		.cdb = cdb,
		.iov = &s->io->iov,
		.n_iov = 1,
		.data_len = len,
		.scratch = s->scratch,
	};
	memcpy(pub->lun, lun, sizeof(pub->lun));
	s->bridge->submit(s->path.path, pub);
	if (!run_until(s, &s->io->done, NULL, s->deadline_ns)) {
		/* It may still be answered, into this very memory: the detach below waits for that. */
		snprintf(s->error, sizeof(s->error), "no answer within the time limit");
		s->bridge->abort(s->path.path, pub);
		(void)run_until(s, &s->io->done, &never, s->deadline_ns + SRPGW_DETACH_MS * NS_PER_MS);
		return -1;
	}
	if (pub->delivery != SRPGW_DELIVERY_ANSWERED) {
		snprintf(s->error, sizeof(s->error), "%s", s->path.down ? s->path.why : "the command was lost");
		return -1;
	}
	if (pub->status != SCSI_GOOD) {
		srpio_outcome_text(pub->status, pub->sense, pub->sense_len, s->error, sizeof(s->error));
		return -1;
	}
	return (int32_t)(pub->resid_kind == SRPGW_RESID_UNDER ? len - pub->resid : len);
}

static bool is_worth_another_try(const struct srpgw_io *pub)
{
	struct scsi_sense sense;

	if (pub->delivery != SRPGW_DELIVERY_ANSWERED)
		return false;
	if (pub->status == SCSI_CHECK_CONDITION)
		return scsi_sense_parse(pub->sense, pub->sense_len, &sense) && sense.key == SCSI_UNIT_ATTENTION;
	return pub->status == SCSI_BUSY || pub->status == SCSI_TASK_SET_FULL;
}

static int32_t command(struct scan *s, const uint8_t lun[8], const uint8_t cdb[SRPIO_CDB_LEN], uint32_t len)
{
	static const bool never;

	for (unsigned i = 0;; i++) {
		int32_t n = once(s, lun, cdb, len);

		if (n >= 0 || !s->io->done || !is_worth_another_try(&s->io->pub) || i == TRIES)
			return n;
		if (s->io->pub.status != SCSI_CHECK_CONDITION)
			(void)run_until(s, &never, NULL, reactor_now_ns(s->reactor) + PAUSE_MS * NS_PER_MS);
	}
}

/* ---- what is there ---- */

static void size_of(struct scan *s, struct discover_lun *l)
{
	uint8_t cdb[SRPIO_CDB_LEN];
	int32_t n;

	srpio_cdb_read_capacity_16(cdb, CAPACITY_16_BYTES);
	n = command(s, l->lun, cdb, CAPACITY_16_BYTES);
	l->sized = n >= 0 && srpio_capacity_16_parse(s->data, (size_t)n, &l->capacity);
	if (l->sized || s->path.down)
		return;
	/* Disks of up to 2 TiB need not know it. */
	srpio_cdb_read_capacity_10(cdb);
	n = command(s, l->lun, cdb, CAPACITY_10_BYTES);
	l->sized = n >= 0 && srpio_capacity_10_parse(s->data, (size_t)n, &l->capacity);
	if (!l->sized)
		snprintf(l->error, sizeof(l->error), "no size: %.140s", n < 0 ? s->error : "the answer makes no sense");
}

static void look_at(struct scan *s, struct discover_lun *l)
{
	uint8_t cdb[SRPIO_CDB_LEN];
	int32_t n;

	srpio_cdb_inquiry(cdb, -1, INQUIRY_BYTES);
	n = command(s, l->lun, cdb, INQUIRY_BYTES);
	l->known = n >= 0 && srpio_inquiry_parse(s->data, (size_t)n, &l->inquiry);
	if (!l->known)
		snprintf(l->error, sizeof(l->error), "INQUIRY: %.140s", n < 0 ? s->error : "the answer makes no sense");
	else if (l->inquiry.type == TYPE_DISK && l->inquiry.qualifier == 0)
		size_of(s, l);
}

static void list_luns(struct scan *s, struct discover_group *g)
{
	static const uint8_t lun_0[8];
	uint8_t cdb[SRPIO_CDB_LEN];
	uint32_t full = 0;
	int32_t len;
	size_t n;

	srpio_cdb_report_luns(cdb, LIST_BYTES);
	len = command(s, lun_0, cdb, LIST_BYTES);
	if (len < 0) {
		snprintf(g->error, sizeof(g->error), "REPORT LUNS: %.400s", s->error);
		return;
	}
	n = srpio_report_luns_parse(s->data, (size_t)len, &full);
	g->lun = calloc(n + 1, sizeof(*g->lun));
	if (!g->lun) {
		snprintf(g->error, sizeof(g->error), "out of memory");
		return;
	}
	g->cut = full > n;
	g->n_lun = n;
	for (size_t i = 0; i < n; i++)
		memcpy(g->lun[i].lun, s->data + 8 + 8 * i, sizeof(g->lun[i].lun));
	for (size_t i = 0; i < n && !s->path.down && reactor_now_ns(s->reactor) < s->deadline_ns; i++)
		look_at(s, &g->lun[i]);
	if (s->path.down)
		snprintf(g->error, sizeof(g->error), "%s", s->path.why);
	else if (reactor_now_ns(s->reactor) >= s->deadline_ns)
		snprintf(g->error, sizeof(g->error), "the time limit is over");
}

/* ---- the session ---- */

static void on_detached(void *arg)
{
	((struct discover_path *)arg)->detached = true;
}

static void session(struct scan *s, const char *initiator_name, struct discover_group *g)
{
	struct srpgw_nexus_id id = {
		.struct_size = sizeof(id),
		.peer = "discovery",
		.initiator_name = initiator_name,
		.isid = { 0x80, 0x73, 0x72, 0x70, 0x67, 0x77 }, /* random format (RFC 7143 11.12.5), never a host's */
		.alias = "srpgwctl discover",
	};
	int rc = s->bridge->attach(s->target, (struct srpgw_reactor *)(void *)s->reactor, &id,
				   (struct srpgw_path_ctx *)(void *)&s->path, &s->path.path);

	if (rc) {
		snprintf(g->error, sizeof(g->error), "%s", strerror(-rc));
		return;
	}
	if (!run_until(s, &s->path.up, &s->path.down, s->deadline_ns))
		snprintf(g->error, sizeof(g->error), "no session with %s within the time limit", g->portal[0]);
	else if (!s->path.up)
		snprintf(g->error, sizeof(g->error), "%s", s->path.why);
	else
		list_luns(s, g);
	s->bridge->detach(s->path.path, on_detached, &s->path);
	/* The contract bounds it. What is left after that is the bridge's fault, and its memory must not go. */
	if (!run_until(s, &s->path.detached, NULL, reactor_now_ns(s->reactor) + 2ull * SRPGW_DETACH_MS * NS_PER_MS))
		snprintf(g->error, sizeof(g->error), "the bridge does not end its session");
}

static bool allocate(struct scan *s)
{
	size_t scratch = s->bridge->scratch_size ? s->bridge->scratch_size : 1;

	s->io = calloc(1, sizeof(*s->io));
	s->scratch = calloc(1, scratch);
	return s->io && s->scratch;
}

void discover_scan(struct bridge_host *h, struct reactor *r, const struct srpgw_setting *settings, size_t n_settings,
		   const char *scheme, const char *initiator_name, uint64_t deadline_ns, struct discover_group *g)
{
	char uri[sizeof(g->target_name) + DISCOVER_ADDRESS_BYTES + 64];
	struct scan *s = calloc(1, sizeof(*s));
	struct err e = ERR_INIT;

	if (!s) {
		snprintf(g->error, sizeof(g->error), "out of memory");
		return;
	}
	s->reactor = r;
	s->deadline_ns = deadline_ns;
	snprintf(uri, sizeof(uri), "%s://%s/%s", scheme, g->portal[0], g->target_name);
	if (bridge_open(h, uri, settings, n_settings, &s->bridge, &s->target, &e)) {
		err_format(&e, g->error, sizeof(g->error));
		free(s);
		return;
	}
	if (allocate(s))
		session(s, initiator_name, g);
	else
		snprintf(g->error, sizeof(g->error), "out of memory");
	/* A bridge that does not end its session still has all of this. */
	if (s->path.path && !s->path.detached)
		return;
	s->bridge->close(s->target);
	free(s->io);
	free(s->scratch);
	free(s);
}
