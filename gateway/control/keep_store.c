/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file of kept answers: read at start, written by a thread of its own some seconds after a change and at the end.
 * See keep_store.h. Layer: control.
 */
#include "keep_store.h"
#include "../base/log.h"
#include "../core/keep.h"
#include "keep_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define FILE_NEW KEEP_STORE_FILE ".new"

/* One writing. Freed on the control reactor, or with the store. */
struct job {
	struct reactor_msg msg;
	struct keep_store *store; /* NULL: gone meanwhile */
	struct reactor *control;
	pthread_t thread;
	int dir_fd;
	char *text;
	size_t len;
	int rc;
};

struct keep_store {
	struct core *core;
	struct reactor *control;
	struct reactor_timer timer;
	uint32_t delay_ms;
	int dir_fd;
	bool dirty;	 /* something is not in the file */
	bool told;	 /* that it cannot be written */
	struct job *job; /* at work */
	char dir[256];
};

/* ---- writing ---- */

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Whole and on the disk before it gets its name: a reader finds the old file or the new one. */
static int write_file(int dir_fd, const char *text, size_t len)
{
	int fd, rc;

	if (unlinkat(dir_fd, FILE_NEW, 0) && errno != ENOENT)
		return -errno;
	fd = openat(dir_fd, FILE_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, text, len);
	if (rc == 0 && fsync(fd))
		rc = -errno;
	if (close(fd) && rc == 0)
		rc = -errno;
	if (rc == 0 && renameat(dir_fd, FILE_NEW, dir_fd, KEEP_STORE_FILE))
		rc = -errno;
	if (rc) {
		unlinkat(dir_fd, FILE_NEW, 0);
		return rc;
	}
	return fsync(dir_fd) ? -errno : 0;
}

static void written(struct keep_store *s, int rc)
{
	if (rc == 0) {
		s->told = false;
		return;
	}
	s->dirty = true;
	if (!s->told)
		log_warn("cannot write %s/" KEEP_STORE_FILE
			 ": %s; make the folder writable or name another one in \"state_dir\", "
			 "else hosts find no logical units while a back-end is away after the next start",
			 s->dir, strerror(-rc));
	s->told = true;
}

static void job_free(struct job *j)
{
	free(j->text);
	free(j);
}

/* On control. */
static void job_is_done(struct reactor_msg *msg)
{
	struct job *j = container_of(msg, struct job, msg);
	struct keep_store *s = j->store;

	if (s) {
		pthread_join(j->thread, NULL);
		s->job = NULL;
		written(s, j->rc);
	}
	job_free(j);
}

static void *job_run(void *arg)
{
	struct job *j = arg;

	j->rc = write_file(j->dir_fd, j->text, j->len);
	j->msg.fn = job_is_done;
	reactor_send(j->control, &j->msg);
	return NULL;
}

/* Signals are the main thread's business. */
static int job_start(struct job *j)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&j->thread, NULL, job_run, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -rc;
}

static int save(struct keep_store *s)
{
	struct job *j = calloc(1, sizeof(*j));
	int rc;

	if (!j)
		return -ENOMEM;
	*j = (struct job){ .store = s, .control = s->control, .dir_fd = s->dir_fd };
	j->text = keep_file_text(s->core, &j->len);
	s->dirty = false;
	s->job = j;
	rc = j->text ? job_start(j) : -ENOMEM;
	if (rc) {
		s->job = NULL;
		job_free(j);
	}
	/* Else it is on its way. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	return rc;
}

static void timer_fired(struct reactor_timer *t)
{
	struct keep_store *s = container_of(t, struct keep_store, timer);
	int rc;

	if (s->job) {
		timer_arm_in(s->control, &s->timer, s->delay_ms * NS_PER_MS);
		return;
	}
	rc = s->dirty ? save(s) : 0;
	if (rc)
		written(s, rc);
}

void keep_store_changed(void *store)
{
	struct keep_store *s = store;

	s->dirty = true;
	if (!timer_armed(&s->timer))
		timer_arm_in(s->control, &s->timer, s->delay_ms * NS_PER_MS);
}

/* ---- reading ---- */

/* Who could write it could tell hosts that a disk is another one. */
static int check_file(int fd, size_t *len, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_set(e, -errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "it is no regular file");
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 022))
		return err_set(e, -EPERM, "others than the gateway's user may write to it");
	if (st.st_size < 0 || (uint64_t)st.st_size > KEEP_FILE_MOST_BYTES)
		return err_set(e, -EFBIG, "it is longer than anything that srpgwd writes");
	*len = (size_t)st.st_size;
	return 0;
}

