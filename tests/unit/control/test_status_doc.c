/* SPDX-License-Identifier: BSD-3-Clause */
/* status_doc.h: a document with everything in it is what docs/status.schema.json says, number by number; and the event
 * list. */
#include "../../../gateway/control/events.h"
#include "../../../gateway/control/status_doc.h"
#include "json_schema.h"
#include "unit.h"

static json_t *schema(void)
{
	json_error_t e;
	json_t *s = json_load_file("docs/status.schema.json", JSON_REJECT_DUPLICATES, &e);

	if (!s)
		fail_msg("docs/status.schema.json:%d: %s (run from the top of the project)", e.line, e.text);
	return s;
}

static struct srpgw_bridge bridge = { .name = "mem" };
/* The map's texts are not const. */
#define TEXT(s) ((char[]){ s })
static struct backend backends[] = {
	{ .name = TEXT("san"),
	  .uri = TEXT("iscsi://h/iqn.x"),
	  .bridge = &bridge,
	  .hold_ms = 20000,
	  .number = 1,
	  .limits.max_outstanding = 128 },
	{ .name = TEXT("ram"), .uri = TEXT("mem:1M"), .bridge = &bridge, .number = 2 },
};
static struct backend *backend_list[] = { &backends[0], &backends[1] };
static struct initiator_pattern patterns[] = {
	{ .any = true, .text = TEXT("*") },
	{ .has_id = true, .text = TEXT("all ones") },
	{ .has_id = true, .text = TEXT("all zero") },
};
static struct backend *all_of[] = { &backends[0] };
static struct lun_map_entry luns[] = {
	{ .lun = { 0 }, .backend_lun = { 0, 1 }, .backend = &backends[0] },
	{ .lun = { 0x41, 0x2c }, .backend_lun = { 0 }, .backend = &backends[1] },
};
static struct initiator_group group = {
	.name = TEXT("default"), .pattern = patterns, .n_pattern = 3, .lun = luns, .n_lun = 2,
	.all = all_of, .n_all = 1
};
static struct target_conf target = {
	.t_port_id = { 0, 0, 0, 0, 0, 0, 0, 1, 0xab }, .name = TEXT("t"), .group = &group, .n_group = 1
};
static struct map map = {
	.gateway_name = TEXT("gw"),
	.target = &target,
	.n_target = 1,
	.backend = backend_list,
	.n_backend = 2,
};

struct all {
	struct reactor *control;
	struct core_status core;
	struct status_input in;
};

static void make(struct all *a)
{
	static struct reactor_status reactor;
	static struct session_status session;
	static struct path_status path[2];
	static struct lun_status lun;

	memset(a, 0, sizeof(*a));
	assert_int_equal(reactor_create("control", &a->control), 0);
	memset(patterns[1].id, 0xff, 16);
	memset(patterns[1].id_mask, 0xff, 16);
	memset(patterns[2].id_mask, 0xff, 16);

	reactor = (struct reactor_status){ .name = "data0", .pool_size_bytes = 1 << 20, .n_sessions = 1 };
	reactor.task_states[TASK_EXECUTING] = 3;
	session = (struct session_status){
		.id = 7, .target = "t", .group = "default", .peer = "10.0.0.2:1", .n_channels = 1
	};
	memset(session.i_port_id, 0xff, 16);
	session.since_ns = 4 * NS_PER_S;
	session.channel[0] =
	    (struct channel_status){ .id = 9, .state = "live", .peer = "10.0.0.2:1", .device = "rxe0", .req_lim = -1 };
	session.io.read_bytes_total = 1ull << 40;
	hist_add(&session.time.backend, 5000);
	hist_add(&session.time.backend, 1ull << 60); /* the open bucket */
	path[0] = (struct path_status){
		.session_id = 7, .backend = "san", .state = "up", .initiator_name = "iqn.y", .since_ns = 1
	};
	path[1] = (struct path_status){ .session_id = 8, .backend = "san", .state = "down", .why = "gone" };
	lun = (struct lun_status){ .session_id = 7, .lun = "0", .backend = "san", .backend_lun = "1", .imported = true, .fenced = true };
	a->core = (struct core_status){
		.now_ns = 5 * NS_PER_S,
		.reactor = &reactor,
		.n_reactor = 1,
		.session = &session,
		.n_session = 1,
		.path = path,
		.n_path = 2,
		.lun = &lun,
		.n_lun = 1,
		.logins_accepted_total = 2,
		.logins_refused_total = 1,
		.refused_by_reason_total = { 0, 1 },
	};
	a->in = (struct status_input){
		.core = &a->core,
		.map = &map,
		.control = a->control,
		.version = "1",
		.config_file = "c.json",
		.state = "ready",
		.started_ms = 1000,
		.now_ms = 1795372399123,
		.last_reload_error = "c.json:1:1: x",
		.listeners = json_pack("[{s:s, s:s, s:i, s:s}]", "fabric", "rdma", "address", "::", "port", 5555,
				       "state", "listening"),
		.devices = json_pack("[{s:s, s:s, s:{s:s}}]", "fabric", "rdma", "device", "rxe0", "properties", "state",
				     "in use"),
		.events = json_array(),
	};
	assert_non_null(a->in.listeners);
	assert_non_null(a->in.devices);
}

