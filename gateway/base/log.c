/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log lines: formats into one buffer on the stack and hands it to the kernel with one write(2), so that lines of
 * several threads never mix. Layer: base. Knows libc only.
 */
#include "log.h"

#include "text.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE_CAP 2048u   /* below PIPE_BUF: one write is one piece also in a pipe */
#define SUFFIX_CAP 48u   /* kept free for the number suppressed and the newline */
#define SITE_LINES_PER_WINDOW 10u
#define SITE_WINDOW_NS 5000000000ull

static const struct {
	const char *name;
	char journal; /* RFC 5424 severity, as systemd's journal reads it */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", '3' },
	[LOG_LEVEL_WARN] = { "warning", '4' },
	[LOG_LEVEL_INFO] = { "info", '6' },
	[LOG_LEVEL_DEBUG] = { "debug", '7' },
};

static const char *log_ident = "srpgw";
static bool log_journal;
static _Atomic int log_threshold = LOG_LEVEL_INFO;

/* Held while the hook runs: once log_set_hook() returned, the old hook is not running and never will. */
static pthread_mutex_t hook_lock = PTHREAD_MUTEX_INITIALIZER;
static void (*hook_fn)(void *arg, enum log_level level, const char *text);
static void *hook_arg;
static _Thread_local bool in_hook;

void log_init(const char *ident, enum log_level level, bool journal)
{
	log_ident = ident;
	log_journal = journal;
	log_set_level(level);
}

void log_set_level(enum log_level level)
{
	log_threshold = (int)level;
}

bool log_enabled(enum log_level level)
{
	return (int)level <= log_threshold;
}

void log_set_hook(void (*hook)(void *arg, enum log_level level, const char *text), void *arg)
{
	pthread_mutex_lock(&hook_lock);
	hook_fn = hook;
	hook_arg = arg;
	pthread_mutex_unlock(&hook_lock);
}

static void call_hook(enum log_level level, const char *text)
{
	if (in_hook) /* a hook that logs */
		return;
	in_hook = true;
	pthread_mutex_lock(&hook_lock);
	if (hook_fn)
		hook_fn(hook_arg, level, text);
	pthread_mutex_unlock(&hook_lock);
	in_hook = false;
}

/*
 * True when the site may print now; @n_suppressed: lines to confess. Threads that race over the start of a window may
 * let a few lines more or less through, but each line is either printed or counted.
 */
static bool site_allows(struct log_site *site, uint32_t *n_suppressed)
{
	struct timespec ts;
	uint64_t now_ns, start_ns = site->window_start_ns;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now_ns = (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
	if (now_ns - start_ns >= SITE_WINDOW_NS &&
	    atomic_compare_exchange_strong(&site->window_start_ns, &start_ns, now_ns))
		site->n_in_window = 0;
	if (atomic_fetch_add(&site->n_in_window, 1) >= SITE_LINES_PER_WINDOW) {
		atomic_fetch_add(&site->n_suppressed, 1);
		return false;
	}
	*n_suppressed = atomic_exchange(&site->n_suppressed, 0);
	return true;
}

static size_t cut(int n, size_t cap)
{
	return n < 0 ? 0 : (size_t)n < cap ? (size_t)n : cap - 1;
}

void log_vline(struct log_site *site, enum log_level level, const char *fmt, va_list ap)
{
	int saved_errno = errno;
	uint32_t n_suppressed = 0;
	char line[LINE_CAP];
	size_t len, text_at, cap = sizeof(line) - SUFFIX_CAP;

	if (!log_enabled(level) || (site && !site_allows(site, &n_suppressed)))
		goto out;
	if (log_journal)
		len = cut(snprintf(line, cap, "<%c>%s: ", levels[level].journal, log_ident), cap);
	else
		len = cut(snprintf(line, cap, "%s: %s: ", log_ident, levels[level].name), cap);
	text_at = len;
	errno = saved_errno; /* for %m */
	line[len + cut(vsnprintf(line + len, cap - len, fmt, ap), cap - len)] = '\0';
	text_make_safe(line + len);
	len += strlen(line + len);
	if (n_suppressed)
		len += cut(snprintf(line + len, SUFFIX_CAP - 1, " (%u similar lines suppressed)", n_suppressed), SUFFIX_CAP - 1);
	line[len] = '\n';
	while (write(STDERR_FILENO, line, len + 1) < 0 && errno == EINTR)
		;
	line[len] = '\0';
	call_hook(level, line + text_at);
out:
	errno = saved_errno;
}

void log_line(struct log_site *site, enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vline(site, level, fmt, ap);
	va_end(ap);
}
