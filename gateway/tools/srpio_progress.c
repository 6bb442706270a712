/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Draws at most five times a second.
 * Layer: tools.
 */
#include "srpio_progress.h"

#include <stdio.h>
#include <string.h>

#define DRAW_NS (200 * NS_PER_MS)
enum { BAR = 24 };

const char *srpio_bytes_text(double bytes, char *out, size_t cap)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	unsigned u = 0;

	while (bytes >= 1024 && u < 5) {
		bytes /= 1024;
		u++;
	}
	snprintf(out, cap, u ? "%.1f %s" : "%.0f %s", bytes, units[u]);
	return out;
}

const char *srpio_progress_text(const char *what, uint64_t done_bytes, uint64_t total_bytes, uint64_t elapsed_ns, char *out,
				size_t cap)
{
	double seconds = (double)elapsed_ns / NS_PER_S, rate = seconds > 0 ? (double)done_bytes / seconds : 0;
	char done[32], speed[32], bar[BAR + 1];
	unsigned n;
	uint64_t eta;

	srpio_bytes_text((double)done_bytes, done, sizeof(done));
	srpio_bytes_text(rate, speed, sizeof(speed));
	if (!total_bytes) {
		snprintf(out, cap, "%s %s, %s/s", what, done, speed);
		return out;
	}
	if (done_bytes > total_bytes)
		done_bytes = total_bytes;
	n = (unsigned)((double)done_bytes / (double)total_bytes * BAR);
	memset(bar, ' ', BAR);
	memset(bar, '=', n);
	bar[BAR] = '\0';
	eta = rate > 0 ? (uint64_t)((double)(total_bytes - done_bytes) / rate + 0.5) : 0;
	snprintf(out, cap, "%s %3u%% [%s] %s, %s/s, %llu:%02llu left", what,
		 (unsigned)((double)done_bytes / (double)total_bytes * 100), bar, done, speed, (unsigned long long)(eta / 60),
		 (unsigned long long)(eta % 60));
	return out;
}

static void draw(struct srpio_progress *p)
{
	char line[160];

	srpio_progress_text(p->what, p->done_bytes, p->total_bytes, reactor_clock_ns(p->reactor) - p->start_ns, line,
			    sizeof(line));
	fprintf(stderr, p->terminal ? "\r\033[K%s" : "%s\n", line);
	fflush(stderr);
}

/* Quarters of the whole that are done. */
static unsigned quarters(const struct srpio_progress *p)
{
	return p->total_bytes ? (unsigned)((double)p->done_bytes / (double)p->total_bytes * 4) : 0;
}

static void on_timer(struct reactor_timer *t)
{
	struct srpio_progress *p = container_of(t, struct srpio_progress, timer);

	if (p->terminal || quarters(p) > p->n_quarters)
		draw(p);
	p->n_quarters = quarters(p);
	timer_arm_in(p->reactor, t, DRAW_NS);
}

void srpio_progress_start(struct srpio_progress *p, struct reactor *r, const char *what, uint64_t total_bytes, bool quiet)
{
	memset(p, 0, sizeof(*p));
	p->reactor = r;
	p->what = what;
	p->total_bytes = total_bytes;
	p->start_ns = reactor_clock_ns(r);
	p->terminal = isatty(STDERR_FILENO);
	p->on = !quiet && p->terminal;
	timer_init(&p->timer, on_timer);
	if (p->on)
		timer_arm_in(r, &p->timer, DRAW_NS);
}

void srpio_progress_stay(struct srpio_progress *p)
{
	p->on = p->stays = true;
	draw(p);
	timer_arm_in(p->reactor, &p->timer, DRAW_NS);
}

void srpio_progress_end(struct srpio_progress *p)
{
	if (!p->on)
		return;
	timer_cancel(p->reactor, &p->timer);
	if (p->stays)
		draw(p);
	fputs(!p->terminal ? "" : p->stays ? "\n" : "\r\033[K", stderr);
	fflush(stderr);
}
