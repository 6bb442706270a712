/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * read, write: between a range of a logical unit and a file or a pipe. The file's side goes strictly in order, so a pipe
 * is as good as a file.
 * Layer: tools.
 */
#include "srpio_commands.h"
#include "srpio_io.h"
#include "srpio_progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct copy {
	struct srpio_progress progress;
	const char *name;
	int fd;
	bool until_eof; /* write without --length */
	uint64_t at_bytes, left_bytes;
};

static uint32_t take(struct copy *c, struct srpio_io *io, struct srpio_slot *slot)
{
	uint32_t n = c->left_bytes < io->bs_bytes ? (uint32_t)c->left_bytes : io->bs_bytes;

	slot->offset_bytes = c->at_bytes;
	slot->len_bytes = n;
	c->at_bytes += n;
	c->left_bytes -= n;
	return n;
}

/* ---- read ---- */

static int read_next(struct srpio_io *io, struct srpio_slot *slot, struct err *e)
{
	(void)e;
	slot->write = false;
	return take(io->arg, io, slot) != 0;
}

static int read_done(struct srpio_io *io, struct srpio_slot *slot, struct err *e)
{
	struct copy *c = io->arg;
	uint32_t at = 0;

	while (at < slot->len_bytes) {
		ssize_t n = write(c->fd, slot->buf + at, slot->len_bytes - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, -errno, "%s: %m", c->name);
		at += (uint32_t)n;
	}
	c->progress.done_bytes = io->bytes_done;
	return 0;
}

/* ---- write ---- */

