/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verify: writes a pattern over a range and compares what is read back.
 * Layer: tools.
 */
#include "srpio_commands.h"
#include "srpio_io.h"
#include "srpio_pattern.h"
#include "srpio_progress.h"

#include <errno.h>
#include <stdio.h>

#define DEFAULT_BYTES (64ull << 20)

struct verify {
	struct srpio_progress progress;
	bool write;
	uint64_t at_bytes, end_bytes;
	uint64_t n_bad;
	uint64_t first_bad_bytes;
	char why[128];
};

static int next(struct srpio_io *io, struct srpio_slot *slot, struct err *e)
{
	const struct srpio_options *o = io->s->o;
	struct verify *v = io->arg;
	uint64_t left = v->end_bytes - v->at_bytes;

	(void)e;
	slot->write = v->write;
	slot->offset_bytes = v->at_bytes;
	slot->len_bytes = left < io->bs_bytes ? (uint32_t)left : io->bs_bytes;
	v->at_bytes += slot->len_bytes;
	for (uint32_t at = 0; v->write && at < slot->len_bytes; at += io->cap.block_bytes)
		srpio_pattern_fill(slot->buf + at, io->cap.block_bytes, o->seed, o->generation, slot->offset_bytes + at);
	return slot->len_bytes != 0;
}

static int done(struct srpio_io *io, struct srpio_slot *slot, struct err *e)
{
	const struct srpio_options *o = io->s->o;
	struct verify *v = io->arg;

	(void)e;
	v->progress.done_bytes = io->bytes_done;
	for (uint32_t at = 0; !v->write && at < slot->len_bytes; at += io->cap.block_bytes) {
		char why[sizeof(v->why)];

		if (srpio_pattern_check(slot->buf + at, io->cap.block_bytes, o->seed, o->generation, slot->offset_bytes + at,
					why, sizeof(why)))
			continue;
		if (!v->n_bad++) {
			v->first_bad_bytes = slot->offset_bytes + at;
			snprintf(v->why, sizeof(v->why), "%s", why);
		}
	}
	return 0;
}

static int pass(struct srpio_io *io, struct verify *v, bool write, uint64_t length_bytes, struct err *e)
{
	struct srpio_session *s = io->s;
	int rc;

	v->write = write;
	v->at_bytes = s->o->offset_bytes;
	v->end_bytes = v->at_bytes + length_bytes;
	io->n_done = io->bytes_done = 0;
	srpio_progress_start(&v->progress, s->reactor, write ? "write" : "compare", length_bytes, s->o->quiet);
	if (s->o->progress)
		srpio_progress_stay(&v->progress);
	rc = srpio_io_run(io, e);
	if (!rc && write)
		rc = srpio_flush(s, e);
	srpio_progress_end(&v->progress);
	return rc;
}

static void report(const struct srpio_session *s, const struct srpio_io *io, const struct verify *v, uint64_t length_bytes,
		   json_t *out)
{
	char bytes[32];

	srpio_bytes_text((double)length_bytes, bytes, sizeof(bytes));
	if (out) {
		json_object_set_new(out, "lun", json_integer(s->o->lun));
		json_object_set_new(out, "bytes", json_integer((json_int_t)length_bytes));
		json_object_set_new(out, "blocks", json_integer((json_int_t)(length_bytes / io->cap.block_bytes)));
		json_object_set_new(out, "compared", json_boolean(s->o->part != SRPIO_VERIFY_WRITE));
		json_object_set_new(out, "bad_blocks", json_integer((json_int_t)v->n_bad));
		json_object_set_new(out, "repeated", json_integer((json_int_t)io->n_repeated));
	} else if (!v->n_bad) {
		printf("%s: %llu blocks %s\n", bytes, (unsigned long long)(length_bytes / io->cap.block_bytes),
		       s->o->part == SRPIO_VERIFY_WRITE ? "written" : "are as written");
	}
}

int srpio_cmd_verify(struct srpio_session *s, json_t *out, struct err *e)
{
	const struct srpio_options *o = s->o;
	struct verify v = { 0 };
	struct srpio_io io = { .s = s, .ordered = true, .next = next, .done = done, .arg = &v };
	uint64_t length_bytes = DEFAULT_BYTES;
	int rc;

	srpio_cmd_shape(o, &io.bs_bytes, &io.depth);
	rc = srpio_capacity(s, s->lun, &io.cap, e);
	if (!rc && io.cap.block_bytes < SRPIO_PATTERN_MIN_BYTES)
		rc = err_set(e, -EINVAL, "blocks of %u bytes are too small for the pattern", io.cap.block_bytes);
	if (!rc)
		rc = srpio_range(o, &io.cap, io.bs_bytes, &length_bytes, e);
	if (!rc && o->part != SRPIO_VERIFY_CHECK)
		rc = pass(&io, &v, true, length_bytes, e);
	if (!rc && o->part != SRPIO_VERIFY_WRITE)
		rc = pass(&io, &v, false, length_bytes, e);
	if (rc)
		return rc;
	report(s, &io, &v, length_bytes, out);
	if (v.n_bad)
		return err_set(e, -EIO, "%llu of %llu blocks are wrong; the first at byte %llu: %s", (unsigned long long)v.n_bad,
			       (unsigned long long)(length_bytes / io.cap.block_bytes), (unsigned long long)v.first_bad_bytes,
			       v.why);
	return 0;
}
