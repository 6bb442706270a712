/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The iSER bridge as far as it goes without an RDMA device: which libiscsi it works with and within what limits, its settings,
 * work on threads of its own, and attaching where nothing leads.
 */
#include "host_shim.h"

#include "../../../plugins/iser/offload.h"
#include "../../../plugins/iser/version.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define URI "iser://127.0.0.1:3260/iqn.2026-11.example:none"

/* ---- versions ---- */

static void *stand_in(const char *name)
{
	char path[512], exe[400];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	void *handle;

	assert_true(n > 0);
	exe[n] = 0;
	*strrchr(exe, '/') = 0;
	snprintf(path, sizeof(path), "%s/../bridge/so/%s.so", exe, name);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	assert_non_null(handle);
	return handle;
}

static void test_versions(void **state)
{
	static const struct {
		const char *name;
		enum iser_version version;
	} known[] = {
		{ "libiscsi-1180", ISER_UNKNOWN },
		{ "libiscsi-1190", ISER_1_19 },
		{ "libiscsi-1200", ISER_1_20_0 },
		{ "libiscsi-1201", ISER_1_20_1 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		void *handle = stand_in(known[i].name);
		char file[512];

		assert_int_equal(iser_version_of_library(handle), known[i].version);
		assert_int_equal(iser_version_at(dlsym(handle, "iscsi_init_transport"), file, sizeof(file)),
				 known[i].version);
		assert_non_null(strstr(file, known[i].name));
		dlclose(handle);
	}
}

static void test_limits(void **state)
{
	const struct iser_limits *l = iser_limits_of(ISER_1_19);

	(void)state;
	assert_int_equal(l->max_transfer_bytes, 256 << 10);
	assert_int_equal(l->default_outstanding, 32);
	assert_int_equal(l->most_outstanding, 32);
	assert_false(l->has_tmf);
	/* Longer than LIO waits for a login that nobody goes on with. */
	assert_true(l->login_timeout_ms > 15000);
	assert_true(l->must_be_mended && l->announces_immediate);
	l = iser_limits_of(ISER_1_20_0);
	assert_int_equal(l->max_transfer_bytes, 512 << 10);
	assert_true(l->most_outstanding > 32 && l->default_outstanding > 32);
	assert_true(l->has_tmf);
	assert_true(l->login_timeout_ms > 15000);
	assert_false(l->must_be_mended || l->announces_immediate);
	assert_int_equal(iser_limits_of(ISER_1_20_1)->most_outstanding, 0);
	assert_int_equal(iser_limits_of(ISER_UNKNOWN)->most_outstanding, 0);
	assert_int_equal(iser_limits_of(ISER_VERSIONS)->most_outstanding, 0);
}

static void test_refusal_names_versions(void **state)
{
	char why[512];

	(void)state;
	iser_version_refuse(ISER_1_20_1, "/lib/libiscsi.so.11", why, sizeof(why));
	assert_non_null(strstr(why, "/lib/libiscsi.so.11"));
	assert_non_null(strstr(why, "1.20.1"));
	assert_non_null(strstr(why, "use libiscsi 1.19 or 1.20.0"));
	iser_version_refuse(ISER_UNKNOWN, "libiscsi", why, sizeof(why));
	assert_non_null(strstr(why, "1.19 or 1.20.0"));
}

/* ---- work on a thread ---- */

static struct {
	int fd;
	void (*fn)(void *arg, int revents);
	void *arg;
	unsigned n_watches;
} watch;

static struct srpgw_watch *watch_add(struct srpgw_reactor *r, int fd, int events, void (*fn)(void *arg, int revents), void *arg)
{
	(void)r, (void)events;
	watch.fd = fd;
	watch.fn = fn;
	watch.arg = arg;
	watch.n_watches++;
	return (struct srpgw_watch *)(void *)&watch;
}

static void watch_del(struct srpgw_watch *w)
{
	assert_ptr_equal(w, &watch);
	watch.n_watches--;
	watch.fd = -1;
}

static const struct srpgw_host host = { .struct_size = sizeof(host), .watch_add = watch_add, .watch_del = watch_del };

struct piece {
	struct offload offload;
	_Atomic int go, n_done, n_drop;
};

static void piece_fn(struct offload *o)
{
	struct piece *p = (struct piece *)o;

	while (!atomic_load(&p->go))
		usleep(1000);
}

static void piece_done(struct offload *o)
{
	atomic_fetch_add(&((struct piece *)o)->n_done, 1);
}

static void piece_drop(struct offload *o)
{
	atomic_fetch_add(&((struct piece *)o)->n_drop, 1);
}

static void await(_Atomic int *n)
{
	for (int ms = 0; ms < 10000 && !atomic_load(n); ms++)
		usleep(1000);
	assert_int_equal(atomic_load(n), 1);
}

static void await_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 10000), 1);
}

