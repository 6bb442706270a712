/* SPDX-License-Identifier: BSD-3-Clause */
/* The smallest host for a bridge: services over rt/reactor, and helpers for tests. */
#include "host_shim.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 20000u

/* ---- services ---- */

struct srpgw_watch {
	struct reactor_watch w;
	struct reactor *r;
	void (*fn)(void *arg, int revents);
	void *arg;
};

struct srpgw_timer {
	struct reactor_timer t;
	struct reactor *r;
	void (*fn)(void *arg);
	void *arg;
};

static struct reactor *reactor_of(struct srpgw_reactor *r)
{
	return (struct reactor *)(void *)r;
}

static void svc_io_done(struct srpgw_io *pub)
{
	struct shim_io *io = container_of(pub, struct shim_io, pub);

	io->n_done++;
	if (io->on_done)
		io->on_done(io);
}

static void svc_tmf_done(struct srpgw_tmf *pub)
{
	container_of(pub, struct shim_tmf, pub)->n_done++;
}

static void svc_event(struct srpgw_path_ctx *ctx, const struct srpgw_event *ev)
{
	struct shim_path *p = (struct shim_path *)(void *)ctx;

	p->n_events++;
	switch (ev->kind) {
	case SRPGW_PATH_PROGRESS:
		p->n_progress++;
		break;
	case SRPGW_PATH_UP:
		p->up = true;
		break;
	case SRPGW_PATH_DOWN:
		p->up = false;
		p->down = true;
		p->permanent = ev->permanent;
		p->no_room = ev->causes & SRPGW_CAUSE_NO_ROOM;
		snprintf(p->why, sizeof(p->why), "%s", ev->text ? ev->text : "");
		break;
	case SRPGW_PATH_SILENT:
		p->n_silent++;
		break;
	case SRPGW_PATH_HEARD:
		p->n_heard++;
		break;
	case SRPGW_PATH_MOVE:
		p->n_move++;
		break;
	default:
		p->inventory = true;
		break;
	}
}

static uint64_t svc_now_ns(struct srpgw_reactor *r)
{
	return reactor_now_ns(reactor_of(r));
}

/* <poll.h> and <sys/epoll.h> number these alike on Linux. */
_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLERR == EPOLLERR && POLLHUP == EPOLLHUP,
	       "poll and epoll events");

static void on_watch(struct reactor_watch *rw, uint32_t revents)
{
	struct srpgw_watch *w = container_of(rw, struct srpgw_watch, w);

	w->fn(w->arg, (int)revents);
}

static struct srpgw_watch *svc_watch_add(struct srpgw_reactor *r, int fd, int events,
					 void (*fn)(void *arg, int revents), void *arg)
{
	struct srpgw_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->w = (struct reactor_watch){ .fn = on_watch, .fd = fd, .events = (uint32_t)events };
	w->r = reactor_of(r);
	w->fn = fn;
	w->arg = arg;
	if (reactor_watch_add(w->r, &w->w)) {
		free(w);
		return NULL;
	}
	return w;
}

static void svc_watch_mod(struct srpgw_watch *w, int events)
{
	assert_int_equal(reactor_watch_mod(w->r, &w->w, (uint32_t)events), 0);
}

static void svc_watch_del(struct srpgw_watch *w)
{
	reactor_watch_del(w->r, &w->w);
	free(w);
}

static void on_timer(struct reactor_timer *rt)
{
	struct srpgw_timer *t = container_of(rt, struct srpgw_timer, t);

	t->fn(t->arg);
}

static struct srpgw_timer *svc_timer_new(struct srpgw_reactor *r, void (*fn)(void *arg), void *arg)
{
	struct srpgw_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	timer_init(&t->t, on_timer);
	t->r = reactor_of(r);
	t->fn = fn;
	t->arg = arg;
	return t;
}

static void svc_timer_arm(struct srpgw_timer *t, uint64_t after_ns)
{
	timer_arm_in(t->r, &t->t, after_ns);
}

static void svc_timer_cancel(struct srpgw_timer *t)
{
	timer_cancel(t->r, &t->t);
}

