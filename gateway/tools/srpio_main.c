/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * srpio: a user-space SRP initiator. This file puts it together: the fabrics, the command line, the commands.
 * Layer: tools. The only file of srpio that knows which fabrics there are.
 */
#include "../base/log.h"
#include "../fabric/iwarp/iwarp.h"
#include "../fabric/verbs/verbs.h"
#include "srpio_commands.h"
#include "srpio_io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int rdma_create(struct reactor *control, const struct srpio_options *o, struct fabric **out, struct err *e)
{
	/* One session: few receives, and each connection has its own. */
	static const struct verbs_params p = { .rx_buffers = 1024, .no_srq = true };

	(void)o;
	return verbs_fabric_create(control, &p, out, e);
}

static int iwarp_create(struct reactor *control, const struct srpio_options *o, struct fabric **out, struct err *e)
{
	const struct iwarp_params p = { .rx_buffers = 1024, .no_crc = o->no_crc };

	return iwarp_fabric_create(control, &p, out, e);
}

static const struct srpio_fabric fabrics[] = {
	{ "rdma", SRP_LOGIN_FORM_RDMA_CM, rdma_create },
	{ "iwarp", SRP_LOGIN_FORM_RDMA_CM, iwarp_create },
};

static const struct {
	int (*run)(struct srpio_session *s, json_t *out, struct err *e);
	uint32_t bs_bytes, depth; /* defaults; 0: single commands only */
} commands[SRPIO_N_COMMANDS] = {
	[SRPIO_LOGIN] = { srpio_cmd_login, 0, 0 },
	[SRPIO_LUNS] = { srpio_cmd_luns, 0, 0 },
	[SRPIO_INQUIRY] = { srpio_cmd_inquiry, 0, 0 },
	[SRPIO_READ] = { srpio_cmd_read, 256 << 10, 8 },
	[SRPIO_WRITE] = { srpio_cmd_write, 256 << 10, 8 },
	[SRPIO_VERIFY] = { srpio_cmd_verify, 256 << 10, 8 },
	[SRPIO_PERF] = { srpio_cmd_perf, 4 << 10, 32 },
};

void srpio_cmd_shape(const struct srpio_options *o, uint32_t *bs_bytes, uint32_t *depth)
{
	*bs_bytes = *depth = 0;
	if (!commands[o->command].depth)
		return;
	*bs_bytes = o->bs_bytes ? o->bs_bytes : commands[o->command].bs_bytes;
	*depth = o->depth ? o->depth : commands[o->command].depth;
}

static const struct srpio_fabric *fabric_find(const char *name, struct err *e)
{
	char names[64] = "";

	for (unsigned i = 0; i < sizeof(fabrics) / sizeof(*fabrics); i++) {
		if (strcmp(fabrics[i].name, name) == 0)
			return &fabrics[i];
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? ", " : "", fabrics[i].name);
	}
	err_set(e, -EINVAL, "--fabric %s: not in this build", name);
	err_cure(e, "choose one of: %s", names);
	return NULL;
}

static int run(const struct srpio_options *o, const struct srpio_fabric *fabric, json_t *out, struct err *e)
{
	struct srpio_session s;
	uint32_t bs_bytes, depth;
	int rc;

	srpio_cmd_shape(o, &bs_bytes, &depth);
	rc = srpio_session_open(&s, o, fabric, srpio_io_bytes(bs_bytes, depth), e);
	if (!rc)
		rc = commands[o->command].run(&s, out, e);
	srpio_session_close(&s);
	return rc;
}

static int complain(const struct err *e, int status)
{
	char line[1600];

	fprintf(stderr, "srpio: %s\n", err_format(e, line, sizeof(line)));
	return status;
}

int main(int argc, char *argv[])
{
	const struct srpio_fabric *fabric;
	struct srpio_options o;
	struct err e = ERR_INIT;
	json_t *out = NULL;
	int rc;

	if (srpio_options_parse(argc, argv, &o, &e)) {
		complain(&e, 0);
		fputs("try srpio --help\n", stderr);
		return EXIT_USAGE;
	}
	if (o.help) {
		fputs(srpio_usage, stdout);
		return EXIT_OK;
	}
	if (o.version) {
		printf("srpio %s\n", SRPGW_VERSION);
		return EXIT_OK;
	}
	fabric = fabric_find(o.fabric, &e);
	if (!fabric)
		return complain(&e, EXIT_USAGE);
	log_init("srpio", o.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, false);
	if (o.json)
		out = json_object();
	rc = run(&o, fabric, out, &e);
	if (out) {
		if (rc)
			json_object_set_new(out, "error", json_string(e.cause));
		json_dumpf(out, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(out);
	}
	if (fflush(stdout) == EOF && !rc)
		rc = err_set(&e, -errno, "standard output: %m");
	return rc ? complain(&e, EXIT_FAILED) : EXIT_OK;
}
