/* SPDX-License-Identifier: BSD-3-Clause */
/* The status and control sockets, see service.h. Layer: control. */
#include "service.h"
#include "../base/text.h"
#include "line_server.h"
#include "unix_socket.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_CACHE_NS (100 * NS_PER_MS)
#define DRAIN_MS 5000u
#define PART_MAX 16

/* A request that waits for the reactors' answers, or for a command's end. */
struct waiter {
	struct list_node node;
	struct service *service;
	struct line_client *client;
	char part[PART_MAX]; /* "" for the whole document */
	uint32_t session_id;
};

struct service {
	struct gateway *g;
	char dir[128];
	struct line_server *status, *control;
	struct core_status *last; /* what was collected last, answered from for STATUS_CACHE_NS */
	uint64_t last_ns, last_generation;
	struct line_text *whole; /* the whole document made of it */
	bool collecting;
	struct list waiters;
};

json_t *service_error_json(const char *code, const char *cause, const char *cure)
{
	return json_pack("{s:{s:s, s:s, s:s?}}", "error", "code", code, "cause", cause, "cure", cure);
}

/* Consumes @v; NULL becomes an error that needs no memory of ours. */
static struct line_text *text_of(json_t *v)
{
	char *compact = v ? json_dumps(v, JSON_COMPACT) : NULL, *line = NULL;
	size_t len = compact ? strlen(compact) : 0;

	json_decref(v);
	if (compact)
		line = realloc(compact, len + 2);
	if (!line) {
		free(compact);
		line = strdup("{\"error\":{\"code\":\"internal\",\"cause\":\"out of memory\"}}\n");
		return line_text_new(line, line ? strlen(line) : 0);
	}
	line[len] = '\n';
	line[len + 1] = '\0';
	return line_text_new(line, len + 1);
}

static void reply_json(struct line_client *client, json_t *v)
{
	line_client_reply(client, text_of(v));
}

static void reply_error(struct line_client *client, const char *code, const char *cause, const char *cure)
{
	reply_json(client, service_error_json(code, cause, cure));
}

static json_t *make_document(struct service *s, const char *part)
{
	struct status_input in;
	json_t *doc = NULL;

	gateway_status_input(s->g, s->last, &in);
	if (in.listeners && in.devices && in.events)
		doc = status_document(&in, part);
	json_decref(in.listeners);
	json_decref(in.devices);
	json_decref(in.events);
	return doc;
}

static void answer_from_last(struct service *s, struct line_client *client, const char *part)
{
	if (part[0]) {
		reply_json(client, make_document(s, part));
		return;
	}
	if (!s->whole)
		s->whole = text_of(make_document(s, NULL));
	line_client_reply(client, s->whole ? line_text_get(s->whole) : NULL);
}

/* Texts that come from back-ends and hosts must not spoil the document. */
static void make_texts_safe(struct core_status *st)
{
	for (size_t i = 0; i < st->n_path; i++) {
		text_make_safe(st->path[i].why);
		text_make_safe(st->path[i].initiator_name);
	}
	for (size_t i = 0; i < st->n_session; i++)
		text_make_safe(st->session[i].peer);
}

static void forget_last(struct service *s)
{
	if (s->last)
		core_status_free(s->last);
	line_text_put(s->whole);
	s->last = NULL;
	s->whole = NULL;
}

static void on_collected(void *arg, struct core_status *st)
{
	struct service *s = arg;
	struct list waiters;

	s->collecting = false;
	if (st) {
		make_texts_safe(st);
		forget_last(s);
		s->last = st;
		s->last_ns = reactor_clock_ns(gateway_control(s->g));
		s->last_generation = gateway_generation(s->g);
	}
	list_init(&waiters);
	list_splice_back(&waiters, &s->waiters);
	list_for_each_safe (n, &waiters) {
		struct waiter *w = list_entry(n, struct waiter, node);

		list_del(n);
		if (st)
			answer_from_last(s, w->client, w->part);
		else
			reply_error(w->client, "internal", "the reactors could not be asked", NULL);
		free(w);
	}
}

static struct waiter *waiter_new(struct service *s, struct line_client *client)
{
	struct waiter *w = calloc(1, sizeof(*w));

	if (!w) {
		line_client_reply(client, NULL);
		return NULL;
	}
	list_node_init(&w->node);
	w->service = s;
	w->client = client;
	return w;
}

/* Young enough, and nothing that was commanded happened since. */
static bool is_fresh(const struct service *s)
{
	return s->last && s->last_generation == gateway_generation(s->g) &&
	       reactor_clock_ns(gateway_control(s->g)) - s->last_ns < STATUS_CACHE_NS;
}

static void get_document(struct service *s, struct line_client *client, const char *part)
{
	struct waiter *w;

	if (is_fresh(s)) {
		answer_from_last(s, client, part);
		return;
	}
	w = waiter_new(s, client);
	if (!w)
		return;
	snprintf(w->part, sizeof(w->part), "%s", part);
	list_push_back(&s->waiters, &w->node);
	if (s->collecting)
		return;
	s->collecting = true;
	if (core_status_get(gateway_core(s->g), on_collected, s))
		on_collected(s, NULL);
}