static void svc_timer_free(struct srpgw_timer *t)
{
	timer_cancel(t->r, &t->t);
	free(t);
}

uint32_t shim_work_delay_ms, shim_n_works;

struct work {
	struct reactor_msg msg;
	struct reactor *r;
	void (*fn)(void *arg);
	void (*done)(void *arg);
	void *arg;
	uint32_t delay_ms;
};

static void on_worked(struct reactor_msg *msg)
{
	struct work *w = container_of(msg, struct work, msg);
	struct work copy = *w;

	free(w);
	shim_n_works--;
	copy.done(copy.arg);
}

static void *work_thread(void *arg)
{
	struct work *w = arg;

	/* A name server that takes its time. */
	usleep(w->delay_ms * 1000);
	w->fn(w->arg);
	w->msg.fn = on_worked;
	reactor_send(w->r, &w->msg);
	return NULL;
}

static int svc_work(struct srpgw_reactor *r, void (*fn)(void *arg), void (*done)(void *arg), void *arg)
{
	struct work *w = calloc(1, sizeof(*w));
	pthread_t thread;
	int rc;

	if (!w)
		return -ENOMEM;
	w->r = reactor_of(r);
	w->fn = fn;
	w->done = done;
	w->arg = arg;
	w->delay_ms = shim_work_delay_ms;
	rc = pthread_create(&thread, NULL, work_thread, w);
	if (rc) {
		free(w);
		return -rc;
	}
	pthread_detach(thread);
	shim_n_works++;
	return 0;
}

static const struct srpgw_host services = {
	.io_done = svc_io_done,
	.tmf_done = svc_tmf_done,
	.event = svc_event,
	.now_ns = svc_now_ns,
	.watch_add = svc_watch_add,
	.watch_mod = svc_watch_mod,
	.watch_del = svc_watch_del,
	.timer_new = svc_timer_new,
	.timer_arm = svc_timer_arm,
	.timer_cancel = svc_timer_cancel,
	.timer_free = svc_timer_free,
	.work = svc_work,
};

/* ---- open, attach ---- */

const char *shim_bridges = "../../../bridges"; /* BUILD/bridges, seen from BUILD/tests/unit/plugins/PROGRAM */

static const char *bridges_dir(void)
{
	static char path[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);

	assert_true(n > 0);
	path[n] = 0;
	strcpy(strrchr(path, '/') + 1, shim_bridges);
	return path;
}

static int try_open(struct shim *s, const char *uri, const char *const *settings, struct err *e)
{
	struct srpgw_setting set[16];
	size_t n = 0;

	for (; settings && settings[2 * n]; n++)
		set[n] = (struct srpgw_setting){ settings[2 * n], settings[2 * n + 1] };
	memset(s, 0, sizeof(*s));
	assert_int_equal(reactor_create("test", &s->reactor), 0);
	assert_int_equal(bridge_host_create(bridges_dir(), &services, &s->host, e), 0);
	return bridge_open(s->host, uri, set, n, &s->b, &s->t, e);
}

void shim_open(struct shim *s, const char *uri, const char *const *settings)
{
	struct err e = ERR_INIT;

	if (try_open(s, uri, settings, &e))
		fail_msg("%s: %s", uri, e.cause);
	assert_true(s->b->scratch_size <= SHIM_SCRATCH && s->b->tmf_scratch_size <= SHIM_SCRATCH);
}

void shim_open_refused(const char *uri, const char *const *settings, int code, char *line, size_t cap)
{
	struct err e = ERR_INIT;
	struct shim s;
	int rc = try_open(&s, uri, settings, &e);

	if (rc != code)
		fail_msg("%s: %d (%s) instead of %d", uri, rc, e.cause, code);
	err_format(&e, line, cap);
	assert_null(strchr(line, '\n'));
	bridge_host_destroy(s.host);
	reactor_destroy(s.reactor);
}

void shim_share(struct shim *s, const struct shim *of)
{
	*s = *of;
	s->host = NULL;
	assert_int_equal(reactor_create("test2", &s->reactor), 0);
}

