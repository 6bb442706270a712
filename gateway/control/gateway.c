/* SPDX-License-Identifier: BSD-3-Clause */
/* The running gateway, see gateway.h. Layer: control. */
#include "gateway.h"
#include "backends.h"
#include "events.h"
#include "gateway_private.h"
#include "keep_store.h"
#include "service.h"
#include "snapshot.h"
#include "unix_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void gateway_set_state(struct gateway *g, const char *state)
{
	g->state = state;
	g->generation++;
}

uint64_t gateway_generation(const struct gateway *g)
{
	return g->generation;
}

static void problem_from(struct problems *problems, const struct err *e)
{
	struct err *p = problem(problems, "%s", e->cause[0] ? e->cause : "out of memory");

	if (e->cure[0])
		err_cure(p, "%s", e->cure);
}

static int create_core(struct gateway *g, struct err *e)
{
	const struct config *c = g->config;
	struct core_params p = {
		.control = g->params.control,
		.pool_bytes = c->pool_bytes,
		.max_tasks = c->limits.max_tasks,
		.max_ios = c->limits.max_ios,
		.gateway_name = c->name,
	};
	struct srpgw_host services = { .struct_size = sizeof(services) };
	int rc;

	rc = reactors_create(c->reactors ? c->reactors : reactors_default_count(), c->busy_poll_us, &g->reactors, e);
	if (rc)
		return rc;
	p.reactor = reactors_array(g->reactors);
	p.n_reactor = reactors_count(g->reactors);
	rc = core_create(&p, &g->core, e);
	if (rc)
		return rc;
	core_host_services(g->core, &services);
	rc = bridge_host_create(g->params.bridge_dir, &services, &g->bridges, e);
	if (rc)
		return rc;
	return backends_create(g->bridges, g->core, &g->backends);
}

static void on_warning(void *arg, const char *text)
{
	(void)arg;
	log_warn("%s", text);
}

static int create_all(struct gateway *g, struct problems *problems)
{
	struct err e = ERR_INIT;
	int rc;

	listeners_check(g->config, g->params.kinds, problems);
	if (problems_count(problems))
		return -EINVAL;
	rc = events_create(&g->events);
	if (rc == 0)
		rc = runtime_dir_take(g->config->runtime_dir, &g->lock_fd, &e);
	if (rc == 0)
		rc = create_core(g, &e);
	if (rc == 0)
		rc = service_create(g, g->config->runtime_dir, &g->service, &e);
	if (rc) {
		problem_from(problems, &e);
		return rc;
	}
	rc = snapshot_build(g->config, g->backends, problems, &g->first_map);
	if (rc)
		return rc;
	snapshot_warnings(g->first_map, on_warning, NULL);
	return listeners_create(g->config, g->params.kinds, g->params.control, g->core, &g->listeners, problems);
}

int gateway_create(const struct gateway_params *p, struct config *config, struct gateway **out,
		   struct problems *problems)
{
	struct gateway *g = calloc(1, sizeof(*g));
	int rc;

	if (!g) {
		config_free(config);
		problem(problems, "out of memory");
		return -ENOMEM;
	}
	g->params = *p;
	g->config = g->start_config = config;
	g->lock_fd = -1;
	gateway_set_state(g, "starting");
	g->started_ms = events_now_ms();
	list_init(&g->drain_waiters);
	log_set_level((enum log_level)config->log_level);
	rc = create_all(g, problems);
	if (rc) {
		/* The caller prints the problems; their places are known already. */
		problems->file = problems->text = NULL;
		gateway_destroy(g);
		return rc;
	}
	g->keep_store = keep_store_create(g->config->state_dir, g->core, g->params.control, KEEP_STORE_DELAY_MS);
	*out = g;
	return 0;
}

static void on_first_applied(void *arg)
{
	struct gateway *g = arg;
	struct problems problems = config_problems(g->config);

	if (strcmp(g->state, "starting") != 0) /* told to stop meanwhile */
		return;
	if (listeners_start(g->listeners, &problems) == 0) {
		gateway_set_state(g, "ready");
		g->params.ready(g->params.arg);
	} else {
		g->params.failed(g->params.arg, &problems);
	}
	problems_free(&problems);
}

int gateway_start(struct gateway *g, struct problems *problems)
{
	struct err e = ERR_INIT;
	int rc = reactors_start(g->reactors, &e);

	if (rc) {
		problem_from(problems, &e);
		return rc;
	}
	core_apply(g->core, g->first_map, on_first_applied, g);
	g->first_map = NULL;
	return 0;
}

