/* SPDX-License-Identifier: BSD-3-Clause */
/* `srpgwd --check`, see check.h. Layer: control. */
#include "check.h"
#include "../proto/scsi.h"
#include "snapshot.h"

#include <errno.h>
#include <string.h>

/* Smallest core that back-ends can be opened with. */
#define CHECK_POOL_BYTES (1u << 20)
#define CHECK_TASKS 16u

static void print_group(const struct initiator_group *g, FILE *out)
{
	char lun[17], backend_lun[17];

	fprintf(out, "  group %s:", g->name);
	for (size_t i = 0; i < g->n_pattern; i++)
		fprintf(out, " %s", g->pattern[i].text);
	fputc('\n', out);
	for (size_t i = 0; i < g->n_lun; i++)
		fprintf(out, "    LUN %s is LUN %s of %s\n", scsi_lun_str(g->lun[i].lun, lun),
			scsi_lun_str(g->lun[i].backend_lun, backend_lun), g->lun[i].backend->name);
	for (size_t i = 0; i < g->n_all; i++)
		fprintf(out, "    all LUNs of %s\n", g->all[i]->name);
	if (g->n_lun == 0 && g->n_all == 0)
		fprintf(out, "    no LUNs\n");
}

static void print_identity(void *arg, const struct snapshot_identity *id)
{
	FILE *out = arg;

	fprintf(out, "  %s in group %s of %s at %s: %s, ISID ", id->pattern->text, id->group->name, id->target->name,
		id->backend->name, id->initiator_name);
	for (size_t i = 0; i < sizeof(id->isid) && id->isid_known; i++)
		fprintf(out, "%02x", id->isid[i]);
	if (!id->isid_known)
		fprintf(out, "made from the initiator port identifier");
	fputc('\n', out);
}

static void print_warning(void *arg, const char *text)
{
	fprintf(arg, "warning: %s\n", text);
}

static void print_summary(const struct config *c, const struct map *m, FILE *out)
{
	fprintf(out, "%s: ok\n", c->file);
	for (size_t i = 0; i < c->listen.n; i++) {
		const struct config_listen *l = CONFIG_ITEM(&c->listen, struct config_listen, i);

		fprintf(out, "listen %s %s:%u\n", config_fabric_names[l->fabric], l->address, l->port);
	}
	for (size_t i = 0; i < m->n_backend; i++)
		fprintf(out, "back-end %s: %s (bridge %s)\n", m->backend[i]->name, m->backend[i]->uri,
			m->backend[i]->bridge->name);
	for (size_t i = 0; i < m->n_target; i++) {
		fprintf(out, "target %s\n", m->target[i].name);
		for (size_t g = 0; g < m->target[i].n_group; g++)
			print_group(&m->target[i].group[g], out);
	}
	fprintf(out, "initiator names that back-ends see:\n");
	snapshot_identities(m, print_identity, out);
	snapshot_warnings(m, print_warning, out);
}

struct bench {
	struct reactor *reactor;
	struct core *core;
	struct bridge_host *bridges;
	struct backends *backends;
};

static int bench_open(struct bench *b, const char *bridge_dir, struct err *e)
{
	struct core_params p = {
		.n_reactor = 1, .pool_bytes = CHECK_POOL_BYTES, .max_tasks = CHECK_TASKS, .max_ios = CHECK_TASKS
	};
	struct srpgw_host services = { .struct_size = sizeof(services) };
	int rc = reactor_create("check", &b->reactor);

	if (rc)
		return err_set(e, rc, "cannot make a reactor: %s", strerror(-rc));
	p.control = b->reactor;
	p.reactor = &b->reactor;
	rc = core_create(&p, &b->core, e);
	if (rc)
		return rc;
	core_host_services(b->core, &services);
	rc = bridge_host_create(bridge_dir, &services, &b->bridges, e);
	if (rc)
		return rc;
	return backends_create(b->bridges, b->core, &b->backends);
}

static void bench_close(struct bench *b)
{
	if (b->backends)
		backends_destroy(b->backends);
	if (b->core)
		core_destroy(b->core);
	if (b->bridges)
		bridge_host_destroy(b->bridges);
	if (b->reactor)
		reactor_destroy(b->reactor);
}

static int check_backends(const struct config *c, const char *bridge_dir, bool json, FILE *out,
			  struct problems *problems)
{
	struct bench b = { .reactor = NULL };
	struct err e = ERR_INIT;
	struct map *m;
	int rc = bench_open(&b, bridge_dir, &e);

	if (rc) {
		err_cure(problem(problems, "%s", e.cause[0] ? e.cause : "out of memory"), "%s",
			 e.cure[0] ? e.cure : "free some memory");
	} else {
		rc = snapshot_build(c, b.backends, problems, &m);
		if (rc == 0) {
			if (!json)
				print_summary(c, m, out);
			m->release(m);
		}
	}
	bench_close(&b);
	return rc;
}

static void print_json(const struct problems *problems, FILE *out)
{
	json_t *list = json_array(), *doc;
	char line[sizeof(struct err)];

	for (size_t i = 0; i < problems->n; i++) {
		const struct err *e = &problems->item[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:i, s:s, s:s, s:s}", "text",
						      err_format(e, line, sizeof(line)), "file", e->file, "line",
						      e->line, "column", e->column, "key", e->key, "cause", e->cause,
						      "cure", e->cure));
	}
	doc = json_pack("{s:b, s:o}", "ok", problems_count(problems) == 0, "problems", list);
	json_dumpf(doc, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(doc);
}

int check_config(const char *file, const struct fabric_kind *kinds, const char *bridge_dir, bool json, FILE *out)
{
	struct problems problems = { .file = NULL };
	struct config *c = NULL;
	int rc = config_load(file, &c, &problems);

	if (rc == 0) {
		problems = config_problems(c);
		listeners_check(c, kinds, &problems);
		if (problems_count(&problems) == 0)
			rc = check_backends(c, bridge_dir, json, out, &problems);
	}
	if (rc == 0 && problems_count(&problems))
		rc = -EINVAL;
	if (json)
		print_json(&problems, out);
	else
		problems_print(&problems, out);
	problems_free(&problems);
	config_free(c);
	return rc;
}
