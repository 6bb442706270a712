/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * srpgwctl: asks and commands a running srpgwd through its sockets; --json prints what the daemon says as it is. And
 * what needs no daemon: check, discover.
 * Layer: tools. Knows srpgwctl_*, base, jansson; nothing of the daemon but its sockets.
 */
#include "srpgwctl_client.h"
#include "srpgwctl_discover.h"
#include "srpgwctl_views.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNTIME_DIR "/run/srpgw" /* the daemon's default, see srpgw.json(5) */
#define ASK_MS 10000
#define DRAIN_MS 15000

/* Exit statuses, see srpgwctl(1). */
enum { EXIT_OK = 0, EXIT_ERROR = 1, EXIT_USAGE = 2, EXIT_NO_DAEMON = 3 };

struct options {
	const char *runtime_dir;
	const char *socket; /* overrides the one in runtime_dir */
	bool json;
	struct discover_options discover;
	const char *discover_option; /* the first of its options that was given */
};

static int print_error(const char *text, const char *cure)
{
	fprintf(stderr, "srpgwctl: %s%s%s\n", text, cure && *cure ? "; " : "", cure ? cure : "");
	return EXIT_ERROR;
}

static int out_of_memory(void)
{
	return print_error("out of memory", NULL);
}

/* Consumes @request. Return: EXIT_OK with @answer, or the exit status after the error was told. */
static int ask(const struct options *o, bool control, json_t *request, int timeout_ms, json_t **answer)
{
	struct err e = ERR_INIT;
	char path[PATH_MAX];
	const json_t *error;
	int rc;

	if (!request)
		return out_of_memory();
	snprintf(path, sizeof(path), "%s/%s", o->runtime_dir, control ? "control.sock" : "status.sock");
	rc = client_ask(o->socket ? o->socket : path, request, timeout_ms, answer, &e);
	json_decref(request);
	if (rc) {
		print_error(e.cause, e.cure);
		return rc == -ENOENT || rc == -ECONNREFUSED ? EXIT_NO_DAEMON : EXIT_ERROR;
	}
	error = json_object_get(*answer, "error");
	if (!error)
		return EXIT_OK;
	if (o->json) {
		json_dumpf(*answer, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		const char *cause = json_string_value(json_object_get(error, "cause"));
		const json_t *problems = json_object_get(error, "problems");

		for (size_t i = 1; i < json_array_size(problems); i++)
			fprintf(stderr, "srpgwctl: %s\n", json_string_value(json_array_get(problems, i)));
		print_error(cause ? cause : "the daemon reports an error without a cause",
			    json_array_size(problems) ? NULL : json_string_value(json_object_get(error, "cure")));
	}
	json_decref(*answer);
	return EXIT_ERROR;
}

struct command {
	const char *name;
	const char *arg; /* what it takes, or NULL */
	const char *help;
	int (*run)(const struct options *o, const struct command *c, const char *arg);
	int (*view)(const json_t *doc, FILE *out); /* for run_get */
};

static int run_get(const struct options *o, const struct command *c, const char *arg)
{
	json_t *doc = NULL;
	int status = ask(o, false, json_pack("{s:s}", "get", c->name), ASK_MS, &doc);
	bool failed;

	(void)arg;
	if (status)
		return status;
	if (o->json) {
		failed = json_dumpf(doc, stdout, JSON_INDENT(2)) != 0;
		putchar('\n');
	} else {
		failed = c->view(doc, stdout) != 0;
	}
	/* A script asks `status` whether the gateway is ready. */
	if (strcmp(c->name, "status") == 0 && !json_is_true(json_object_get(json_object_get(doc, "gateway"), "ready")))
		status = EXIT_ERROR;
	json_decref(doc);
	return failed ? out_of_memory() : status;
}

static int finish_command(const struct options *o, json_t *answer, const char *text)
{
	json_t *warning;
	size_t i;

	if (o->json) {
		json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		json_array_foreach(json_object_get(answer, "warnings"), i, warning)
		{
			fprintf(stderr, "srpgwctl: warning: %s\n", json_string_value(warning));
		}
		printf("%s\n", text);
	}
	json_decref(answer);
	return EXIT_OK;
}

static int run_reload(const struct options *o, const struct command *c, const char *arg)
{
	json_t *answer = NULL;
	int status = ask(o, true, json_pack("{s:s}", "do", "reload"), ASK_MS, &answer);

	(void)c;
	(void)arg;
	return status ? status : finish_command(o, answer, "the new configuration is in force");
}

static int run_drain(const struct options *o, const struct command *c, const char *arg)
{
	json_t *answer = NULL;
	int status = ask(o, true, json_pack("{s:s}", "do", "drain"), DRAIN_MS, &answer);

	(void)c;
	(void)arg;
	return status
		   ? status
		   : finish_command(o, answer, "all sessions have ended; no host can log in until srpgwd is restarted");
}

static int run_kick(const struct options *o, const struct command *c, const char *arg)
{
	json_t *answer = NULL;
	unsigned long id;
	char *end;
	int status;

	(void)c;
	errno = 0;
	id = strtoul(arg, &end, 10);
	if (errno || *end || end == arg || *arg == '-' || id > UINT32_MAX) {
		print_error("kick takes the number of a session", "see `srpgwctl sessions`");
		return EXIT_USAGE;
	}
	status = ask(o, true, json_pack("{s:s, s:I}", "do", "kick", "session_id", (json_int_t)id), ASK_MS, &answer);
	return status ? status : finish_command(o, answer, "the session is told to log out");
}

static void show_discovery(const struct discover_result *r, json_t *doc, bool as_json)
{
	if (as_json) {
		json_dumpf(doc, stdout, JSON_INDENT(2));
		putchar('\n');
		return;
	}
	discover_print(r, stdout);
	printf("\nA configuration for srpgwd, with a back-end and an SRP target for each target portal group. \"*\" lets\n"
	       "everybody in: name your hosts instead.\n\n");
	json_dumpf(json_object_get(doc, "configuration"), stdout, JSON_INDENT(2));
	putchar('\n');
}

/* Runs here: there may be no daemon yet. */
static int run_discover(const struct options *o, const struct command *c, const char *arg)
{
	struct discover_options d = o->discover;
	struct discover_result *r = calloc(1, sizeof(*r));
	char absolute[PATH_MAX];
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	json_t *doc = NULL;

	(void)c;
	if (!r)
		return out_of_memory();
	if (d.chap_secret_file && realpath(d.chap_secret_file, absolute))
		d.chap_secret_file = absolute;
	if (discover_run(arg, &d, r, &e)) {
		status = print_error(e.cause, e.cure);
	} else {
		doc = discover_json(r, &d);
		if (doc)
			show_discovery(r, doc, o->json);
		else
			status = out_of_memory();
	}
	for (size_t i = 0; i < r->n_group && status == EXIT_OK; i++)
		if (r->group[i].error[0])
			status = EXIT_ERROR;
	json_decref(doc);
	discover_free(r);
	free(r);
	return status;
}

/* The daemon's own program checks, so that both always agree; it needs no running daemon. */
static int run_check(const struct options *o, const struct command *c, const char *arg)
{
	char self[PATH_MAX], beside[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	(void)c;
	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash) {
			*slash = '\0';
			snprintf(beside, sizeof(beside), "%s/../sbin/srpgwd", self);
			if (access(beside, X_OK) == 0)
				execl(beside, "srpgwd", "--check", "-c", arg, o->json ? "--json" : NULL, (char *)NULL);
		}
	}
	execlp("srpgwd", "srpgwd", "--check", "-c", arg, o->json ? "--json" : NULL, (char *)NULL);
	return print_error("cannot run srpgwd --check", "install srpgwd, or put its folder into PATH");
}

