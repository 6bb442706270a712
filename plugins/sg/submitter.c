/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The thread that hands commands to the kernel. While it sleeps in there for a command of a path that is given up, it
 * works on copies of its own: the descriptor array and the data-out bytes. The lock is held for list operations only.
 */
#include "sg.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LONG_MS 0x7fffffffu
#define JOIN_S 1

struct sg_submitter {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work, settled;
	struct sg_queue queue;
	struct sg_command *current; /* NULL also when it was disowned */
	bool copying;		    /* reads the current command's memory */
	bool stop, ended, orphan;   /* orphan: the thread frees everything */
	uint8_t cdb[SG_CDB_MAX];
	struct iovec iov[SG_MAX_IOV];
	uint8_t *bounce; /* data-out */
};

static void destroy(struct sg_submitter *s)
{
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->settled);
	pthread_mutex_destroy(&s->lock);
	free(s->bounce);
	free(s);
}

/*
 * FORMAT UNIT, SANITIZE, tapes and the like take as long as they take; what moves blocks or asks does not.
 * SPC-4, SBC-3.
 */
static uint32_t timeout_ms(const struct sg_conf *conf, uint8_t opcode)
{
	static const uint8_t quick[] = { 0x00, 0x03, 0x08, 0x0a, 0x12, 0x1a, 0x25, 0x28, 0x2a, 0x2e, 0x2f, 0x41,
					 0x4d, 0x5a, 0x5e, 0x88, 0x89, 0x8a, 0x8e, 0x8f, 0x9e, 0xa0, 0xa8, 0xaa };

	return memchr(quick, opcode, sizeof(quick)) ? conf->timeout_ms : LONG_MS;
}

/* Copies what the call to the kernel needs. The command's memory is ours meanwhile: see sg_submitter_disown(). */
static void prepare(struct sg_submitter *s, const struct sg_command *c, struct sg_request *q)
{
	const struct srpgw_io *io = c->io;
	size_t at = 0;

	memcpy(s->cdb, io->cdb, io->cdb_len);
	*q = (struct sg_request){
		.cdb = s->cdb,
		.cdb_len = io->cdb_len,
		.data_len = io->data_len,
		.timeout_ms = timeout_ms(&c->path->target->conf, io->cdb[0]),
		.dir = (enum srpgw_dir)io->dir,
		.iov = s->iov,
		.n_iov = io->n_iov,
		.sense = c->io->sense,
		.tag = (void *)(uintptr_t)c,
	};
	if (io->dir == SRPGW_DIR_OUT && io->data_len) {
		for (uint32_t i = 0; i < io->n_iov; i++) {
			memcpy(s->bounce + at, io->iov[i].iov_base, io->iov[i].iov_len);
			at += io->iov[i].iov_len;
		}
		s->iov[0] = (struct iovec){ s->bounce, at };
		q->n_iov = 1;
	} else if (io->n_iov) {
		memcpy(s->iov, io->iov, io->n_iov * sizeof(io->iov[0]));
	}
}

static void hand_over(struct sg_submitter *s, struct sg_command *c)
{
	struct sg_files *files = c->path->files;
	int fd = files->fd[c->file], rc;
	struct sg_request q;

	atomic_fetch_add(&files->refs, 1);
	s->current = c;
	s->copying = true;
	c->state = SG_SUBMITTING;
	pthread_mutex_unlock(&s->lock);
	prepare(s, c, &q);
	pthread_mutex_lock(&s->lock);
	s->copying = false;
	pthread_cond_signal(&s->settled);
	pthread_mutex_unlock(&s->lock);

	rc = sg_node_submit(fd, &q);

	pthread_mutex_lock(&s->lock);
	/* The answer may have been read already, or the command be given up: then @c is no command any more. */
	if (s->current == c) {
		c->state = rc ? SG_REFUSED : SG_AT_DEVICE;
		c->error = rc;
		if (rc) {
			STAILQ_INSERT_TAIL(&c->path->refused, c, queue);
			eventfd_write(c->path->refused_fd, 1);
		}
	}
	s->current = NULL;
	pthread_mutex_unlock(&s->lock);
	sg_files_unref(files);
	pthread_mutex_lock(&s->lock);
}

static void *run(void *arg)
{
	struct sg_submitter *s = arg;
	bool orphan;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		struct sg_command *c = STAILQ_FIRST(&s->queue);

		if (c) {
			STAILQ_REMOVE_HEAD(&s->queue, queue);
			hand_over(s, c);
		} else {
			pthread_cond_wait(&s->work, &s->lock);
		}
	}
	s->ended = true;
	orphan = s->orphan;
	pthread_cond_signal(&s->settled);
	pthread_mutex_unlock(&s->lock);
	if (orphan)
		destroy(s);
	return NULL;
}

struct sg_submitter *sg_submitter_new(uint32_t max_transfer_bytes)
{
	struct sg_submitter *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (!s)
		return NULL;
	s->bounce = malloc(max_transfer_bytes);
	STAILQ_INIT(&s->queue);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->settled, &attr);
	pthread_condattr_destroy(&attr);
	if (!s->bounce || pthread_create(&s->thread, NULL, run, s)) {
		destroy(s);
		return NULL;
	}
	return s;
}

void sg_submitter_free(struct sg_submitter *s)
{
	struct timespec until;
	int rc = 0;
	bool ended;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += JOIN_S;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->work);
	while (!s->ended && !rc)
		rc = pthread_cond_timedwait(&s->settled, &s->lock, &until);
	ended = s->ended;
	s->orphan = !ended;
	pthread_mutex_unlock(&s->lock);
	if (ended) {
		pthread_join(s->thread, NULL);
		destroy(s);
	} else {
		Dl_info self;

		/* It will return into this code some day: keep the code. */
		if (dladdr((void *)(uintptr_t)run, &self))
			dlopen(self.dli_fname, RTLD_NOW | RTLD_NODELETE);
		pthread_detach(s->thread);
	}
}

void sg_submitter_put(struct sg_submitter *s, struct sg_command *c)
{
	pthread_mutex_lock(&s->lock);
	c->state = SG_QUEUED;
	STAILQ_INSERT_TAIL(&s->queue, c, queue);
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
}

bool sg_submitter_take_back(struct sg_submitter *s, struct sg_command *c)
{
	bool waited;

	pthread_mutex_lock(&s->lock);
	waited = c->state == SG_QUEUED;
	if (waited)
		STAILQ_REMOVE(&s->queue, c, sg_command, queue);
	pthread_mutex_unlock(&s->lock);
	return waited;
}

void sg_submitter_disown(struct sg_submitter *s, struct sg_command *c)
{
	pthread_mutex_lock(&s->lock);
	/* A memory copy at most. */
	while (s->current == c && s->copying)
		pthread_cond_wait(&s->settled, &s->lock);
	if (s->current == c)
		s->current = NULL;
	if (c->state == SG_REFUSED)
		STAILQ_REMOVE(&c->path->refused, c, sg_command, queue);
	pthread_mutex_unlock(&s->lock);
}

struct sg_command *sg_submitter_refused(struct sg_submitter *s, struct srpgw_bridge_path *path)
{
	struct sg_command *c;

	pthread_mutex_lock(&s->lock);
	c = STAILQ_FIRST(&path->refused);
	if (c) {
		STAILQ_REMOVE_HEAD(&path->refused, queue);
		c->state = SG_AT_DEVICE; /* on no list */
	}
	pthread_mutex_unlock(&s->lock);
	return c;
}
