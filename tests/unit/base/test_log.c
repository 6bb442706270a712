/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines as they arrive on standard error: shape, one piece per line, errno, rate limit, hook, many threads. */
#include "../../../gateway/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

static int err_read_fd, saved_stderr;
static char seen[1 << 20];

/* Standard error becomes a pipe for one test. */
static int setup(void **state)
{
	int fd[2];

	(void)state;
	if (pipe2(fd, O_NONBLOCK) < 0)
		return -1;
	fcntl(fd[1], F_SETPIPE_SZ, 1 << 20);
	fflush(stderr);
	saved_stderr = dup(STDERR_FILENO);
	dup2(fd[1], STDERR_FILENO);
	close(fd[1]);
	err_read_fd = fd[0];
	log_init("t", LOG_LEVEL_DEBUG, false);
	log_set_hook(NULL, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(err_read_fd);
	return 0;
}

/* All that was written since the last call. */
static const char *drain(void)
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(err_read_fd, seen + n, sizeof(seen) - 1 - n)) > 0)
		n += (size_t)got;
	seen[n] = '\0';
	return seen;
}

static unsigned n_lines(const char *s)
{
	unsigned n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

static void lines_have_ident_and_level(void **state)
{
	(void)state;
	log_error("a %d", 1);
	log_warn("b");
	log_info("c");
	log_debug("d");
	assert_string_equal(drain(), "t: error: a 1\nt: warning: b\nt: info: c\nt: debug: d\n");
	log_init("t", LOG_LEVEL_DEBUG, true);
	log_error("a %d", 1);
	log_warn("b");
	log_info("c");
	log_debug("d");
	assert_string_equal(drain(), "<3>t: a 1\n<4>t: b\n<6>t: c\n<7>t: d\n");
}

static void level_filters(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_WARN);
	assert_true(log_enabled(LOG_LEVEL_ERROR));
	assert_true(log_enabled(LOG_LEVEL_WARN));
	assert_false(log_enabled(LOG_LEVEL_INFO));
	log_info("no");
	log_line(NULL, LOG_LEVEL_DEBUG, "no");
	log_warn("yes");
	assert_string_equal(drain(), "t: warning: yes\n");
}

static void errno_is_printed_and_kept(void **state)
{
	(void)state;
	errno = ENOENT;
	log_error("open: %m");
	assert_int_equal(errno, ENOENT);
	errno = EBUSY;
	log_init("t", LOG_LEVEL_DEBUG, true);
	errno = EBUSY;
	log_error("%m");
	assert_int_equal(errno, EBUSY);
	assert_string_equal(drain(), "t: error: open: No such file or directory\n<3>t: Device or resource busy\n");
	/* also when the write itself fails */
	close(STDERR_FILENO);
	errno = EPERM;
	log_error("lost");
	assert_int_equal(errno, EPERM);
}

static void text_cannot_forge_a_line_or_drive_a_terminal(void **state)
{
	(void)state;
	log_error("%s", "a\nb\tc\x1b[31m\r\x7f\x01z caf\xc3\xa9");
	assert_string_equal(drain(), "t: error: a b c?[31m ??z caf\xc3\xa9\n");
}

static void long_text_is_cut_to_one_line(void **state)
{
	char text[5000];
	size_t len;

	(void)state;
	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
	len = strlen(drain());
	assert_true(len > 1500 && len < 4096);
	assert_int_equal(seen[len - 1], '\n');
	assert_int_equal(n_lines(seen), 1);
	/* never in the middle of a character */
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 3);
	log_line(NULL, LOG_LEVEL_ERROR, "%s", text);
	log_line(NULL, LOG_LEVEL_ERROR, "x%s", text);
	drain();
	assert_int_equal(n_lines(seen), 2);
	for (const char *end = strchr(seen, '\n'); end; end = strchr(end + 1, '\n'))
		assert_memory_equal(end - 2, "\xc3\xa9", 2);
	/* the number suppressed still fits */
	{
		struct log_site site = { .n_suppressed = 4000000000u };

		log_line(&site, LOG_LEVEL_ERROR, "%s", text);
		assert_non_null(strstr(drain(), "\xc3\xa9 (4000000000 similar lines suppressed)\n"));
	}
}

