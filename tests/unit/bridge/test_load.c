/* SPDX-License-Identifier: BSD-3-Clause */
/* The loader: older and newer plugins work, and each wrong one is refused with a line of its own. */
#include "../../../gateway/bridge/host.h"
#include "so_dir.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int n_done, n_tmf_done;

static void count_io(struct srpgw_io *io)
{
	(void)io;
	n_done++;
}

static void count_tmf(struct srpgw_tmf *tmf)
{
	(void)tmf;
	n_tmf_done++;
}

static void count_detached(void *arg)
{
	++*(int *)arg;
}

static struct bridge_host *make(const char *dir)
{
	struct srpgw_host services = { .io_done = count_io, .tmf_done = count_tmf };
	struct bridge_host *h;
	struct err e = ERR_INIT;

	assert_int_equal(bridge_host_create(dir, &services, &h, &e), 0);
	return h;
}

/* Opens, attaches, sends one command and one function, detaches. */
static void drive(const char *uri)
{
	struct bridge_host *h = make(so_dir());
	const struct srpgw_bridge *b;
	struct srpgw_bridge_target *t;
	struct srpgw_bridge_path *p;
	struct srpgw_nexus_id nexus = { .struct_size = sizeof(nexus) };
	struct srpgw_limits limits;
	struct srpgw_io io = { .struct_size = sizeof(io) };
	struct srpgw_tmf tmf = { .struct_size = sizeof(tmf) };
	struct err e = ERR_INIT;
	int detached = 0;

	if (bridge_open(h, uri, NULL, 0, &b, &t, &e))
		fail_msg("%s", e.cause);
	b->limits(t, &limits);
	assert_int_equal(limits.max_outstanding, 7);
	assert_int_equal(limits.max_transfer_bytes, 0);
	assert_int_equal(b->attach(t, NULL, &nexus, NULL, &p), 0);
	n_done = n_tmf_done = 0;
	b->submit(p, &io);
	b->tmf(p, &tmf);
	assert_int_equal(n_done, 1);
	assert_int_equal(n_tmf_done, 1);
	assert_null(b->describe);
	assert_null(b->mem_add);
	b->detach(p, count_detached, &detached);
	assert_int_equal(detached, 1);
	b->close(t);
	bridge_host_destroy(h);
}

static void test_today(void **state)
{
	(void)state;
	drive("good:x");
}

static void test_older_plugin(void **state)
{
	(void)state;
	drive("older:x");
}

static void test_newer_plugin(void **state)
{
	(void)state;
	drive("newer:x");
}

/* The URI is refused with @code, and the line says @cause. */
static void refuse(struct bridge_host *h, const char *uri, int code, const char *cause)
{
	const struct srpgw_bridge *b = NULL;
	struct err e = ERR_INIT;
	char line[1024];
	int rc = bridge_find(h, uri, &b, &e);

	err_format(&e, line, sizeof(line));
	if (rc != code || !strstr(line, cause))
		fail_msg("%s: %d instead of %d, \"%s\" instead of \"%s\"", uri, rc, code, line, cause);
	assert_null(b);
	assert_null(strchr(line, '\n'));
}

static void test_wrong_plugins(void **state)
{
	struct bridge_host *h = make(so_dir());

	(void)state;
	refuse(h, "wrongabi:x", -EPROTO, "built for bridge interface 42, this gateway speaks 1");
	refuse(h, "nosymbol:x", -EPROTO, "no symbol srpgw_bridge_entry_v1");
	refuse(h, "null:x", -EPROTO, "returned nothing");
	refuse(h, "short:x", -EPROTO, "4 bytes long");
	refuse(h, "cut:x", -EPROTO, "does not set \"submit\"");
	refuse(h, "noname:x", -EPROTO, "does not set \"name\"");
	refuse(h, "noopen:x", -EPROTO, "does not set \"open\"");
	refuse(h, "nodetach:x", -EPROTO, "does not set \"detach\"");
	refuse(h, "notmf:x", -EPROTO, "does not set \"tmf\"");
	refuse(h, "alien:x", -EPROTO, "serves the schemes \"mars,venus\", not \"alien\"");
	refuse(h, "absent:x", -ENOENT, "there is no bridge \"absent\"");
	refuse(h, "absent:x", -ENOENT, "good");
	refuse(h, "/etc/passwd", -EINVAL, "does not begin with a scheme");
	refuse(h, "../good:x", -EINVAL, "does not begin with a scheme");
	refuse(h, "", -EINVAL, "does not begin with a scheme");
	bridge_host_destroy(h);
}

static void test_not_a_shared_object(void **state)
{
	char dir[] = "/tmp/srpgw-test-XXXXXX", path[64];
	struct bridge_host *h;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/text.so", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("this is no program\n", f);
	fclose(f);
	h = make(dir);
	refuse(h, "text:x", -ENOEXEC, "cannot load a bridge");
	refuse(h, "text:x", -ENOEXEC, "text.so");
	bridge_host_destroy(h);
	unlink(path);
	h = make(dir);
	refuse(h, "iscsi:x", -ENOENT, "none");
	bridge_host_destroy(h);
	rmdir(dir);
	h = make(dir);
	refuse(h, "iscsi:x", -ENOENT, "none");
	bridge_host_destroy(h);
}

static void test_open_fails_with_the_bridges_words(void **state)
{
	struct bridge_host *h = make(so_dir());
	const struct srpgw_bridge *b;
	struct srpgw_bridge_target *t;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(bridge_open(h, "good:refuse", NULL, 0, &b, &t, &e), -EINVAL);
	assert_non_null(strstr(e.cause, "bridge good: refused as asked; ask for something else"));
	bridge_host_destroy(h);
}

static void test_stacking_is_bounded(void **state)
{
	struct bridge_host *h = make(so_dir());
	const struct srpgw_bridge *b;
	struct srpgw_bridge_target *t;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(bridge_open(h, "below:below:below:below:below:below:x", NULL, 0, &b, &t, &e), -ELOOP);
	assert_non_null(strstr(e.cause, "stacked"));
	bridge_host_destroy(h);
}

struct seen {
	int good, bad, in_order;
	char last[256];
};

static void note(void *arg, const char *path, const struct srpgw_bridge *b, const char *why)
{
	struct seen *s = arg;

	/* What the tests of the plugins put there, if they were built before. */
	if (strstr(path, "/sg.so") || strstr(path, "/libiscsi-"))
		return;
	assert_true(!b == !!why);
	if (b)
		s->good++;
	else
		s->bad++;
	s->in_order += strcmp(s->last, path) < 0;
	snprintf(s->last, sizeof(s->last), "%s", path);
}

static void test_list_all(void **state)
{
	struct bridge_host *h = make(so_dir());
	struct seen s = { 0 };

	(void)state;
	bridge_for_each(h, note, &s);
	assert_int_equal(s.good,
			 7); /* good, older, newer, below, rude, guide, and alien, whose fault is its file name only */
	assert_int_equal(s.bad, 9);
	assert_int_equal(s.in_order, 16);
	bridge_host_destroy(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_today),
		cmocka_unit_test(test_older_plugin),
		cmocka_unit_test(test_newer_plugin),
		cmocka_unit_test(test_wrong_plugins),
		cmocka_unit_test(test_not_a_shared_object),
		cmocka_unit_test(test_open_fails_with_the_bridges_words),
		cmocka_unit_test(test_stacking_is_bounded),
		cmocka_unit_test(test_list_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