/* Return: bytes read, less than @len only at the end of the file; -errno. */
static int64_t read_full(int fd, uint8_t *buf, size_t len)
{
	size_t at = 0;

	while (at < len) {
		ssize_t n = read(fd, buf + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		at += (size_t)n;
	}
	return (int64_t)at;
}

static int write_next(struct srpio_io *io, struct srpio_slot *slot, struct err *e)
{
	struct copy *c = io->arg;
	uint32_t want = c->left_bytes < io->bs_bytes ? (uint32_t)c->left_bytes : io->bs_bytes;
	int64_t n;

	if (!want && c->until_eof) {
		uint8_t one;

		n = read_full(c->fd, &one, 1);
		if (n > 0)
			return err_set(e, -EFBIG, "%s has more bytes than LUN %u has room for", c->name, io->s->o->lun);
		return n < 0 ? err_set(e, (int)n, "%s: %s", c->name, strerror((int)-n)) : 0;
	}
	n = want ? read_full(c->fd, slot->buf, want) : 0;
	if (n < 0)
		return err_set(e, (int)n, "%s: %s", c->name, strerror((int)-n));
	if (n < want && !c->until_eof)
		return err_set(e, -ENODATA, "%s ends %llu bytes before --length", c->name,
			       (unsigned long long)(c->left_bytes - (uint64_t)n));
	if (n % io->cap.block_bytes) {
		err_set(e, -EINVAL, "%s ends in the middle of a block: %u bytes are left over", c->name,
			(unsigned)(n % io->cap.block_bytes));
		err_cure(e, "pad the input to a multiple of %u bytes", io->cap.block_bytes);
		return -EINVAL;
	}
	slot->write = true;
	slot->offset_bytes = c->at_bytes;
	slot->len_bytes = (uint32_t)n;
	c->at_bytes += (uint64_t)n;
	c->left_bytes -= (uint64_t)n;
	return n > 0;
}

static int write_done(struct srpio_io *io, struct srpio_slot *slot, struct err *e)
{
	struct copy *c = io->arg;

	(void)slot;
	(void)e;
	c->progress.done_bytes = io->bytes_done;
	return 0;
}

/* ---- both ---- */

static int open_file(struct copy *c, const char *path, bool write_lun, struct err *e)
{
	bool dash = strcmp(path, "-") == 0;

	c->name = dash ? (write_lun ? "standard input" : "standard output") : path;
	if (dash)
		c->fd = write_lun ? STDIN_FILENO : STDOUT_FILENO;
	else if (write_lun)
		c->fd = open(path, O_RDONLY | O_CLOEXEC);
	else
		c->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (c->fd < 0)
		return err_set(e, -errno, "%s: %m", path);
	if (!write_lun && isatty(c->fd)) {
		err_set(e, -EINVAL, "the data would go to the terminal");
		err_cure(e, "say --file PATH, or redirect standard output");
		return -EINVAL;
	}
	return 0;
}

/* Refused before the first byte is written where that can be known. */
static int check_input(struct copy *c, const struct srpio_io *io, uint64_t *total_bytes, struct err *e)
{
	struct stat st;
	uint64_t size;

	if (!c->until_eof || fstat(c->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		if (c->until_eof)
			*total_bytes = 0;
		return 0;
	}
	size = (uint64_t)st.st_size;
	*total_bytes = size;
	if (size > c->left_bytes)
		return err_set(e, -EFBIG, "%s has %llu bytes; LUN %u has room for %llu", c->name, (unsigned long long)size,
			       io->s->o->lun, (unsigned long long)c->left_bytes);
	if (size % io->cap.block_bytes) {
		err_set(e, -EINVAL, "%s has %llu bytes, which is no multiple of the LUN's block size, %u", c->name,
			(unsigned long long)size, io->cap.block_bytes);
		err_cure(e, "pad it");
		return -EINVAL;
	}
	return 0;
}

static void report(const struct srpio_session *s, const struct srpio_io *io, const char *what, uint64_t ns, json_t *out)
{
	double seconds = (double)ns / NS_PER_S;
	char bytes[32], rate[32];

	if (out) {
		json_object_set_new(out, "lun", json_integer(s->o->lun));
		json_object_set_new(out, "bytes", json_integer((json_int_t)io->bytes_done));
		json_object_set_new(out, "commands", json_integer((json_int_t)io->n_done));
		json_object_set_new(out, "repeated", json_integer((json_int_t)io->n_repeated));
		json_object_set_new(out, "seconds", json_real(seconds));
		return;
	}
	srpio_bytes_text((double)io->bytes_done, bytes, sizeof(bytes));
	srpio_bytes_text(seconds > 0 ? (double)io->bytes_done / seconds : 0, rate, sizeof(rate));
	if (!s->o->quiet) /* on standard error: standard output may be the data */
		fprintf(stderr, "srpio: %s %llu bytes (%s) in %.2f s, %s/s\n", what, (unsigned long long)io->bytes_done, bytes,
			seconds, rate);
}

static int copy(struct srpio_session *s, bool write_lun, json_t *out, struct err *e)
{
	const struct srpio_options *o = s->o;
	struct copy c = { .fd = -1, .at_bytes = o->offset_bytes };
	struct srpio_io io = {
		.s = s,
		.ordered = true,
		.next = write_lun ? write_next : read_next,
		.done = write_lun ? write_done : read_done,
		.arg = &c,
	};
	uint64_t start_ns, total_bytes;
	int rc;

	srpio_cmd_shape(o, &io.bs_bytes, &io.depth);
	rc = srpio_capacity(s, s->lun, &io.cap, e);
	if (!rc)
		rc = srpio_range(o, &io.cap, io.bs_bytes, &c.left_bytes, e);
	if (!rc)
		rc = open_file(&c, o->file, write_lun, e);
	c.until_eof = write_lun && !o->length_bytes;
	total_bytes = c.left_bytes;
	if (!rc)
		rc = check_input(&c, &io, &total_bytes, e);
	if (!rc) {
		start_ns = reactor_clock_ns(s->reactor);
		srpio_progress_start(&c.progress, s->reactor, write_lun ? "write" : "read", total_bytes, o->quiet);
		if (o->progress)
			srpio_progress_stay(&c.progress);
		rc = srpio_io_run(&io, e);
		if (!rc && write_lun)
			rc = srpio_flush(s, e);
		srpio_progress_end(&c.progress);
		if (!rc)
			report(s, &io, write_lun ? "wrote" : "read", reactor_clock_ns(s->reactor) - start_ns, out);
	}
	if (c.fd > STDERR_FILENO && close(c.fd) < 0 && !rc)
		rc = err_set(e, -errno, "%s: %m", c.name);
	return rc;
}

int srpio_cmd_read(struct srpio_session *s, json_t *out, struct err *e)
{
	if (out && strcmp(s->o->file, "-") == 0)
		return err_set(e, -EINVAL, "--json and the data cannot both go to standard output; say --file PATH");
	return copy(s, false, out, e);
}

int srpio_cmd_write(struct srpio_session *s, json_t *out, struct err *e)
{
	return copy(s, true, out, e);
}