static void a_site_prints_ten_lines_and_counts_the_rest(void **state)
{
	struct log_site site = { 0 }, other = { 0 };

	(void)state;
	for (int i = 0; i < 25; i++)
		log_line(&site, LOG_LEVEL_INFO, "line %d", i);
	assert_int_equal(n_lines(drain()), 10);
	assert_non_null(strstr(seen, "line 9\n"));
	assert_int_equal(site.n_suppressed, 15);
	log_line(&other, LOG_LEVEL_INFO, "other");
	assert_string_equal(drain(), "t: info: other\n");
	site.window_start_ns -= 5000000000u; /* five seconds later */
	log_line(&site, LOG_LEVEL_INFO, "again");
	assert_string_equal(drain(), "t: info: again (15 similar lines suppressed)\n");
	log_line(&site, LOG_LEVEL_INFO, "again");
	assert_string_equal(drain(), "t: info: again\n");
	for (int i = 0; i < 100; i++)
		log_line(NULL, LOG_LEVEL_INFO, "free");
	assert_int_equal(n_lines(drain()), 100);
}

struct hooked {
	unsigned n;
	enum log_level level;
	char text[64];
};

static void on_line(void *arg, enum log_level level, const char *text)
{
	struct hooked *h = arg;

	h->n++;
	h->level = level;
	snprintf(h->text, sizeof(h->text), "%s", text);
	if (h->n == 1)
		log_info("from the hook"); /* printed, and does not come back here */
	errno = EXDEV;
}

static void hook_sees_each_printed_line(void **state)
{
	struct hooked h = { 0 };
	struct log_site site = { 0 };

	(void)state;
	log_set_hook(on_line, &h);
	errno = ESRCH;
	log_warn("x %d", 5);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(h.n, 1);
	assert_int_equal(h.level, LOG_LEVEL_WARN);
	assert_string_equal(h.text, "x 5");
	assert_string_equal(drain(), "t: warning: x 5\nt: info: from the hook\n");
	for (int i = 0; i < 20; i++)
		log_line(&site, LOG_LEVEL_INFO, "y");
	assert_int_equal(h.n, 11);
	log_set_hook(NULL, NULL);
	log_warn("z");
	assert_int_equal(h.n, 11);
}

enum { THREADS = 4, LINES = 500 };

static void *writer(void *arg)
{
	static struct log_site site;

	for (int i = 0; i < LINES; i++) {
		log_line(NULL, LOG_LEVEL_INFO, "thread %d line %d end", *(int *)arg, i);
		log_line(&site, LOG_LEVEL_INFO, "limited");
	}
	return &site;
}

static void lines_of_threads_do_not_mix(void **state)
{
	pthread_t t[THREADS];
	int id[THREADS], next[THREADS] = { 0 };
	unsigned n_limited = 0;
	struct log_site *site = NULL;
	struct hooked h = { .n = 1 };
	char *save = NULL;

	(void)state;
	log_set_hook(on_line, &h);
	for (int i = 0; i < THREADS; i++) {
		id[i] = i;
		assert_int_equal(pthread_create(&t[i], NULL, writer, &id[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		void *ret;

		pthread_join(t[i], &ret);
		site = ret;
	}
	log_set_hook(NULL, NULL);
	drain();
	for (char *line = strtok_r(seen, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int thread, number, used = 0;

		if (!strcmp(line, "t: info: limited")) {
			n_limited++;
			continue;
		}
		assert_int_equal(sscanf(line, "t: info: thread %d line %d end%n", &thread, &number, &used), 2);
		assert_int_equal(used, strlen(line));
		assert_in_range(thread, 0, THREADS - 1);
		assert_int_equal(number, next[thread]++);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(next[i], LINES);
	assert_true(n_limited >= 10);
	assert_int_equal(n_limited + site->n_suppressed, THREADS * LINES);
	assert_int_equal(h.n - 1, n_limited + THREADS * LINES);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_have_ident_and_level),
		TEST(level_filters),
		TEST(errno_is_printed_and_kept),
		TEST(text_cannot_forge_a_line_or_drive_a_terminal),
		TEST(long_text_is_cut_to_one_line),
		TEST(a_site_prints_ten_lines_and_counts_the_rest),
		TEST(hook_sees_each_printed_line),
		TEST(lines_of_threads_do_not_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
