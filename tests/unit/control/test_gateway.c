/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gateway.h, service.h, reload, backends.h and listeners.h together, on the real core with its threads: only the fabric
 * and the bridges are stand-ins that record what they are told.
 */
#include "../../../gateway/bridge/host.h"
#include "../../../gateway/control/gateway.h"
#include "../../../gateway/control/service.h"
#include "json_schema.h"
#include "unit.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

/* ---- bridges: these definitions stand in for the loader's ---- */

struct srpgw_bridge_target {
	char uri[64], settings[256];
};

static struct {
	int opened, closed, mem_added, mem_deleted;
	char last_settings[256];
	const char *refuse; /* why open() fails, or NULL */
	bool own_thread;
} bridges;

static void target_close(struct srpgw_bridge_target *t)
{
	bridges.closed++;
	free(t);
}

static int mem_add(struct srpgw_bridge_target *t, void *base, size_t len)
{
	assert_non_null(t);
	assert_non_null(base);
	assert_true(len >= 1 << 20);
	bridges.mem_added++;
	return 0;
}

static void mem_del(struct srpgw_bridge_target *t, void *base, size_t len)
{
	assert_non_null(t);
	assert_non_null(base);
	assert_true(len >= 1 << 20);
	bridges.mem_deleted++;
}

static void limits(struct srpgw_bridge_target *t, struct srpgw_limits *out)
{
	assert_non_null(t);
	out->max_outstanding = 32;
	out->own_thread = bridges.own_thread;
}

static int no_attach(struct srpgw_bridge_target *t, struct srpgw_reactor *r, const struct srpgw_nexus_id *n,
		     struct srpgw_path_ctx *ctx, struct srpgw_bridge_path **path)
{
	(void)t, (void)r, (void)n, (void)ctx, (void)path;
	return -ENOTSUP;
}

/* No session comes in these tests, so no path is ever used. */
static int no_open(const struct srpgw_host *h, const char *uri, const struct srpgw_setting *settings, size_t n,
		   struct srpgw_bridge_target **target, char *why, size_t cap)
{
	(void)h, (void)uri, (void)settings, (void)n, (void)target, (void)why, (void)cap;
	return -ENOTSUP;
}

static void no_detach(struct srpgw_bridge_path *path, void (*done)(void *arg), void *arg)
{
	(void)path, (void)done, (void)arg;
	abort();
}

static void no_io(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	(void)path, (void)io;
	abort();
}

static void no_tmf(struct srpgw_bridge_path *path, struct srpgw_tmf *tmf)
{
	(void)path, (void)tmf;
	abort();
}

static const struct srpgw_bridge bridge = {
	.struct_size = sizeof(bridge),
	.abi = SRPGW_BRIDGE_ABI,
	.name = "rec",
	.version = "1",
	.description = "records",
	.schemes = "mem",
	.settings_help = "depth: how deep\ncolour: which\n",
	.close = target_close,
	.limits = limits,
	.attach = no_attach,
	.open = no_open,
	.detach = no_detach,
	.submit = no_io,
	.abort = no_io,
	.tmf = no_tmf,
	.mem_add = mem_add,
	.mem_del = mem_del,
	.scratch_size = 64,
};

struct bridge_host {
	int n;
};