struct drain_waiter {
	struct list_node node;
	void (*done)(void *arg);
	void *arg;
};

static void on_drained(void *arg)
{
	struct gateway *g = arg;
	struct list waiters;

	if (g->was_ready) /* else there was nothing to end, and the line that says why is the last */
		log_info("all sessions have ended");
	gateway_set_state(g, "drained");
	list_init(&waiters);
	list_splice_back(&waiters, &g->drain_waiters);
	list_for_each_safe (n, &waiters) {
		struct drain_waiter *w = list_entry(n, struct drain_waiter, node);

		list_del(n);
		w->done(w->arg);
		free(w);
	}
}

void gateway_drain(struct gateway *g, uint32_t timeout_ms, void (*done)(void *arg), void *arg)
{
	struct drain_waiter *w;

	if (strcmp(g->state, "drained") == 0) {
		if (done)
			done(arg);
		return;
	}
	if (done) {
		w = calloc(1, sizeof(*w));
		if (!w) { /* without a place to wait in, do not wait */
			done(arg);
			return;
		}
		w->done = done;
		w->arg = arg;
		list_push_back(&g->drain_waiters, &w->node);
	}
	if (strcmp(g->state, "draining") == 0)
		return;
	g->was_ready = strcmp(g->state, "ready") == 0;
	if (g->was_ready)
		log_info("ending all sessions");
	gateway_set_state(g, "draining");
	listeners_stop(g->listeners);
	core_drain(g->core, timeout_ms, on_drained, g);
}

void gateway_destroy(struct gateway *g)
{
	if (!g)
		return;
	if (g->listeners)
		listeners_stop(g->listeners);
	if (g->reactors)
		reactors_stop(g->reactors);
	list_for_each_safe (n, &g->drain_waiters)
		free(list_entry(n, struct drain_waiter, node));
	if (g->first_map)
		g->first_map->release(g->first_map);
	listeners_destroy(g->listeners);
	keep_store_destroy(g->keep_store);
	if (g->core)
		core_destroy(g->core);
	service_destroy(g->service); /* late: until here the core may still answer one of its clients */
	if (g->backends)
		backends_destroy(g->backends);
	if (g->bridges)
		bridge_host_destroy(g->bridges);
	reactors_destroy(g->reactors);
	events_destroy(g->events);
	if (g->config != g->start_config)
		config_free(g->config);
	config_free(g->start_config);
	if (g->lock_fd >= 0)
		close(g->lock_fd);
	free(g);
}

struct core *gateway_core(struct gateway *g)
{
	return g->core;
}

struct reactor *gateway_control(struct gateway *g)
{
	return g->params.control;
}

void gateway_status_input(struct gateway *g, const struct core_status *core, struct status_input *in)
{
	*in = (struct status_input){
		.core = core,
		.map = core_map(g->core),
		.control = g->params.control,
		.version = g->params.version,
		.config_file = g->config->file,
		.state = g->state,
		.started_ms = g->started_ms,
		.now_ms = events_now_ms(),
		.reloads_total = g->reloads_total,
		.reload_errors_total = g->reload_errors_total,
		.last_reload_error = g->last_reload_error[0] ? g->last_reload_error : NULL,
		.listeners = g->listeners ? listeners_json(g->listeners) : json_array(),
		.devices = g->listeners ? listeners_devices_json(g->listeners) : json_array(),
		.events = events_json(g->events, 0),
	};
}

struct bridge_list {
	json_t *list;
	bool failed;
};

static void on_bridge(void *arg, const char *path, const struct srpgw_bridge *b, const char *why)
{
	struct bridge_list *l = arg;
	json_t *item;

	if (b)
		item = json_pack("{s:s, s:b, s:s, s:s, s:s, s:s, s:i, s:I, s:s?}", "path", path, "usable", 1, "name",
				 b->name, "version", b->version, "description", b->description, "schemes", b->schemes,
				 "abi", (int)b->abi, "scratch_bytes", (json_int_t)b->scratch_size, "settings_help",
				 b->settings_help);
	else
		item = json_pack("{s:s, s:b, s:s?}", "path", path, "usable", 0, "why", why);
	if (l->failed || !status_append(l->list, item))
		l->failed = true;
}

json_t *gateway_bridges_json(struct gateway *g)
{
	struct bridge_list l = { .list = json_array() };

	if (l.list)
		bridge_for_each(g->bridges, on_bridge, &l);
	if (l.failed) {
		json_decref(l.list);
		return NULL;
	}
	return json_pack("{s:i, s:o}", "schema_version", STATUS_SCHEMA_VERSION, "bridges", l.list);
}
