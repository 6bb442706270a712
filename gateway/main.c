/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * srpgwd: the composition root. Arguments, signals, limits, readiness, and the table of fabrics: the only file that
 * knows all. Layer: main.
 */
#include "control/check.h"
#include "control/gateway.h"
#include "fabric/iwarp/iwarp.h"
#include "fabric/verbs/verbs.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#define DRAIN_MS 5000u

static int create_verbs(struct reactor *control, uint32_t rx_bytes, struct fabric **out, struct err *e)
{
	struct verbs_params p = { .rx_bytes = rx_bytes };

	return verbs_fabric_create(control, &p, out, e);
}

static int create_iwarp(struct reactor *control, uint32_t rx_bytes, struct fabric **out, struct err *e)
{
	struct iwarp_params p = { .rx_bytes = rx_bytes };

	return iwarp_fabric_create(control, &p, out, e);
}

static int create_iwarp_crc_optional(struct reactor *control, uint32_t rx_bytes, struct fabric **out, struct err *e)
{
	struct iwarp_params p = { .rx_bytes = rx_bytes, .no_crc = true };

	return iwarp_fabric_create(control, &p, out, e);
}

/* Names as in listen[].fabric. */
static const struct fabric_kind fabric_kinds[] = {
	{ "rdma", create_verbs, false },
	{ "iwarp", create_iwarp, false },
	{ "iwarp", create_iwarp_crc_optional, true },
	{ NULL, NULL, false },
};

struct daemon {
	struct reactor *control;
	struct gateway *gateway;
	struct reactor_watch signals;
	bool stopping;
	int exit_status;
};

static const char *bridge_dir(void)
{
	const char *dir = getenv("SRPGW_BRIDGE_DIR");

	return dir && *dir ? dir : SRPGW_BRIDGE_DIR;
}

static void print_problems(const struct problems *problems)
{
	char line[sizeof(struct err)];

	for (size_t i = 0; i < problems->n; i++)
		log_line(NULL, LOG_LEVEL_ERROR, "%s", err_format(&problems->item[i], line, sizeof(line)));
}

/* RDMA pins its buffers, and each connection has descriptors: take what the system lets us have. */
static void raise_limits(void)
{
	struct rlimit memlock = { RLIM_INFINITY, RLIM_INFINITY }, files;

	if (setrlimit(RLIMIT_MEMLOCK, &memlock) && getrlimit(RLIMIT_MEMLOCK, &memlock) == 0) {
		memlock.rlim_cur = memlock.rlim_max;
		if (setrlimit(RLIMIT_MEMLOCK, &memlock) == 0 && memlock.rlim_max != RLIM_INFINITY)
			log_warn("only %llu MiB of memory may be locked; set LimitMEMLOCK=infinity if RDMA buffers "
				 "cannot be registered",
				 (unsigned long long)memlock.rlim_max >> 20);
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &files))
			log_warn("cannot raise the limit of open files: %m");
	}
}

static void on_drained(void *arg)
{
	struct daemon *d = arg;

	reactor_stop(d->control);
}

static void stop(struct daemon *d)
{
	if (d->stopping)
		return;
	d->stopping = true;
	sd_notify(0, "STOPPING=1");
	gateway_drain(d->gateway, DRAIN_MS, on_drained, d);
}

static void on_ready(void *arg)
{
	(void)arg;
	log_info("ready");
	sd_notify(0, "READY=1\nSTATUS=Ready");
}

static void on_failed(void *arg, const struct problems *problems)
{
	struct daemon *d = arg;

	print_problems(problems);
	d->exit_status = EXIT_FAILURE;
	stop(d);
}

static void on_signal(struct reactor_watch *w, uint32_t revents)
{
	struct daemon *d = container_of(w, struct daemon, signals);
	struct signalfd_siginfo si;

	(void)revents;
	if (read(w->fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGHUP) {
		gateway_reload(d->gateway, NULL, NULL);
		return;
	}
	if (d->stopping && d->exit_status == EXIT_SUCCESS) {
		log_warn("told to stop a second time: leaving at once");
		_exit(EXIT_FAILURE);
	}
	log_info("stopping");
	stop(d);
}

/* Before any thread: all of them inherit the blocked signals. */
static int watch_signals(struct daemon *d)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	d->signals = (struct reactor_watch){ .fn = on_signal, .events = EPOLLIN };
	d->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (d->signals.fd < 0)
		return -errno;
	return reactor_watch_add(d->control, &d->signals);
}

static int run_gateway(struct daemon *d, struct config *config)
{
	const struct gateway_params p = {
		.control = d->control,
		.kinds = fabric_kinds,
		.bridge_dir = bridge_dir(),
		.version = SRPGW_VERSION,
		.ready = on_ready,
		.failed = on_failed,
		.arg = d,
	};
	struct problems problems = config_problems(config);
	int rc = gateway_create(&p, config, &d->gateway, &problems);

	if (rc == 0) {
		rc = gateway_start(d->gateway, &problems);
		if (rc == 0)
			reactor_run(d->control);
	}
	print_problems(&problems);
	problems_free(&problems);
	gateway_destroy(d->gateway);
	return rc;
}

static int run(const char *file)
{
	struct daemon d = { .signals.fd = -1 };
	struct problems problems = { .file = NULL };
	struct config *config;
	int rc;

	if (config_load(file, &config, &problems)) {
		print_problems(&problems);
		problems_free(&problems);
		return EXIT_FAILURE;
	}
	log_info("version %s, configuration %s", SRPGW_VERSION, file);
	raise_limits();
	rc = reactor_create("control", &d.control);
	if (rc == 0)
		rc = watch_signals(&d);
	if (rc) {
		log_line(NULL, LOG_LEVEL_ERROR, "cannot start the control reactor: %s", strerror(-rc));
		config_free(config);
	} else {
		rc = run_gateway(&d, config);
	}
	if (d.signals.fd >= 0) {
		reactor_watch_del(d.control, &d.signals);
		close(d.signals.fd);
	}
	if (d.control)
		reactor_destroy(d.control);
	return rc ? EXIT_FAILURE : d.exit_status;
}

static void usage(FILE *out)
{
	fputs("usage: srpgwd -c FILE             run in the foreground\n"
	      "       srpgwd --check -c FILE     look for mistakes in FILE; --json for programs\n"
	      "       srpgwd --keys              print every key of the configuration\n"
	      "       srpgwd --version\n"
	      "Signals: SIGTERM ends all sessions and stops, SIGHUP reads FILE again.\n",
	      out);
}

int main(int argc, char **argv)
{
	enum { OPT_CHECK = 256, OPT_JSON, OPT_KEYS, OPT_VERSION };
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, OPT_CHECK },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "keys", no_argument, NULL, OPT_KEYS },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *file = NULL;
	bool check = false, json = false;
	int opt;

	log_init("srpgwd", LOG_LEVEL_INFO, getenv("JOURNAL_STREAM") != NULL);
	while ((opt = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			file = optarg;
			break;
		case OPT_CHECK:
			check = true;
			break;
		case OPT_JSON:
			json = true;
			break;
		case OPT_KEYS:
			schema_print(&config_schema, stdout);
			return EXIT_SUCCESS;
		case OPT_VERSION:
			printf("srpgwd %s\n", SRPGW_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (!file || optind != argc) {
		usage(stderr);
		return 2;
	}
	if (check)
		return check_config(file, fabric_kinds, bridge_dir(), json, stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
	return run(file);
}
