/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bridge in the middle: opens the one below, makes paths over its paths, and plays what the plan says about a
 * path's life.
 */
#include "fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void tell(struct srpgw_bridge_path *path, uint32_t kind, const char *text, bool permanent)
{
	struct srpgw_event ev = { .struct_size = sizeof(ev), .kind = kind, .text = text, .permanent = permanent };

	if (!path->detached)
		path->host->event(path->ctx, &ev);
}

void path_soon(struct srpgw_bridge_path *path)
{
	path->soon = true;
	path->host->timer_arm(path->timer, 0);
}

/* ---- open, close ---- */

static int open_below(struct srpgw_bridge_target *t, const char *uri, const struct srpgw_setting *settings, size_t n,
		      char *why, size_t cap)
{
	int rc;

	if (!SRPGW_HAS(t->host, open_below)) {
		snprintf(why, cap, "this host cannot stack bridges; use a newer one");
		return -ENOTSUP;
	}
	rc = t->host->open_below(uri, settings, n, &t->to_below, &t->below, &t->below_target, why, cap);
	if (rc)
		return rc;
	if (t->below->scratch_size <= BELOW_SCRATCH && t->below->tmf_scratch_size <= BELOW_TMF_SCRATCH)
		return 0;
	snprintf(why, cap, "bridge %s needs %u bytes per command; in front of it only %u are left", t->below->name,
		 t->below->scratch_size, BELOW_SCRATCH);
	t->below->close(t->below_target);
	return -E2BIG;
}

/* "fault:RULE;RULE;BELOW": what is behind the last semicolon is the back-end. */
static int fault_open(const struct srpgw_host *host, const char *uri, const struct srpgw_setting *settings,
		      size_t n_settings, struct srpgw_bridge_target **target, char *why, size_t why_cap)
{
	struct srpgw_bridge_target *t = calloc(1, sizeof(*t));
	struct srpgw_setting *rest = calloc(n_settings + 1, sizeof(*rest));
	const char *rules = uri + strlen("fault:"), *last = strrchr(rules, ';');
	size_t n_rest = 0;
	int rc = -ENOMEM;

	if (!t || !rest) {
		snprintf(why, why_cap, "out of memory");
		goto out;
	}
	t->host = host;
	memcpy(&t->to_below, host, host->struct_size < sizeof(t->to_below) ? host->struct_size : sizeof(t->to_below));
	t->to_below.io_done = fault_io_done;
	t->to_below.tmf_done = fault_tmf_done;
	t->to_below.event = fault_event;
	plan_init(&t->plan);
	rc = last ? plan_parse(&t->plan, rules, (size_t)(last - rules), why, why_cap) : 0;
	for (size_t i = 0; i < n_settings && !rc; i++) {
		if (!strcmp(settings[i].key, "rules"))
			rc = plan_parse(&t->plan, settings[i].value, strlen(settings[i].value), why, why_cap);
		else
			rest[n_rest++] = settings[i];
	}
	if (!rc)
		rc = open_below(t, last ? last + 1 : rules, rest, n_rest, why, why_cap);
out:
	free(rest);
	if (rc)
		free(t);
	else
		*target = t;
	return rc;
}

static void fault_close(struct srpgw_bridge_target *t)
{
	t->below->close(t->below_target);
	free(t);
}

static void fault_limits(struct srpgw_bridge_target *t, struct srpgw_limits *out)
{
	t->below->limits(t->below_target, out);
}

/* ---- a path's life ---- */

static void on_below_detached(void *arg)
{
	struct srpgw_bridge_path *path = arg;

	path->below = NULL;
	path_soon(path);
}

static void detach_below(struct srpgw_bridge_path *path)
{
	if (!path->below || path->below_detaching)
		return;
	path->below_detaching = true;
	path->target->below->detach(path->below, on_below_detached, path);
}

static void go_down(struct srpgw_bridge_path *path, const char *text, bool permanent)
{
	path->down = true;
	tell(path, SRPGW_PATH_DOWN, text, permanent);
	commands_end(path, NULL);
	/* The lower session is ended from the timer: this may be inside one of its calls. */
	path_soon(path);
}

void fault_event(struct srpgw_path_ctx *ctx, const struct srpgw_event *ev)
{
	struct srpgw_bridge_path *path = (struct srpgw_bridge_path *)(void *)ctx;

	switch (ev->kind) {
	case SRPGW_PATH_UP:
		path->below_up = true;
		path->up_ns =
		    path->host->now_ns(path->reactor) + (path->faulty ? path->plan->up_delay_ms * NS_PER_MS : 0);
		path_soon(path);
		break;
	case SRPGW_PATH_DOWN:
		if (!path->down)
			go_down(path, ev->text, ev->permanent);
		break;
	default:
		if (!path->down)
			tell(path, ev->kind, ev->text, ev->permanent);
		break;
	}
}