int bridge_host_create(const char *dir, const struct srpgw_host *services, struct bridge_host **out, struct err *e)
{
	(void)e;
	assert_string_equal(dir, "bridges");
	assert_non_null(services->io_done);
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void bridge_host_destroy(struct bridge_host *h)
{
	assert_int_equal(bridges.opened, bridges.closed);
	free(h);
}

int bridge_find(struct bridge_host *h, const char *uri, const struct srpgw_bridge **out, struct err *e)
{
	(void)h;
	if (strncmp(uri, "sg:", 3) == 0) {
		err_cure(e, "install it");
		return err_set(e, -ENOENT, "no such bridge");
	}
	*out = &bridge;
	return 0;
}

int bridge_open(struct bridge_host *h, const char *uri, const struct srpgw_setting *settings, size_t n_settings,
		const struct srpgw_bridge **out, struct srpgw_bridge_target **target, struct err *e)
{
	struct srpgw_bridge_target *t;

	(void)h;
	bridges.last_settings[0] = '\0';
	for (size_t i = 0; i < n_settings; i++)
		snprintf(bridges.last_settings + strlen(bridges.last_settings),
			 sizeof(bridges.last_settings) - strlen(bridges.last_settings), "%s=%s ", settings[i].key,
			 settings[i].value);
	if (bridges.refuse) {
		err_cure(e, "do better");
		return err_set(e, -EINVAL, "%s", bridges.refuse);
	}
	t = calloc(1, sizeof(*t));
	assert_non_null(t);
	snprintf(t->uri, sizeof(t->uri), "%s", uri);
	bridges.opened++;
	*out = &bridge;
	*target = t;
	return 0;
}

void bridge_for_each(struct bridge_host *h,
		     void (*fn)(void *arg, const char *path, const struct srpgw_bridge *b, const char *why), void *arg)
{
	(void)h;
	fn(arg, "bridges/rec.so", &bridge, NULL);
	fn(arg, "bridges/bad.so", NULL, "it is broken");
}

/* ---- fabric ---- */

static struct {
	int created, destroyed, listening, regions;
	int refuse_port; /* listen() on it fails */
	uint32_t rx_bytes;
} wire;

struct fabric_listener {
	int port;
};

static int wire_listen(struct fabric *f, const struct fabric_addr *addr, const struct fabric_listen_cbs *cbs, void *arg,
		       struct fabric_listener **out, struct err *e)
{
	char text[FABRIC_ADDR_STRLEN];

	(void)f;
	assert_ptr_equal(cbs, &core_listen_cbs);
	assert_non_null(arg);
	fabric_addr_str(addr, text);
	if (wire.refuse_port && atoi(strrchr(text, ':') + 1) == wire.refuse_port) {
		err_cure(e, "choose another port");
		return err_set(e, -EADDRINUSE, "%s is in use", text);
	}
	*out = calloc(1, sizeof(**out));
	wire.listening++;
	return 0;
}

static void wire_unlisten(struct fabric_listener *l)
{
	wire.listening--;
	free(l);
}

static int wire_mem_add(struct fabric *f, struct mem_region *region)
{
	(void)f;
	assert_non_null(region->base);
	wire.regions++;
	return 0;
}

static void wire_mem_del(struct fabric *f, struct mem_region *region)
{
	(void)f;
	assert_non_null(region->base);
	wire.regions--;
}

static void wire_destroy(struct fabric *f)
{
	assert_int_equal(wire.listening, 0);
	assert_int_equal(wire.regions, 0);
	wire.destroyed++;
	free(f);
}

static void wire_describe(struct fabric *f,
			  void (*emit)(void *arg, const char *device, const char *key, const char *value), void *arg)
{
	(void)f;
	emit(arg, "dev0", "state", "in use");
	emit(arg, "dev0", "name", "not \xff text");
}

static const struct fabric_ops wire_ops = {
	.name = "wire",
	.listen = wire_listen,
	.unlisten = wire_unlisten,
	.mem_add = wire_mem_add,
	.mem_del = wire_mem_del,
	.destroy = wire_destroy,
	.describe = wire_describe,
};

static int wire_create(struct reactor *control, uint32_t rx_bytes, struct fabric **out, struct err *e)
{
	(void)e;
	assert_non_null(control);
	wire.rx_bytes = rx_bytes;
	*out = calloc(1, sizeof(**out));
	(*out)->ops = &wire_ops;
	wire.created++;
	return 0;
}

static const struct fabric_kind kinds[] = { { "rdma", wire_create, false }, { NULL, NULL, false } };

/* ---- the rig ---- */

struct rig {
	char dir[UNIT_DIR], file[128];
	struct reactor *control;
	struct gateway *g;
	struct problems problems;
	int n_ready, n_failed, n_drained;
	char failed[1024];
};

static void on_ready(void *arg)
{
	((struct rig *)arg)->n_ready++;
}

static void on_failed(void *arg, const struct problems *problems)
{
	struct rig *rig = arg;

	rig->n_failed++;
	err_format(&problems->item[0], rig->failed, sizeof(rig->failed));
}

static void on_drained(void *arg)
{
	((struct rig *)arg)->n_drained++;
}

#define LISTEN "[ { \"fabric\": \"rdma\", \"port\": 5555 } ]"
#define BACKENDS "{ \"a\": { \"uri\": \"mem:1M\" }, \"b\": { \"uri\": \"mem:2M\" } }"
#define TARGETS                                                                                                        \
	"[ { \"id_ext\": \"0000000000000001\", \"ioc_guid\": \"0000000000000002\", \"initiators\": [ \"*\" ],\n"       \
	"\"luns\": [ { \"lun\": 0, \"backend\": \"a\" }, { \"lun\": 1, \"backend\": \"b\" } ] } ]"

static void write_config(struct rig *rig, const char *listen, const char *backends, const char *targets,
			 const char *more)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 "{ \"runtime_dir\": \"%s/run\", \"state_dir\": \"/nonexistent/state\", "
		 "\"reactors\": 2, \"pool_bytes\": \"1M\", \"log_level\": \"error\", "
		 "\"limits\": "
		 "{ \"max_tasks\": 64, \"max_ios\": 16, \"max_transfer_bytes\": \"256K\" },\n"
		 "\"listen\": %s,\n\"backends\": %s,\n\"targets\": %s%s }\n",
		 rig->dir, listen, backends, targets, more);
	unit_write(rig->dir, "c.json", text, 0600);
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	memset(&bridges, 0, sizeof(bridges));
	memset(&wire, 0, sizeof(wire));
	log_init("test", LOG_LEVEL_ERROR, false);
	unit_mkdir(rig->dir);
	snprintf(rig->file, sizeof(rig->file), "%s/c.json", rig->dir);
	assert_int_equal(reactor_create("control", &rig->control), 0);
	write_config(rig, LISTEN, BACKENDS, TARGETS, "");
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;
	char run[128];

	gateway_destroy(rig->g);
	reactor_destroy(rig->control);
	problems_free(&rig->problems);
	assert_int_equal(bridges.opened, bridges.closed);
	assert_int_equal(bridges.mem_added, bridges.mem_deleted);
	assert_int_equal(wire.created, wire.destroyed);
	snprintf(run, sizeof(run), "%s/run", rig->dir);
	if (access(run, F_OK) == 0)
		unit_rm(run, (const char *[]){ "srpgwd.lock", NULL }); /* the sockets are gone */
	unit_rm(rig->dir, (const char *[]){ "c.json", "secret", NULL });
	free(rig);
	return 0;
}