static void request_get(struct service *s, struct line_client *client, const char *what)
{
	if (strcmp(what, "bridges") == 0)
		reply_json(client, gateway_bridges_json(s->g));
	else if (strcmp(what, "status") == 0)
		get_document(s, client, "");
	else if (status_has_part(what))
		get_document(s, client, what);
	else
		reply_error(client, "unknown-request", "there is no such thing to get",
			    "get status, sessions, luns, backends, targets, reactors, events or bridges");
}

static void on_reloaded(void *arg, json_t *answer)
{
	struct waiter *w = arg;

	reply_json(w->client, answer);
	free(w);
}

static void on_drained(void *arg)
{
	struct waiter *w = arg;

	reply_json(w->client, json_pack("{s:b}", "ok", 1));
	free(w);
}

static void on_kicked(void *arg, bool found)
{
	struct waiter *w = arg;
	char cause[64];

	snprintf(cause, sizeof(cause), "there is no session %u", w->session_id);
	if (found)
		reply_json(w->client, json_pack("{s:b}", "ok", 1));
	else
		reply_error(w->client, "not-found", cause, "see `srpgwctl sessions` for the numbers");
	free(w);
}

static void request_kick(struct service *s, struct line_client *client, const json_t *request)
{
	const json_t *id = json_object_get(request, "session_id");
	struct waiter *w;

	if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > UINT32_MAX) {
		reply_error(client, "bad-request", "\"session_id\" is missing or no number", NULL);
		return;
	}
	w = waiter_new(s, client);
	if (!w)
		return;
	w->session_id = (uint32_t)json_integer_value(id);
	if (core_kick(gateway_core(s->g), w->session_id, on_kicked, w)) {
		reply_error(client, "internal", "the reactors could not be told", NULL);
		free(w);
	}
}

static void request_do(struct service *s, struct line_client *client, const char *what, const json_t *request)
{
	struct waiter *w;

	if (strcmp(what, "kick") == 0) {
		request_kick(s, client, request);
	} else if (strcmp(what, "reload") == 0) {
		w = waiter_new(s, client);
		if (w)
			gateway_reload(s->g, on_reloaded, w);
	} else if (strcmp(what, "drain") == 0) {
		w = waiter_new(s, client);
		if (w)
			gateway_drain(s->g, DRAIN_MS, on_drained, w);
	} else {
		reply_error(client, "unknown-request", "there is no such command", "do reload, drain or kick");
	}
}

static void request(struct service *s, struct line_client *client, const char *line, size_t len, bool may_control)
{
	json_error_t je;
	json_t *v = json_loadb(line, len, JSON_REJECT_DUPLICATES, &je);
	const char *get = json_string_value(json_object_get(v, "get")),
		   *what = json_string_value(json_object_get(v, "do"));

	if (!json_is_object(v))
		reply_error(client, "bad-request", "the line is no JSON object", NULL);
	else if (get)
		request_get(s, client, get);
	else if (what && !may_control)
		reply_error(client, "forbidden", "this socket only tells the status", "use " SERVICE_CONTROL_SOCKET);
	else if (what)
		request_do(s, client, what, v);
	else
		reply_error(client, "bad-request", "neither \"get\" nor \"do\" is there", NULL);
	json_decref(v);
}

static void on_status_request(void *arg, struct line_client *client, const char *line, size_t len)
{
	request(arg, client, line, len, false);
}

static void on_control_request(void *arg, struct line_client *client, const char *line, size_t len)
{
	request(arg, client, line, len, true);
}

static int open_socket(struct service *s, const char *name, const char *group,
		       void (*fn)(void *arg, struct line_client *client, const char *line, size_t len),
		       struct line_server **out, struct err *e)
{
	struct line_server_params p = { .reactor = gateway_control(s->g), .request = fn, .arg = s };
	int rc = unix_socket_listen(s->dir, name, group, &p.listen_fd, e);

	if (rc)
		return rc;
	rc = line_server_create(&p, out);
	if (rc)
		err_set(e, rc, "cannot watch %s/%s: %s", s->dir, name, strerror(-rc));
	return rc;
}

int service_create(struct gateway *g, const char *dir, struct service **out, struct err *e)
{
	struct service *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return err_set(e, -ENOMEM, "out of memory");
	s->g = g;
	list_init(&s->waiters);
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	rc = open_socket(s, SERVICE_STATUS_SOCKET, SERVICE_GROUP, on_status_request, &s->status, e);
	if (rc == 0)
		rc = open_socket(s, SERVICE_CONTROL_SOCKET, NULL, on_control_request, &s->control, e);
	if (rc) {
		service_destroy(s);
		return rc;
	}
	*out = s;
	return 0;
}

void service_destroy(struct service *s)
{
	if (!s)
		return;
	if (s->status)
		unix_socket_unlink(s->dir, SERVICE_STATUS_SOCKET);
	if (s->control)
		unix_socket_unlink(s->dir, SERVICE_CONTROL_SOCKET);
	line_server_destroy(s->status);
	line_server_destroy(s->control);
	list_for_each_safe (n, &s->waiters) {
		struct waiter *w = list_entry(n, struct waiter, node);

		line_client_reply(w->client, NULL); /* frees it: its server is gone */
		free(w);
	}
	forget_last(s);
	free(s);
}
