/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads or writes straight to an iSCSI target through libiscsi, without SRP: what `make bench` holds the gateway against where
 * iscsi-perf cannot (it only reads). A fixed number of commands is kept in flight, at random places. Knows libiscsi only.
 *
 *   iscsi_load URL read|write BYTES DEPTH SECONDS   ->   "iops N mean_us M p50_us P"
 */
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS_MAX 1024u
#define LATENCY_MAX_US 65536u

struct slot {
	struct load *load;
	uint8_t *buf;
	struct scsi_iovec iov;
	uint64_t start_ns;
};

struct load {
	struct iscsi_context *iscsi;
	int lun;
	int is_write;
	uint32_t len_bytes, block_bytes;
	uint64_t n_places, random;
	uint64_t end_ns, n_done, sum_ns;
	uint32_t n_busy;
	uint32_t at_us[LATENCY_MAX_US]; /* how many took that long; the last: or longer */
	struct slot slot[SLOTS_MAX];
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "iscsi_load: %s: %s\n", what, why);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t next_place(struct load *l)
{
	l->random ^= l->random << 13;
	l->random ^= l->random >> 7;
	l->random ^= l->random << 17;
	return l->random % l->n_places;
}

static void submit(struct slot *s);

static void on_done(struct iscsi_context *iscsi, int status, void *data, void *arg)
{
	struct slot *s = arg;
	struct load *l = s->load;
	uint64_t now = now_ns(), us = (now - s->start_ns) / 1000;

	if (status != SCSI_STATUS_GOOD)
		die("a command failed", iscsi_get_error(iscsi));
	scsi_free_scsi_task(data);
	l->n_done++;
	l->sum_ns += now - s->start_ns;
	l->at_us[us < LATENCY_MAX_US ? us : LATENCY_MAX_US - 1]++;
	l->n_busy--;
	if (now < l->end_ns)
		submit(s);
}

static void put_be(uint8_t *to, uint64_t v, unsigned n_bytes)
{
	while (n_bytes--) {
		to[n_bytes] = (uint8_t)v;
		v >>= 8;
	}
}

static void submit(struct slot *s)
{
	struct load *l = s->load;
	uint8_t cdb[16] = { l->is_write ? 0x8a : 0x88 }; /* WRITE(16), READ(16) */
	uint32_t n_blocks = l->len_bytes / l->block_bytes;
	struct scsi_task *task;

	put_be(cdb + 2, next_place(l) * n_blocks, 8);
	put_be(cdb + 10, n_blocks, 4);
	task = scsi_create_task(sizeof(cdb), cdb, l->is_write ? SCSI_XFER_WRITE : SCSI_XFER_READ, (int)l->len_bytes);
	if (!task)
		die("command", "out of memory");
	s->iov = (struct scsi_iovec){ s->buf, l->len_bytes };
	if (l->is_write)
		scsi_task_set_iov_out(task, &s->iov, 1);
	else
		scsi_task_set_iov_in(task, &s->iov, 1);
	s->start_ns = now_ns();
	l->n_busy++;
	if (iscsi_scsi_command_async(l->iscsi, l->lun, task, on_done, NULL, s))
		die("command", iscsi_get_error(l->iscsi));
}

static void login(struct load *l, const char *text)
{
	struct iscsi_url *url;
	struct scsi_task *task;
	struct scsi_readcapacity16 *cap;

	l->iscsi = iscsi_create_context("iqn.2026-11.example:load");
	url = l->iscsi ? iscsi_parse_full_url(l->iscsi, text) : NULL;
	if (!url)
		die(text, "not a URL iscsi://HOST:PORT/TARGET/LUN");
	l->lun = url->lun;
	iscsi_set_session_type(l->iscsi, ISCSI_SESSION_NORMAL);
	iscsi_set_noautoreconnect(l->iscsi, 1);
	if (iscsi_full_connect_sync(l->iscsi, url->portal, url->lun))
		die(text, iscsi_get_error(l->iscsi));
	iscsi_destroy_url(url);
	task = iscsi_readcapacity16_sync(l->iscsi, l->lun);
	cap = task && task->status == SCSI_STATUS_GOOD ? scsi_datain_unmarshall(task) : NULL;
	if (!cap || !cap->block_length || l->len_bytes % cap->block_length || !l->len_bytes)
		die(text, "no capacity, or BYTES is not a multiple of the block size");
	l->block_bytes = cap->block_length;
	l->n_places = (cap->returned_lba + 1) / (l->len_bytes / l->block_bytes);
	scsi_free_scsi_task(task);
	if (!l->n_places)
		die(text, "smaller than one command");
}

static unsigned median_us(const struct load *l)
{
	uint64_t sum = 0;

	for (unsigned us = 0; us < LATENCY_MAX_US; us++) {
		sum += l->at_us[us];
		if (2 * sum >= l->n_done)
			return us;
	}
	return LATENCY_MAX_US;
}

int main(int argc, char **argv)
{
	struct load *l = calloc(1, sizeof(*l));
	uint64_t start_ns, ns;
	uint32_t depth = argc == 6 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;

	if (!l || !depth || depth > SLOTS_MAX)
		die("usage", "iscsi_load URL read|write BYTES DEPTH SECONDS");
	l->is_write = !strcmp(argv[2], "write");
	l->len_bytes = (uint32_t)strtoul(argv[3], NULL, 10);
	l->random = 0x9e3779b97f4a7c15u;
	login(l, argv[1]);
	start_ns = now_ns();
	l->end_ns = start_ns + (uint64_t)(strtod(argv[5], NULL) * 1e9);
	for (uint32_t i = 0; i < depth; i++) {
		l->slot[i].load = l;
		l->slot[i].buf = calloc(1, l->len_bytes);
		if (!l->slot[i].buf)
			die("buffers", "out of memory");
		submit(&l->slot[i]);
	}
	while (l->n_busy) {
		struct pollfd p = { .fd = iscsi_get_fd(l->iscsi), .events = (short)iscsi_which_events(l->iscsi) };

		poll(&p, 1, -1);
		if (iscsi_service(l->iscsi, p.revents))
			die("connection", iscsi_get_error(l->iscsi));
	}
	ns = now_ns() - start_ns;
	printf("iops %.1f mean_us %.2f p50_us %u\n", (double)l->n_done * 1e9 / (double)ns,
	       (double)l->sum_ns / 1e3 / (double)l->n_done, median_us(l));
	iscsi_logout_sync(l->iscsi);
	iscsi_destroy_context(l->iscsi);
	for (uint32_t i = 0; i < depth; i++)
		free(l->slot[i].buf);
	free(l);
	return 0;
}