void shim_close(struct shim *s)
{
	struct bridge_guard_stats st;

	if (s->host) {
		bridge_guard_stats(s->host, &st);
		assert_int_equal(st.answers_unknown_total, 0);
		assert_int_equal(st.answers_missing_total, 0);
		assert_int_equal(st.answers_malformed_total, 0);
		assert_int_equal(st.events_out_of_order_total, 0);
		s->b->close(s->t);
		bridge_host_destroy(s->host);
	}
	reactor_destroy(s->reactor);
}

void shim_attach_start(struct shim *s, struct shim_path *p, unsigned number)
{
	char name[64];
	struct srpgw_nexus_id nexus = {
		.struct_size = sizeof(nexus),
		.peer = "10.0.0.1",
		.initiator_name = name,
		.isid = { 0x80, 0x12, 0x34, 0x56, (uint8_t)(number >> 8), (uint8_t)number },
		.alias = "test",
	};

	snprintf(name, sizeof(name), "iqn.2026-11.srpgw.test:%u", number);
	nexus.i_port_id[15] = (uint8_t)number;
	nexus.t_port_id[15] = 1;
	memset(p, 0, sizeof(*p));
	p->shim = s;
	assert_int_equal(s->b->attach(s->t, (struct srpgw_reactor *)(void *)s->reactor, &nexus,
				      (struct srpgw_path_ctx *)(void *)p, &p->p),
			 0);
	assert_int_equal(p->n_events, 0);
}

static bool up_or_down(void *arg)
{
	struct shim_path *p = arg;

	return p->up || p->down;
}

void shim_attach(struct shim *s, struct shim_path *p, unsigned number)
{
	shim_attach_start(s, p, number);
	assert_true(shim_run(s, up_or_down, p, WAIT_MS));
	if (p->down)
		fail_msg("path went down: %s", p->why);
}

static void on_detached(void *arg)
{
	struct shim_path *p = arg;

	p->detached = true;
	p->p = NULL;
}

static bool is_detached(void *arg)
{
	return ((struct shim_path *)arg)->detached;
}

void shim_detach(struct shim_path *p)
{
	uint64_t start = reactor_clock_ns(p->shim->reactor);

	p->shim->b->detach(p->p, on_detached, p);
	assert_true(shim_run(p->shim, is_detached, p, WAIT_MS));
	assert_true(reactor_clock_ns(p->shim->reactor) - start < (SRPGW_DETACH_MS + 500) * NS_PER_MS);
}

/* ---- running ---- */