static int create(struct rig *rig)
{
	const struct gateway_params p = { .control = rig->control,
					  .kinds = kinds,
					  .bridge_dir = "bridges",
					  .version = "7",
					  .ready = on_ready,
					  .failed = on_failed,
					  .arg = rig };
	struct config *c = NULL;

	assert_int_equal(config_load(rig->file, &c, &rig->problems), 0);
	rig->problems = config_problems(c);
	return gateway_create(&p, c, &rig->g, &rig->problems);
}

/* Runs the control reactor until *@flag is set. */
static void until(struct rig *rig, const int *flag)
{
	for (int i = 0; i < 1000 && !*flag; i++)
		reactor_poll(rig->control, 10);
	assert_true(*flag);
}

static void start(struct rig *rig)
{
	assert_int_equal(create(rig), 0);
	assert_int_equal(gateway_start(rig->g, &rig->problems), 0);
	until(rig, &rig->n_ready);
}

static int dial(struct rig *rig, const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%.80s/run/%.12s", rig->dir, name);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static json_t *hear(struct rig *rig, int fd)
{
	static char buf[1 << 20];
	size_t len = 0;

	for (int i = 0; i < 1000 && (len == 0 || buf[len - 1] != '\n'); i++) {
		ssize_t n = recv(fd, buf + len, sizeof(buf) - len, 0);

		if (n == 0)
			fail_msg("cut off after %zu bytes", len);
		if (n > 0)
			len += (size_t)n;
		else
			reactor_poll(rig->control, 10);
	}
	json_t *v = json_loadb(buf, len, 0, NULL);
	assert_non_null(v);
	return v;
}

static json_t *ask(struct rig *rig, const char *socket_name, const char *request)
{
	int fd = dial(rig, socket_name);
	json_t *v;

	assert_int_equal(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
	assert_int_equal(send(fd, "\n", 1, 0), 1);
	v = hear(rig, fd);
	close(fd);
	return v;
}

static const char *text_at(const json_t *v, const char *a, const char *b)
{
	v = json_object_get(v, a);
	if (b)
		v = json_object_get(v, b);
	return json_string_value(v) ? json_string_value(v) : "";
}

static void is_error(json_t *v, const char *code)
{
	assert_string_equal(text_at(v, "error", "code"), code);
	assert_string_not_equal(text_at(v, "error", "cause"), "");
	json_decref(v);
}

static void drain(struct rig *rig)
{
	gateway_drain(rig->g, 5000, on_drained, rig);
	until(rig, &rig->n_drained);
}

/* ---- tests ---- */

static void it_starts_tells_its_status_and_stops(void **state)
{
	struct rig *rig = *state;
	struct schema_run run;
	json_t *schema = json_load_file("docs/status.schema.json", 0, NULL), *doc;

	assert_non_null(schema);
	start(rig);
	assert_int_equal(wire.listening, 1);
	assert_int_equal(wire.regions, 2);
	assert_int_equal(wire.rx_bytes, 0);
	assert_int_equal(bridges.opened, 2);
	assert_int_equal(bridges.mem_added, 4);
	doc = ask(rig, "status.sock", "{\"get\":\"status\"}");
	if (!json_schema_ok(&run, schema, doc))
		fail_msg("%s", run.why);
	assert_string_equal(text_at(doc, "gateway", "state"), "ready");
	assert_int_equal(json_array_size(json_object_get(doc, "backends")), 2);
	assert_int_equal(json_array_size(json_object_get(doc, "reactors")), 3);
	assert_int_equal(json_array_size(json_object_get(doc, "devices")), 1);
	json_decref(doc);
	doc = ask(rig, "control.sock", "{\"get\":\"targets\"}");
	assert_int_equal(json_array_size(json_object_get(doc, "targets")), 1);
	json_decref(doc);
	doc = ask(rig, "status.sock", "{\"get\":\"bridges\"}");
	assert_int_equal(json_array_size(json_object_get(doc, "bridges")), 2);
	assert_string_equal(text_at(json_array_get(json_object_get(doc, "bridges"), 1), "why", NULL), "it is broken");
	json_decref(doc);
	json_decref(schema);
	drain(rig);
	assert_int_equal(wire.listening, 0);
}

static void many_may_ask_at_once(void **state)
{
	static const char two[] = "{\"get\":\"status\"}\n{\"get\":\"sessions\"}\n";
	struct rig *rig = *state;
	int fd[20];

	start(rig);
	for (int i = 0; i < 20; i++) {
		fd[i] = dial(rig, "status.sock");
		assert_int_equal(send(fd[i], two, strlen(two), 0), (ssize_t)strlen(two));
	}
	for (int i = 0; i < 20; i++) {
		static char buf[1 << 20];
		size_t len = 0, lines = 0;

		for (int k = 0; k < 1000 && lines < 2; k++) {
			ssize_t n = recv(fd[i], buf + len, sizeof(buf) - len, 0);

			if (n <= 0) {
				reactor_poll(rig->control, 10);
				continue;
			}
			for (ssize_t b = 0; b < n; b++)
				lines += buf[len + (size_t)b] == '\n';
			len += (size_t)n;
		}
		assert_int_equal(lines, 2);
		close(fd[i]);
	}
	drain(rig);
}

static void requests_that_make_no_sense(void **state)
{
	struct rig *rig = *state;

	start(rig);
	is_error(ask(rig, "status.sock", "hello"), "bad-request");
	is_error(ask(rig, "status.sock", ""), "bad-request");
	is_error(ask(rig, "status.sock", "[]"), "bad-request");
	is_error(ask(rig, "status.sock", "{}"), "bad-request");
	is_error(ask(rig, "status.sock", "{\"get\":7}"), "bad-request");
	is_error(ask(rig, "status.sock", "{\"get\":\"weather\"}"), "unknown-request");
	is_error(ask(rig, "status.sock", "{\"get\":\"\"}"), "unknown-request");
	is_error(ask(rig, "status.sock", "{\"do\":\"drain\"}"), "forbidden");
	is_error(ask(rig, "status.sock", "{\"do\":\"reload\"}"), "forbidden");
	is_error(ask(rig, "status.sock", "{\"do\":\"kick\",\"session_id\":1}"), "forbidden");
	is_error(ask(rig, "control.sock", "{\"do\":\"dance\"}"), "unknown-request");
	is_error(ask(rig, "control.sock", "{\"do\":\"kick\"}"), "bad-request");
	is_error(ask(rig, "control.sock", "{\"do\":\"kick\",\"session_id\":-1}"), "bad-request");
	is_error(ask(rig, "control.sock", "{\"do\":\"kick\",\"session_id\":4294967296}"), "bad-request");
	is_error(ask(rig, "control.sock", "{\"do\":\"kick\",\"session_id\":1}"), "not-found");
	assert_int_equal(wire.listening, 1);
	drain(rig);
}

static void reload_keeps_what_did_not_change(void **state)
{
	struct rig *rig = *state;
	json_t *v;

	start(rig);
	/* The same again: nothing is opened. */
	v = ask(rig, "control.sock", "{\"do\":\"reload\"}");
	assert_true(json_is_true(json_object_get(v, "ok")));
	json_decref(v);
	assert_int_equal(bridges.opened, 2);
	assert_int_equal(bridges.closed, 0);
	/* What does not touch a session changes in place; a key that needs a restart is named. */
	write_config(rig, "[ { \"fabric\": \"rdma\", \"port\": 5556 } ]",
		     "{ \"a\": { \"uri\": \"mem:1M\" }, \"b\": { \"uri\": \"mem:2M\", \"hold_seconds\": 3 } }", TARGETS,
		     "");
	v = ask(rig, "control.sock", "{\"do\":\"reload\"}");
	assert_true(json_is_true(json_object_get(v, "ok")));
	assert_int_equal(json_array_size(json_object_get(v, "warnings")), 1);
	assert_string_equal(json_string_value(json_array_get(json_object_get(v, "warnings"), 0)),
			    "listen: the change takes effect when srpgwd is restarted");
	json_decref(v);
	assert_int_equal(bridges.opened, 2);
	v = ask(rig, "status.sock", "{\"get\":\"backends\"}");
	assert_int_equal(
	    json_integer_value(json_object_get(json_array_get(json_object_get(v, "backends"), 1), "hold_ms")), 3000);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(v, "gateway"), "reloads_total")), 2);
	json_decref(v);
	/* b becomes another device, a stays. */
	write_config(rig, LISTEN, "{ \"a\": { \"uri\": \"mem:1M\" }, \"b\": { \"uri\": \"mem:3M\" } }", TARGETS, "");
	v = ask(rig, "control.sock", "{\"do\":\"reload\"}");
	assert_true(json_is_true(json_object_get(v, "ok")));
	json_decref(v);
	assert_int_equal(bridges.opened, 3);
	for (int i = 0; i < 500 && bridges.closed < 1; i++)
		reactor_poll(rig->control, 10); /* the last reactor lets go of the old snapshot */
	assert_int_equal(bridges.closed, 1);
	assert_int_equal(wire.listening, 1);
	drain(rig);
}