static void unmake(struct all *a)
{
	json_decref(a->in.listeners);
	json_decref(a->in.devices);
	json_decref(a->in.events);
	reactor_destroy(a->control);
}

static void the_document_is_what_the_schema_says(void **state)
{
	json_t *s = schema(), *doc;
	struct schema_run run;
	struct all a;

	(void)state;
	make(&a);
	doc = status_document(&a.in, NULL);
	assert_non_null(doc);
	if (!json_schema_ok(&run, s, doc))
		fail_msg("%s", run.why);
	json_decref(doc);
	/* And the test can fail. */
	doc = status_document(&a.in, NULL);
	json_object_set_new(json_object_get(doc, "gateway"), "uptime", json_integer(1));
	assert_false(json_schema_ok(&run, s, doc));
	assert_string_equal(run.why, "$.gateway.uptime: is not in the schema");
	json_decref(doc);
	doc = status_document(&a.in, NULL);
	json_object_del(json_array_get(json_object_get(doc, "sessions"), 0), "peer");
	assert_false(json_schema_ok(&run, s, doc));
	assert_string_equal(run.why, "$.sessions[0].peer: is missing");
	json_decref(doc);
	json_decref(s);
	unmake(&a);
}

/* The value at a path such as "sessions/0/io/read_bytes_total". */
static const json_t *at(const json_t *v, const char *path)
{
	char copy[128], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *step = strtok_r(copy, "/", &save); step; step = strtok_r(NULL, "/", &save))
		v = json_is_array(v) ? json_array_get(v, (size_t)atoi(step)) : json_object_get(v, step);
	if (!v)
		fail_msg("there is no %s", path);
	return v;
}

static void is_text(const json_t *doc, const char *path, const char *want)
{
	assert_true(json_is_string(at(doc, path)));
	assert_string_equal(json_string_value(at(doc, path)), want);
}

static void is_number(const json_t *doc, const char *path, json_int_t want)
{
	assert_true(json_is_integer(at(doc, path)));
	assert_int_equal(json_integer_value(at(doc, path)), want);
}

static void the_numbers_are_right(void **state)
{
	struct all a;
	json_t *doc;

	(void)state;
	make(&a);
	doc = status_document(&a.in, NULL);
	assert_true(json_is_true(at(doc, "gateway/ready")));
	is_text(doc, "gateway/time", "2026-11-22T18:33:19.123Z");
	is_text(doc, "gateway/last_reload_error", "c.json:1:1: x");
	is_text(doc, "sessions/0/since", "2026-11-22T18:33:18.123Z"); /* one second ago on core's clock */
	is_text(doc, "sessions/0/i_port_id", "ffffffffffffffffffffffffffffffff");
	is_number(doc, "sessions/0/io/read_bytes_total", 1ll << 40);
	is_number(doc, "sessions/0/channels/0/req_lim", -1);
	is_number(doc, "sessions/0/time/backend/count", 2);
	is_number(doc, "sessions/0/time/backend/buckets/0/1", 1);
	assert_true(json_is_null(at(doc, "sessions/0/time/backend/buckets/1/0")));
	assert_int_equal(json_array_size(at(doc, "sessions/0/time/fabric/buckets")), 0);
	is_number(doc, "logins/logins_refused_total", 1);
	is_text(doc, "logins/refused_by_reason/1/reason", "0x00010001");
	is_number(doc, "logins/refused_by_reason/1/total", 1);
	is_text(doc, "backends/0/state", "degraded");
	is_text(doc, "backends/0/paths/1/why", "gone");
	is_text(doc, "backends/1/state", "idle");
	is_text(doc, "reactors/0/name", "control");
	is_number(doc, "reactors/1/task_states/EXECUTING", 3);
	is_text(doc, "targets/0/id_ext", "0000000000000001");
	is_text(doc, "targets/0/groups/0/luns/1/lun", "300");
	is_text(doc, "targets/0/groups/0/all_luns_of/0", "san");
	assert_true(json_is_true(at(doc, "luns/0/fenced")));
	is_text(doc, "luns/0/source", "all");
	json_decref(doc);
	unmake(&a);
}