bool shim_run(struct shim *s, bool (*cond)(void *arg), void *arg, uint32_t timeout_ms)
{
	uint64_t end = reactor_clock_ns(s->reactor) + timeout_ms * NS_PER_MS;

	while (!cond(arg)) {
		uint64_t now = reactor_clock_ns(s->reactor);

		if (now >= end)
			return false;
		reactor_poll(s->reactor, (int)((end - now) / NS_PER_MS) + 1);
	}
	return true;
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

void shim_run_for(struct shim *s, uint32_t ms)
{
	shim_run(s, never, NULL, ms);
}

static void set_lun(uint8_t lun[8], uint32_t number)
{
	memset(lun, 0, 8);
	if (number >= 256)
		lun[0] = (uint8_t)(0x40 | number >> 8);
	lun[1] = (uint8_t)number;
}

void shim_prepare(struct shim_io *io, uint32_t lun, const void *cdb, size_t cdb_len, uint8_t dir, void *buf,
		  uint32_t len, uint32_t n_iov)
{
	uint32_t done = 0;

	memset(io, 0, offsetof(struct shim_io, scratch));
	memcpy(io->cdb, cdb, cdb_len);
	io->pub.struct_size = sizeof(io->pub);
	io->pub.dir = dir;
	io->pub.cdb = io->cdb;
	io->pub.cdb_len = (uint16_t)cdb_len;
	io->pub.iov = io->iov;
	io->pub.data_len = len;
	io->pub.scratch = io->scratch;
	set_lun(io->pub.lun, lun);
	/* Pieces of uneven, odd size; an iovec never ends on a word. */
	for (uint32_t i = 0; i < n_iov && done < len; i++) {
		uint32_t share = i + 1 == n_iov ? len - done : (len / n_iov + 3 * i) | 1;

		if (share > len - done)
			share = len - done;
		io->iov[i] = (struct iovec){ (uint8_t *)buf + done, share };
		io->pub.n_iov = i + 1;
		done += share;
	}
	assert_int_equal(done, len);
}

void shim_submit(struct shim_path *p, struct shim_io *io)
{
	p->shim->b->submit(p->p, &io->pub);
}

bool shim_io_is_done(void *arg)
{
	return ((struct shim_io *)arg)->n_done > 0;
}

int shim_command(struct shim_path *p, struct shim_io *io)
{
	shim_submit(p, io);
	assert_true(shim_run(p->shim, shim_io_is_done, io, WAIT_MS));
	assert_int_equal(io->n_done, 1);
	return io->pub.delivery == SRPGW_DELIVERY_ANSWERED ? io->pub.status : -1 - io->pub.delivery;
}

int shim_do(struct shim_path *p, struct shim_io *io, uint32_t lun, const void *cdb, size_t cdb_len, uint8_t dir,
	    void *buf, uint32_t len)
{
	shim_prepare(io, lun, cdb, cdb_len, dir, buf, len, 1);
	return shim_command(p, io);
}

void shim_tmf_start(struct shim_path *p, struct shim_tmf *t, uint8_t function, uint32_t lun, struct shim_io *io)
{
	memset(t, 0, offsetof(struct shim_tmf, scratch));
	t->pub.struct_size = sizeof(t->pub);
	t->pub.function = function;
	t->pub.io = io ? &io->pub : NULL;
	t->pub.scratch = t->scratch;
	t->pub.result = 0xff;
	set_lun(t->pub.lun, lun);
	p->shim->b->tmf(p->p, &t->pub);
}

static bool tmf_is_done(void *arg)
{
	return ((struct shim_tmf *)arg)->n_done > 0;
}

int shim_tmf(struct shim_path *p, struct shim_tmf *t, uint8_t function, uint32_t lun, struct shim_io *io)
{
	shim_tmf_start(p, t, function, lun, io);
	assert_true(shim_run(p->shim, tmf_is_done, t, WAIT_MS));
	assert_int_equal(t->n_done, 1);
	return t->pub.result;
}

uint32_t shim_sense(const struct shim_io *io)
{
	const uint8_t *s = io->pub.sense;

	if (io->pub.sense_len >= 4 && (s[0] & 0x7f) >= 0x72)
		return (uint32_t)(s[1] & 0xf) << 16 | (uint32_t)s[2] << 8 | s[3];
	if (io->pub.sense_len >= 14)
		return (uint32_t)(s[2] & 0xf) << 16 | (uint32_t)s[12] << 8 | s[13];
	return 0;
}

void shim_rw16(uint8_t cdb[16], bool write, uint64_t lba, uint32_t n_blocks)
{
	memset(cdb, 0, 16);
	cdb[0] = write ? 0x8a : 0x88;
	for (int i = 0; i < 8; i++)
		cdb[9 - i] = (uint8_t)(lba >> 8 * i);
	for (int i = 0; i < 4; i++)
		cdb[13 - i] = (uint8_t)(n_blocks >> 8 * i);
}

void shim_clear_ua(struct shim_path *p, uint32_t lun)
{
	static const uint8_t test_unit_ready[6];
	struct shim_io io;

	for (int i = 0; i < 10; i++)
		if (!shim_do(p, &io, lun, test_unit_ready, 6, SRPGW_DIR_NONE, NULL, 0))
			return;
	fail_msg("the unit does not get ready: sense %06x", shim_sense(&io));
}

struct fact {
	const char *key;
	char *buf;
	size_t cap;
};

static void on_fact(void *arg, const char *key, const char *value)
{
	struct fact *f = arg;

	if (!strcmp(key, f->key))
		snprintf(f->buf, f->cap, "%s", value);
}

const char *shim_fact(struct shim_path *p, const char *key, char *buf, size_t cap)
{
	struct fact f = { key, buf, cap };

	buf[0] = 0;
	p->shim->b->describe(p->p, on_fact, &f);
	return buf;
}