static void a_reload_that_fails_changes_nothing(void **state)
{
	struct rig *rig = *state;
	json_t *v;

	start(rig);
	write_config(rig, LISTEN, BACKENDS, "[ { \"ioc_guid\": \"0000000000000001\", \"initators\": [ \"*\" ] } ]", "");
	v = ask(rig, "control.sock", "{\"do\":\"reload\"}");
	assert_non_null(strstr(text_at(v, "error", "cause"),
			       "c.json:4:48: targets[0].initators: unknown key; did you mean \"initiators\"?"));
	assert_int_equal(json_array_size(json_object_get(json_object_get(v, "error"), "problems")), 1);
	is_error(v, "bad-configuration");
	/* One back-end cannot be opened: the other new one is closed again. */
	write_config(rig, LISTEN, "{ \"c\": { \"uri\": \"mem:3M\" }, \"d\": { \"uri\": \"sg:/dev/sg0\" } }", TARGETS,
		     "");
	is_error(ask(rig, "control.sock", "{\"do\":\"reload\"}"), "bad-configuration"); /* the targets name a and b */
	write_config(rig, LISTEN, "{ \"a\": { \"uri\": \"mem:3M\" }, \"b\": { \"uri\": \"sg:/dev/sg0\" } }", TARGETS,
		     "");
	v = ask(rig, "control.sock", "{\"do\":\"reload\"}");
	assert_non_null(
	    strstr(text_at(v, "error", "cause"), "c.json:3:55: backends.b.uri: no such bridge; install it"));
	is_error(v, "bad-configuration");
	assert_int_equal(bridges.opened, 3);
	assert_int_equal(bridges.closed, 1);
	/* Nor does what could change in place. */
	write_config(rig, LISTEN,
		     "{ \"a\": { \"uri\": \"mem:1M\", \"hold_seconds\": 9 }, \"b\": { \"uri\": \"sg:/dev/sg0\" } }", TARGETS,
		     "");
	is_error(ask(rig, "control.sock", "{\"do\":\"reload\"}"), "bad-configuration");
	v = ask(rig, "status.sock", "{\"get\":\"backends\"}");
	assert_int_equal(json_array_size(json_object_get(v, "backends")), 2);
	assert_int_equal(
	    json_integer_value(json_object_get(json_array_get(json_object_get(v, "backends"), 0), "hold_ms")), 20000);
	assert_string_equal(text_at(json_array_get(json_object_get(v, "backends"), 0), "uri", NULL), "mem:1M");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(v, "gateway"), "reload_errors_total")), 4);
	assert_non_null(strstr(text_at(v, "gateway", "last_reload_error"), "no such bridge"));
	json_decref(v);
	drain(rig);
	is_error(ask(rig, "control.sock", "{\"do\":\"reload\"}"), "busy");
}