static void test_handed_back(void **state)
{
	struct piece p = { .offload = { .fn = piece_fn, .done = piece_done, .drop = piece_drop }, .go = 1 };

	(void)state;
	assert_int_equal(offload_start(&p.offload, &host, NULL), 0);
	await_readable(watch.fd);
	watch.fn(watch.arg, POLLIN);
	assert_int_equal(p.n_done, 1);
	assert_int_equal(p.n_drop, 0);
	assert_int_equal(watch.n_watches, 0);
}

/* Forgotten before it has ended, and after. */
static void test_forgotten(void **state)
{
	(void)state;
	for (int finished = 0; finished < 2; finished++) {
		struct piece p = { .offload = { .fn = piece_fn, .done = piece_done, .drop = piece_drop }, .go = finished };

		assert_int_equal(offload_start(&p.offload, &host, NULL), 0);
		if (finished)
			await_readable(watch.fd);
		offload_forget(&p.offload);
		assert_int_equal(watch.n_watches, 0);
		atomic_store(&p.go, 1);
		await(&p.n_drop);
		assert_int_equal(p.n_done, 0);
	}
}

/* ---- the bridge ---- */

static void test_target_limits(void **state)
{
	struct srpgw_limits limits = { .struct_size = sizeof(limits) };
	struct shim shim;

	(void)state;
	/* Debian 12 has 1.19. */
	shim_open(&shim, URI, NULL);
	shim.b->limits(shim.t, &limits);
	assert_int_equal(limits.max_outstanding, 32);
	assert_int_equal(limits.max_transfer_bytes, 256 << 10);
	assert_false(limits.own_thread);
	assert_true(limits.iscsi_transport_ids);
	shim_close(&shim);
}

static void test_settings(void **state)
{
	static const char *const many[] = { "max_outstanding", "33", NULL }, *const digest[] = { "header_digest", "crc32c", NULL };
	static const char *const tcp[] = { "tcp_user_timeout_ms", "100", NULL }, *const few[] = { "max_outstanding", "4", NULL };
	struct srpgw_limits limits = { .struct_size = sizeof(limits) };
	struct shim shim;
	char line[512];

	(void)state;
	shim_open_refused(URI, many, -EINVAL, line, sizeof(line));
	assert_non_null(strstr(line, "from 1 to 32"));
	shim_open_refused(URI, digest, -EINVAL, line, sizeof(line));
	assert_non_null(strstr(line, "iSER has no such thing"));
	shim_open_refused(URI, tcp, -EINVAL, line, sizeof(line));
	assert_non_null(strstr(line, "iSER has no such thing"));
	shim_open(&shim, URI, few);
	shim.b->limits(shim.t, &limits);
	assert_int_equal(limits.max_outstanding, 4);
	shim_close(&shim);
}

static unsigned count(const char *folder)
{
	DIR *d = opendir(folder);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static bool is_down(void *arg)
{
	return ((struct shim_path *)arg)->down;
}

/* Nothing leads there: it says so, and leaves neither threads nor descriptors; nor does who lets go before it knows. */
static void test_no_way(void **state)
{
	unsigned fds = 0;
	struct shim_path path;
	struct shim shim;

	(void)state;
	shim_open(&shim, URI, NULL);
	for (int i = 0; i < 20; i++) {
		shim_attach_start(&shim, &path, 1);
		if (i % 2) {
			assert_true(shim_run(&shim, is_down, &path, 15000));
			assert_false(path.up);
			assert_non_null(strstr(path.why, "cannot connect to 127.0.0.1:3260"));
		}
		shim_detach(&path);
		if (i == 3)
			fds = count("/proc/self/fd");
	}
	for (int ms = 0; ms < 10000 && count("/proc/self/fd") > fds; ms++)
		usleep(1000);
	/* (The count was taken while a thread may still have been ending.) */
	assert_in_range(count("/proc/self/fd"), 1, fds);
	for (int ms = 0; ms < 10000 && count("/proc/self/task") > 3; ms++)
		usleep(1000);
	assert_int_equal(count("/proc/self/task"), 3); /* itself, . and .. */
	shim_close(&shim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_refusal_names_versions),
		cmocka_unit_test(test_handed_back),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_target_limits),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_no_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
