/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log lines for people, one line each, on standard error with the journal's <N> priority prefix when asked.
 * "IDENT: LEVEL: TEXT", or "<N>IDENT: TEXT" for the journal; the text is made safe to print (base/text.h).
 * Every call preserves errno (%m works) and is rate-limited per call site: ten lines in five seconds; the number
 * suppressed is printed with the next line of that site.
 * Never called per command. Layer: base. Knows libc only.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "cleanup.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* One per call site, static, zero-initialized; any thread. */
struct log_site {
	_Atomic uint64_t window_start_ns;
	_Atomic uint32_t n_in_window;
	_Atomic uint32_t n_suppressed;
};

/* @ident: program name in each line, borrowed for ever. @journal: print "<N>" prefixes. Call before threads start. */
void log_init(const char *ident, enum log_level level, bool journal);
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

/*
 * Called for each line that is printed (level, text without prefix), after printing, on the calling thread;
 * the event list of the status document hangs on it. NULL removes it. Calls do not overlap; a line that the hook logs
 * is printed but not reported. When log_set_hook() returns, the old hook is not running and will not be called again;
 * so not from inside the hook. @text is valid during the call.
 */
void log_set_hook(void (*hook)(void *arg, enum log_level level, const char *text), void *arg);

/* @site may be NULL: no rate limit (start-up and tools). */
void log_line(struct log_site *site, enum log_level level, const char *fmt, ...) PRINTF_LIKE(3, 4);
void log_vline(struct log_site *site, enum log_level level, const char *fmt, va_list ap)
	PRINTF_LIKE(3, 0);

#define log_at(level, ...)                                          \
	do {                                                        \
		static struct log_site log_site_;                   \
		if (log_enabled(level))                             \
			log_line(&log_site_, level, __VA_ARGS__);   \
	} while (0)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