static void secrets_and_settings_reach_the_bridge(void **state)
{
	struct rig *rig = *state;
	char backends[512];
	json_t *v;

	unit_write(rig->dir, "secret", "hush\n", 0600);
	snprintf(backends, sizeof(backends),
		 "{ \"a\": { \"uri\": \"iscsi://h/iqn.x\", \"portals\": [ \"p1\", \"p2:1\" ], \"settings\": { "
		 "\"depth\": \"9\" },\n"
		 "\"chap\": { \"user\": \"me\", \"secret_file\": \"%s/secret\", \"mutual_user\": \"you\", "
		 "\"mutual_secret_file\": "
		 "\"%s/secret\" } }, \"b\": { \"uri\": \"mem:2M\" } }",
		 rig->dir, rig->dir);
	/* The order of the file: b is opened last, so look at a alone. */
	write_config(rig, LISTEN, backends, TARGETS, "");
	bridges.refuse = "wrong";
	assert_int_equal(create(rig), -EINVAL);
	bridges.refuse = NULL;
	problems_free(&rig->problems);
	start(rig);
	assert_int_equal(bridges.opened, 2);
	/* Another secret in the same file is another back-end. */
	unit_write(rig->dir, "secret", "hush hush\n", 0600);
	v = ask(rig, "control.sock", "{\"do\":\"reload\"}");
	assert_true(json_is_true(json_object_get(v, "ok")));
	json_decref(v);
	assert_string_equal(bridges.last_settings,
			    "portals=p1,p2:1 chap_user=me chap_secret=hush hush chap_mutual_user=you "
			    "chap_mutual_secret=hush hush depth=9 ");
	assert_int_equal(bridges.opened, 3);
	/* No secret is told. */
	v = ask(rig, "status.sock", "{\"get\":\"status\"}");
	char *all = json_dumps(v, 0);
	assert_non_null(all);
	assert_null(strstr(all, "hush"));
	free(all);
	json_decref(v);
	drain(rig);
}

