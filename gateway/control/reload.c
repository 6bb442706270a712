/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading the configuration again while sessions run: a new snapshot or, on any error, the old one. Layer: control.
 */
#include "gateway_private.h"
#include "service.h"
#include "snapshot.h"

#include <stdio.h>
#include <string.h>

static void reload_answer(struct gateway *g, json_t *answer)
{
	void (*done)(void *arg, json_t *answer) = g->reload_done;

	g->reload_done = NULL;
	if (done)
		done(g->reload_arg, answer);
	else
		json_decref(answer);
}

static json_t *problems_json(const struct problems *p)
{
	json_t *list = json_array();
	char line[sizeof(struct err)];

	for (size_t i = 0; list && i < p->n; i++) {
		if (!status_append(list, json_string(err_format(&p->item[i], line, sizeof(line))))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static void reload_failed(struct gateway *g, const struct problems *problems)
{
	char line[sizeof(struct err)];
	json_t *answer, *error;

	g->reload_errors_total++;
	g->generation++;
	for (size_t i = 0; i < problems->n; i++)
		log_line(NULL, LOG_LEVEL_ERROR, "reload: %s", err_format(&problems->item[i], line, sizeof(line)));
	log_warn("reload: the configuration stays as it was");
	snprintf(g->last_reload_error, sizeof(g->last_reload_error), "%.1000s",
		 problems->n ? err_format(&problems->item[0], line, sizeof(line)) : "out of memory");
	answer = service_error_json("bad-configuration", g->last_reload_error, "correct the file and reload again");
	error = json_object_get(answer, "error");
	if (error && json_object_set_new(error, "problems", problems_json(problems))) {
		json_decref(answer);
		answer = NULL;
	}
	reload_answer(g, answer);
}

static void on_restart_key(void *arg, const char *path)
{
	struct gateway *g = arg;
	char text[200];

	snprintf(text, sizeof(text), "%.128s: the change takes effect when srpgwd is restarted", path);
	log_warn("reload: %s", text);
	json_array_append_new(g->reload_warnings, json_string(text));
}

static void on_warning(void *arg, const char *text)
{
	struct gateway *g = arg;

	log_warn("reload: %s", text);
	json_array_append_new(g->reload_warnings, json_string(text));
}

/* Every reactor uses the new snapshot. */
static void on_applied(void *arg)
{
	struct gateway *g = arg;

	if (g->config != g->start_config)
		config_free(g->config);
	g->config = g->next_config;
	g->next_config = NULL;
	g->reloading = false;
	g->reloads_total++;
	g->generation++;
	g->last_reload_error[0] = '\0';
	log_set_level((enum log_level)g->config->log_level);
	log_info("reload: %s is in force", g->config->file);
	reload_answer(g, json_pack("{s:b, s:O}", "ok", 1, "warnings", g->reload_warnings));
	json_decref(g->reload_warnings);
	g->reload_warnings = NULL;
}

void gateway_reload(struct gateway *g, void (*done)(void *arg, json_t *answer), void *arg)
{
	struct problems problems = { .file = NULL };
	struct config *next = NULL;
	struct map *map = NULL;
	int rc;

	if (strcmp(g->state, "ready") != 0 || g->reloading) {
		if (done)
			done(arg, service_error_json(
				      "busy", g->reloading ? "another reload is under way" : "the gateway is not ready",
				      "try again later"));
		else
			log_warn("reload: not now; the gateway is %s", g->reloading ? "reloading" : g->state);
		return;
	}
	g->reload_done = done;
	g->reload_arg = arg;
	rc = config_load(g->config->file, &next, &problems);
	if (rc == 0) {
		problems = config_problems(next);
		listeners_check(next, g->params.kinds, &problems);
		if (problems_count(&problems) == 0)
			rc = snapshot_build(next, g->backends, &problems, &map);
	}
	if (rc || problems_count(&problems)) {
		reload_failed(g, &problems);
		problems_free(&problems);
		config_free(next);
		return;
	}
	problems_free(&problems);
	g->reloading = true;
	g->next_config = next;
	g->reload_warnings = json_array();
	schema_restart_diff(&config_schema, g->start_config->root, next->root, on_restart_key, g);
	snapshot_warnings(map, on_warning, g);
	backends_commit(g->backends);
	core_apply(g->core, map, on_applied, g);
}