static const struct command commands[] = {
	{ "status", NULL, "the gateway at a glance; exit status 0 only when it is ready", run_get, view_status },
	{ "sessions", NULL, "I_T nexuses with their traffic and times", run_get, view_sessions },
	{ "luns", NULL, "logical units of each session", run_get, view_luns },
	{ "backends", NULL, "back-ends, their paths, and the names that they see", run_get, view_backends },
	{ "bridges", NULL, "plugins and their settings", run_get, view_bridges },
	{ "events", NULL, "the last log lines", run_get, view_events },
	{ "check", "FILE", "look for mistakes in a configuration", run_check, NULL },
	{ "discover", "URI", "ask a portal for its targets and LUNs, and print a configuration", run_discover, NULL },
	{ "reload", NULL, "read the configuration again", run_reload, NULL },
	{ "drain", NULL, "end all sessions and refuse new ones", run_drain, NULL },
	{ "kick", "ID", "end one session", run_kick, NULL },
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	fputs("usage: srpgwctl [--json] [--runtime-dir DIR | --socket PATH] COMMAND\n\nCommands:\n", out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-9s%-5s  %s\n", commands[i].name, commands[i].arg ? commands[i].arg : "",
			commands[i].help);
	fputs("\nOptions of discover: --chap-user NAME --chap-secret-file FILE, --initiator-name NAME, --time-limit SECONDS\n"
	      "\nThe folder is " RUNTIME_DIR " unless it is named. Exit status: 0 done, 1 error or not ready,\n"
	      "2 wrong usage, 3 no daemon.\n",
	      out);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static bool take_discover_option(struct options *o, const char *name, const char *value)
{
	struct discover_options *d = &o->discover;
	unsigned long seconds;
	char *end;

	o->discover_option = name;
	if (strcmp(name, "chap-user") == 0) {
		d->chap_user = value;
	} else if (strcmp(name, "chap-secret-file") == 0) {
		d->chap_secret_file = value;
	} else if (strcmp(name, "initiator-name") == 0) {
		d->initiator_name = value;
	} else {
		seconds = strtoul(value, &end, 10);
		if (*end || end == value || *value == '-' || seconds < 1 || seconds > 3600) {
			print_error("--time-limit takes a number of seconds from 1 to 3600", NULL);
			return false;
		}
		d->time_limit_s = (uint32_t)seconds;
	}
	return true;
}

int main(int argc, char **argv)
{
	enum { OPT_JSON = 256, OPT_RUNTIME_DIR, OPT_SOCKET, OPT_VERSION, OPT_DISCOVER };
	static const struct option options[] = {
		{ "json", no_argument, NULL, OPT_JSON },
		{ "runtime-dir", required_argument, NULL, OPT_RUNTIME_DIR },
		{ "socket", required_argument, NULL, OPT_SOCKET },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ "chap-user", required_argument, NULL, OPT_DISCOVER },
		{ "chap-secret-file", required_argument, NULL, OPT_DISCOVER },
		{ "initiator-name", required_argument, NULL, OPT_DISCOVER },
		{ "time-limit", required_argument, NULL, OPT_DISCOVER },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .runtime_dir = RUNTIME_DIR, .discover.time_limit_s = DISCOVER_TIME_LIMIT_S };
	const struct command *c;
	int opt, status, which = 0;

	while ((opt = getopt_long(argc, argv, "h", options, &which)) != -1) {
		switch (opt) {
		case OPT_JSON:
			o.json = true;
			break;
		case OPT_RUNTIME_DIR:
			o.runtime_dir = optarg;
			break;
		case OPT_SOCKET:
			o.socket = optarg;
			break;
		case OPT_DISCOVER:
			if (!take_discover_option(&o, options[which].name, optarg))
				return EXIT_USAGE;
			break;
		case OPT_VERSION:
			printf("srpgwctl %s\n", SRPGW_VERSION);
			return EXIT_OK;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	c = optind < argc ? find_command(argv[optind]) : NULL;
	if (!c || argc - optind != (c->arg ? 2 : 1)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (o.discover_option && c->run != run_discover) {
		print_error("this command takes no options of discover", "leave them out");
		return EXIT_USAGE;
	}
	status = c->run(&o, c, c->arg ? argv[optind + 1] : NULL);
	if (fflush(stdout) || ferror(stdout))
		return print_error("cannot write the answer", NULL);
	return status;
}