static void refused(struct rig *rig, const char *backends, const char *want)
{
	char line[sizeof(struct err)];

	write_config(rig, LISTEN, backends, "[ { \"ioc_guid\": \"0000000000000001\", \"initiators\": [ \"*\" ] } ]",
		     "");
	assert_true(create(rig) < 0);
	assert_null(rig->g);
	assert_int_equal(rig->problems.n, 1);
	err_format(&rig->problems.item[0], line, sizeof(line));
	if (!strstr(line, want))
		fail_msg("\"%s\" does not hold \"%s\"", line, want);
	problems_free(&rig->problems);
}

static void back_ends_that_cannot_be_opened(void **state)
{
	struct rig *rig = *state;

	refused(rig, "{ \"a\": { \"uri\": \"sg:/dev/sg0\" } }",
		"c.json:3:29: backends.a.uri: no such bridge; install it");
	refused(rig, "{ \"a\": { \"uri\": \"mem:1M\", \"settings\": { \"dept\": \"1\" } } }",
		"c.json:3:53: backends.a.settings.dept: bridge rec knows no such setting; did you mean \"depth\"?");
	refused(rig, "{ \"a\": { \"uri\": \"mem:1M\", \"settings\": { \"zz\": \"1\" } } }",
		"knows no such setting; see `srpgwctl bridges` for its settings");
	refused(rig, "{ \"a\": { \"uri\": \"mem:1M\", \"settings\": { \"chap_secret\": \"1\" } } }",
		"this is no place for \"chap_secret\"; it is a key of the back-end itself");
	refused(
	    rig,
	    "{ \"a\": { \"uri\": \"iscsi://h/iqn.x\", \"chap\": { \"user\": \"u\", \"secret_file\": \"/no/such\" } } }",
	    "backends.a.chap.secret_file: cannot read the secret: /no/such: No such file or directory");
	unit_write(rig->dir, "secret", "x\n", 0644);
	char backends[300];
	snprintf(backends, sizeof(backends),
		 "{ \"a\": { \"uri\": \"iscsi://h/iqn.x\", \"chap\": { \"user\": \"u\", \"secret_file\": \"%s/secret\" "
		 "} } }",
		 rig->dir);
	refused(rig, backends, "has mode 0644: others could read or change the secret; run: chmod 0600");
	bridges.refuse = "the size is wrong";
	refused(rig, "{ \"a\": { \"uri\": \"mem:1M\" } }", "c.json:3:29: backends.a.uri: the size is wrong; do better");
	/* One that may block would stop a reactor; it is closed again. */
	bridges.refuse = NULL;
	bridges.own_thread = true;
	bridges.opened = bridges.closed = 0;
	refused(rig, "{ \"a\": { \"uri\": \"mem:1M\" } }", "needs threads of its own, which srpgwd does not give yet; use a bridge");
	assert_int_equal(bridges.opened, 1);
	assert_int_equal(bridges.closed, 1);
	bridges.own_thread = false;
}