static void identities_before_the_first_login(void **state)
{
	char name[224];
	static const struct fabric_addr nowhere;
	struct all a;
	json_t *doc;

	(void)state;
	make(&a);
	doc = status_document(&a.in, "backends");
	assert_null(json_object_get(doc, "sessions"));
	assert_int_equal(json_array_size(at(doc, "backends/0/identities")), 3);
	assert_true(json_is_false(at(doc, "backends/0/identities/0/complete")));
	is_text(doc, "backends/0/identities/0/initiator_name", "iqn.2026-11.srpgw:gw:<initiator port identifier>");
	identity_initiator_name("gw", patterns[1].id, &nowhere, name, sizeof(name));
	is_text(doc, "backends/0/identities/1/initiator_name", name);
	assert_true(json_is_true(at(doc, "backends/0/identities/1/complete")));
	/* An identifier that says nothing: the name needs the address of the host. */
	assert_true(json_is_false(at(doc, "backends/0/identities/2/complete")));
	assert_int_equal(strlen(json_string_value(at(doc, "backends/0/identities/0/isid"))), 12);
	assert_string_not_equal(json_string_value(at(doc, "backends/0/identities/0/isid")),
				json_string_value(at(doc, "backends/1/identities/0/isid")));
	json_decref(doc);
	unmake(&a);
}

static void parts(void **state)
{
	static const char *const names[] = { "sessions", "luns", "backends", "targets", "reactors", "events" };
	struct all a;

	(void)state;
	make(&a);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_t *doc = status_document(&a.in, names[i]);

		assert_true(status_has_part(names[i]));
		assert_int_equal(json_object_size(doc), 3);
		is_number(doc, "schema_version", 1);
		at(doc, "gateway/name");
		at(doc, names[i]);
		json_decref(doc);
	}
	assert_false(status_has_part("logins"));
	assert_false(status_has_part(""));
	unmake(&a);
}

static void the_last_lines_are_kept(void **state)
{
	struct events *ev;
	json_t *list;
	char long_line[600];

	(void)state;
	log_init("test", LOG_LEVEL_ERROR, false);
	assert_int_equal(events_create(&ev), 0);
	for (unsigned i = 0; i < EVENTS_KEPT + 10; i++)
		log_line(NULL, LOG_LEVEL_ERROR, "line %u", i);
	log_line(NULL, LOG_LEVEL_INFO, "below the level");
	list = events_json(ev, 0);
	assert_int_equal(json_array_size(list), EVENTS_KEPT);
	is_text(list, "0/text", "line 10");
	is_number(list, "0/number", 11);
	is_text(list, "255/text", "line 265");
	is_text(list, "255/level", "error");
	json_decref(list);
	list = events_json(ev, 264);
	assert_int_equal(json_array_size(list), 2);
	json_decref(list);
	list = events_json(ev, 1000);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	/* Cut inside a character: still JSON. */
	memset(long_line, 'x', sizeof(long_line));
	for (size_t i = 300; i + 1 < sizeof(long_line); i += 2)
		memcpy(long_line + i, "\xc3\xbc", 2);
	long_line[sizeof(long_line) - 1] = '\0';
	log_line(NULL, LOG_LEVEL_ERROR, "%s", long_line);
	log_line(NULL, LOG_LEVEL_ERROR, "y%s", long_line);
	list = events_json(ev, EVENTS_KEPT + 10);
	assert_int_equal(json_array_size(list), 2);
	json_decref(list);
	events_destroy(ev);
}

static void state_is(const struct all *a, const char *state, bool ready)
{
	json_t *doc = status_document(&a->in, "reactors");

	assert_non_null(doc);
	is_text(doc, "gateway/state", state);
	assert_int_equal(json_is_true(at(doc, "gateway/ready")), ready);
	json_decref(doc);
}

/* Ready all the same: it listens, and commands wait for the path. */
static void degraded_without_a_back_end(void **state)
{
	struct path_status *path;
	struct all a;

	(void)state;
	make(&a);
	path = a.core.path;
	state_is(&a, "ready", true);
	snprintf(path[0].state, sizeof(path[0].state), "waiting");
	state_is(&a, "degraded", true);
	/* One back-end of the target is enough. */
	snprintf(path[1].backend, sizeof(path[1].backend), "ram");
	snprintf(path[1].state, sizeof(path[1].state), "up");
	state_is(&a, "ready", true);
	/* Nobody uses it: nobody knows. */
	a.core.n_path = 0;
	state_is(&a, "ready", true);
	a.core.n_path = 1;
	a.in.state = "draining";
	state_is(&a, "draining", false);
	unmake(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_is_what_the_schema_says),
		cmocka_unit_test(the_numbers_are_right),
		cmocka_unit_test(identities_before_the_first_login),
		cmocka_unit_test(parts),
		cmocka_unit_test(degraded_without_a_back_end),
		cmocka_unit_test(the_last_lines_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