static void get_up(struct srpgw_bridge_path *path, uint64_t now)
{
	if (path->number < path->plan->attach_down) {
		go_down(path, "injected: this attempt is to fail", false);
		return;
	}
	path->up = true;
	if (path->faulty && path->plan->down_after_ms)
		path->down_ns = now + path->plan->down_after_ms * NS_PER_MS;
	tell(path, SRPGW_PATH_UP, "with faults to come", false);
}

static void finish_detach(struct srpgw_bridge_path *path)
{
	void (*done)(void *) = path->detached;
	void *arg = path->detached_arg;

	path->host->timer_free(path->timer);
	free(path);
	done(arg);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void path_tick(struct srpgw_bridge_path *path)
{
	uint64_t now = path->host->now_ns(path->reactor), next = UINT64_MAX;

	path->soon = false;
	if (!path->down && !path->detached) {
		if (path->below_up && !path->up) {
			if (now >= path->up_ns)
				get_up(path, now);
			else
				next = path->up_ns;
		}
		if (path->down_ns && !path->down) {
			if (now >= path->down_ns)
				go_down(path, "injected: the path is to go down", false);
			else
				next = earlier(next, path->down_ns);
		}
	}
	if (path->down || path->detached) {
		commands_end(path, NULL);
		detach_below(path);
	} else {
		next = earlier(next, commands_due(path, now));
	}
	next = earlier(next, tmfs_due(path, now));
	if (path->detached && !path->below && TAILQ_EMPTY(&path->tmfs)) {
		finish_detach(path);
		return;
	}
	if (path->soon)
		path->host->timer_arm(path->timer, 0);
	else if (next != UINT64_MAX)
		path->host->timer_arm(path->timer, next - now);
}

static void on_timer(void *arg)
{
	path_tick(arg);
}

static int fault_attach(struct srpgw_bridge_target *target, struct srpgw_reactor *r, const struct srpgw_nexus_id *nexus,
			struct srpgw_path_ctx *ctx, struct srpgw_bridge_path **out)
{
	uint32_t number = atomic_fetch_add(&target->n_attach, 1);
	struct srpgw_bridge_path *path;
	int rc;

	if (number < target->plan.attach_fail)
		return -ECONNREFUSED;
	path = calloc(1, sizeof(*path));
	if (!path)
		return -ENOMEM;
	path->target = target;
	path->host = target->host;
	path->reactor = r;
	path->ctx = ctx;
	path->plan = &target->plan;
	path->number = number - target->plan.attach_fail;
	path->faulty = !path->plan->paths || path->number < path->plan->paths;
	path->random = path->plan->seed + path->number * 0xd1342543de82ef95ull;
	TAILQ_INIT(&path->waiting);
	TAILQ_INIT(&path->lost);
	TAILQ_INIT(&path->tmfs);
	path->timer = path->host->timer_new(r, on_timer, path);
	rc = path->timer ? target->below->attach(target->below_target, r, nexus, (struct srpgw_path_ctx *)(void *)path,
						 &path->below)
			 : -ENOMEM;
	if (rc) {
		if (path->timer)
			path->host->timer_free(path->timer);
		free(path);
		return rc;
	}
	*out = path;
	return 0;
}

static void fault_detach(struct srpgw_bridge_path *path, void (*done)(void *arg), void *arg)
{
	path->detached = done;
	path->detached_arg = arg;
	path_soon(path);
}

static void fault_describe(struct srpgw_bridge_path *path, void (*emit)(void *arg, const char *key, const char *value),
			   void *arg)
{
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{ "commands_held_total", path->held_total },
		{ "answers_delayed_total", path->delayed_total },
		{ "lost_total", path->lost_total },
		{ "failed_total", path->failed_total },
	};
	char text[32];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)numbers[i].value);
		emit(arg, numbers[i].key, text);
	}
	emit(arg, "below", path->target->below->name);
	if (path->below && SRPGW_HAS(path->target->below, describe))
		path->target->below->describe(path->below, emit, arg);
}

static int fault_mem_add(struct srpgw_bridge_target *t, void *base, size_t len)
{
	return SRPGW_HAS(t->below, mem_add) ? t->below->mem_add(t->below_target, base, len) : 0;
}

static void fault_mem_del(struct srpgw_bridge_target *t, void *base, size_t len)
{
	if (SRPGW_HAS(t->below, mem_del))
		t->below->mem_del(t->below_target, base, len);
}

SRPGW_BRIDGE_REGISTER(
	.name = "fault",
	.version = SRPGW_VERSION,
	.description = "errors and delay in front of another bridge: fault:[RULE;]...URI",
	.schemes = "fault",
	.settings_help = plan_help,
	.scratch_size = sizeof(struct fault_io),
	.tmf_scratch_size = sizeof(struct fault_tmf),
	.open = fault_open,
	.close = fault_close,
	.limits = fault_limits,
	.attach = fault_attach,
	.detach = fault_detach,
	.submit = fault_submit,
	.abort = fault_abort,
	.tmf = fault_tmf,
	.describe = fault_describe,
	.mem_add = fault_mem_add,
	.mem_del = fault_mem_del,
)