static void a_port_that_is_taken(void **state)
{
	struct rig *rig = *state;

	write_config(rig, "[ { \"fabric\": \"rdma\", \"port\": 5555 }, { \"fabric\": \"rdma\", \"port\": 7777 } ]",
		     BACKENDS, TARGETS, "");
	wire.refuse_port = 7777;
	assert_int_equal(create(rig), 0);
	assert_int_equal(gateway_start(rig->g, &rig->problems), 0);
	until(rig, &rig->n_failed);
	assert_non_null(strstr(rig->failed, "c.json:2:49: listen[1]: 0.0.0.0:7777 is in use; choose another port"));
	assert_int_equal(rig->n_ready, 0);
	assert_int_equal(wire.listening, 0);
	drain(rig);
}

static void a_fabric_that_is_not_there(void **state)
{
	struct rig *rig = *state;
	char line[sizeof(struct err)];

	write_config(rig, "[ { \"fabric\": \"ib\", \"port\": 1 } ]", BACKENDS, TARGETS, "");
	assert_int_equal(create(rig), -EINVAL);
	assert_non_null(strstr(err_format(&rig->problems.item[0], line, sizeof(line)),
			       "c.json:2:25: listen[0].fabric: fabric \"ib\" is not available yet; use \"rdma\""));
}

