/* SPDX-License-Identifier: BSD-3-Clause */
/* The last log lines, see events.h. Layer: control. Knows base and jansson. */
#include "events.h"
#include "../base/text.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_BYTES 512u

struct event {
	uint64_t number, realtime_ms;
	enum log_level level;
	char text[TEXT_BYTES];
};

struct events {
	pthread_mutex_t lock;
	uint64_t n_total;
	struct event ring[EVENTS_KEPT];
};

uint64_t events_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

const char *events_time_str(uint64_t realtime_ms, char buf[32])
{
	time_t s = (time_t)(realtime_ms / 1000);
	char day[24];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, 32, "%s.%03uZ", day, (unsigned)(realtime_ms % 1000));
	return buf;
}

static void on_line(void *arg, enum log_level level, const char *text)
{
	struct events *ev = arg;
	uint64_t now = events_now_ms();
	struct event *e;

	pthread_mutex_lock(&ev->lock);
	e = &ev->ring[ev->n_total % EVENTS_KEPT];
	e->number = ++ev->n_total;
	e->realtime_ms = now;
	e->level = level;
	snprintf(e->text, sizeof(e->text), "%s", text);
	text_make_safe(e->text); /* it may have been cut inside a character */
	pthread_mutex_unlock(&ev->lock);
}

int events_create(struct events **out)
{
	struct events *ev = calloc(1, sizeof(*ev));

	if (!ev)
		return -ENOMEM;
	pthread_mutex_init(&ev->lock, NULL);
	log_set_hook(on_line, ev);
	*out = ev;
	return 0;
}

void events_destroy(struct events *ev)
{
	if (!ev)
		return;
	log_set_hook(NULL, NULL);
	pthread_mutex_destroy(&ev->lock);
	free(ev);
}

static json_t *event_json(const struct event *e)
{
	static const char *const level_names[] = { "error", "warn", "info", "debug" };
	char time_str[32];
	return json_pack("{s:I, s:s, s:s, s:s}", "number", (json_int_t)e->number, "time",
			 events_time_str(e->realtime_ms, time_str), "level", level_names[e->level], "text", e->text);
}

json_t *events_json(struct events *ev, uint64_t after)
{
	json_t *list = json_array();
	uint64_t first;

	pthread_mutex_lock(&ev->lock);
	first = ev->n_total > EVENTS_KEPT ? ev->n_total - EVENTS_KEPT : 0;
	if (after > first)
		first = after;
	for (uint64_t i = first; list && i < ev->n_total; i++) {
		if (json_array_append_new(list, event_json(&ev->ring[i % EVENTS_KEPT]))) {
			json_decref(list);
			list = NULL;
		}
	}
	pthread_mutex_unlock(&ev->lock);
	return list;
}