static int read_all(int fd, char *text, size_t *len, struct err *e)
{
	size_t n = 0;

	while (n < *len) {
		ssize_t got = read(fd, text + n, *len - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(e, -errno, "%s", strerror(errno));
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*len = n;
	return 0;
}

static int load_from(struct keep_store *s, int fd, struct keep_file_count *n, struct err *e)
{
	size_t len = 0;
	int rc = check_file(fd, &len, e);
	char *text;

	if (rc)
		return rc;
	text = malloc(len + 1);
	if (!text)
		return err_set(e, -ENOMEM, "out of memory");
	rc = read_all(fd, text, &len, e);
	if (rc == 0)
		rc = keep_file_parse(s->core, text, len, n, e);
	free(text);
	return rc;
}

static void load(struct keep_store *s)
{
	CLEANUP_FD int fd =
	    openat(s->dir_fd, KEEP_STORE_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct keep_file_count n = { 0 };
	struct err e = ERR_INIT;

	if (fd < 0 && errno == ENOENT)
		return;
	if ((fd < 0 ? err_set(&e, -errno, "%s", strerror(errno)) : load_from(s, fd, &n, &e)) != 0)
		log_line(NULL, LOG_LEVEL_WARN,
			 "%s/" KEEP_STORE_FILE
			 " is not used: %s; nothing need be done, it is written anew when hosts have "
			 "asked their back-ends",
			 s->dir, e.cause);
	else if (n.damaged > 0)
		log_line(NULL, LOG_LEVEL_WARN,
			 "%s/" KEEP_STORE_FILE
			 ": %zu of %zu answers are damaged and not used; nothing need be done, they are "
			 "written anew when hosts have asked their back-ends",
			 s->dir, n.damaged, n.damaged + n.used);
	else
		log_debug("%s/" KEEP_STORE_FILE ": %zu answers", s->dir, n.used);
}

/* ---- life ---- */

static int take_dir(struct keep_store *s, struct err *e)
{
	int rc;

	if (mkdir(s->dir, 0700) && errno != EEXIST)
		return err_set(e, -errno, "cannot make the folder %s: %s", s->dir, strerror(errno));
	s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		return err_set(e, -errno, "cannot open the folder %s: %s", s->dir, strerror(errno));
	if (flock(s->dir_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	rc = -errno;
	return rc == -EWOULDBLOCK ? err_set(e, rc, "another srpgwd keeps its state in %s", s->dir)
				  : err_set(e, rc, "cannot lock the folder %s: %s", s->dir, strerror(-rc));
}

struct keep_store *keep_store_create(const char *dir, struct core *core, struct reactor *control, uint32_t delay_ms)
{
	struct keep_store *s = calloc(1, sizeof(*s));
	struct err e = ERR_INIT;

	if (!s) {
		log_warn("out of memory: what back-ends tell is not kept");
		return NULL;
	}
	s->core = core;
	s->control = control;
	s->delay_ms = delay_ms;
	s->dir_fd = -1;
	timer_init(&s->timer, timer_fired);
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	if (take_dir(s, &e)) {
		log_warn(
		    "%s; name a folder of this gateway's own in \"state_dir\", else hosts find no logical units while "
		    "a back-end is away after the next start",
		    e.cause);
		if (s->dir_fd >= 0)
			close(s->dir_fd);
		free(s);
		return NULL;
	}
	load(s);
	core_keep_watch(core, keep_store_changed, s);
	return s;
}

/* Its message may still be on its way to control, and is harmless there. */
static void end_job(struct keep_store *s)
{
	struct job *j = s->job;

	if (!j)
		return;
	pthread_join(j->thread, NULL);
	j->store = NULL;
	s->dirty = s->dirty || j->rc != 0;
}

void keep_store_destroy(struct keep_store *s)
{
	CLEANUP_FREE char *text = NULL;
	size_t len;

	if (!s)
		return;
	core_keep_watch(s->core, NULL, NULL);
	timer_cancel(s->control, &s->timer);
	end_job(s);
	if (s->dirty) {
		text = keep_file_text(s->core, &len);
		written(s, text ? write_file(s->dir_fd, text, len) : -ENOMEM);
	}
	close(s->dir_fd);
	free(s);
}