static void two_in_one_folder(void **state)
{
	struct rig *rig = *state;
	struct rig second = *rig;
	char line[sizeof(struct err)];

	start(rig);
	assert_int_equal(create(&second), -EBUSY);
	assert_non_null(strstr(err_format(&second.problems.item[0], line, sizeof(line)), "another srpgwd runs in"));
	problems_free(&second.problems);
	/* The first one's sockets are still there. */
	json_decref(ask(rig, "status.sock", "{\"get\":\"status\"}"));
	drain(rig);
}

static void drain_answers_all_who_asked(void **state)
{
	struct rig *rig = *state;
	json_t *v;
	int fd;

	start(rig);
	v = ask(rig, "status.sock", "{\"get\":\"status\"}");
	assert_string_equal(text_at(v, "gateway", "state"), "ready"); /* and now it is cached */
	json_decref(v);
	fd = dial(rig, "control.sock");
	assert_int_equal(send(fd, "{\"do\":\"drain\"}\n", 15, 0), 15);
	v = ask(rig, "control.sock", "{\"do\":\"drain\"}");
	assert_true(json_is_true(json_object_get(v, "ok")));
	json_decref(v);
	v = hear(rig, fd);
	assert_true(json_is_true(json_object_get(v, "ok")));
	json_decref(v);
	close(fd);
	v = ask(rig, "status.sock", "{\"get\":\"status\"}");
	assert_string_equal(text_at(v, "gateway", "state"), "drained");
	assert_true(json_is_false(json_object_get(json_object_get(v, "gateway"), "ready")));
	json_decref(v);
	drain(rig); /* at once */
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_starts_tells_its_status_and_stops), TEST(many_may_ask_at_once),
		TEST(requests_that_make_no_sense),	    TEST(reload_keeps_what_did_not_change),
		TEST(a_reload_that_fails_changes_nothing),  TEST(secrets_and_settings_reach_the_bridge),
		TEST(back_ends_that_cannot_be_opened),	    TEST(a_port_that_is_taken),
		TEST(a_fabric_that_is_not_there),	    TEST(two_in_one_folder),
		TEST(drain_answers_all_who_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
