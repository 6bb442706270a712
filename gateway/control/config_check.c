/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What goes beyond single values of the configuration: references, duplicates, patterns, URIs.
 * Each finding is one line with its place, cause and cure. Layer: control. Knows config, pattern, machine, proto.
 */
#include "../base/be.h"
#include "../core/identity.h"
#include "../proto/scsi.h"
#include "../rt/fabric.h"
#include "config.h"
#include "machine.h"
#include "nearest.h"
#include "pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 63u
#define TASK_POOL_BYTES 1024u /* no less than core takes from the pool for a task */

struct checker {
	struct config *c;
	struct problems *problems;
};

static bool chars_ok(const char *s, const char *allowed)
{
	return strspn(s, allowed) == strlen(s) && strlen(s) <= NAME_MAX_LEN;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static void check_absolute(struct checker *k, const char *file, struct json_path path, const char *key)
{
	struct json_path at = json_path_key(path, key);

	if (file && file[0] != '/')
		err_cure(problem_at(k->problems, &at, "\"%.64s\" is no absolute path", file), "begin it with \"/\"");
}

static void check_gateway(struct checker *k)
{
	const struct {
		const char *key, *value;
	} dirs[] = { { "state_dir", k->c->state_dir }, { "runtime_dir", k->c->runtime_dir } };
	struct json_path at = json_path_key(JSON_PATH_TOP, "name");

	if (!chars_ok(k->c->name, LOWER DIGITS "-."))
		err_cure(
		    problem_at(k->problems, &at, "\"%.64s\" cannot be part of an iSCSI initiator name", k->c->name),
		    "use at most 63 of a-z, 0-9, \"-\" and \".\"");
	for (size_t i = 0; i < 2; i++) {
		at = json_path_key(JSON_PATH_TOP, dirs[i].key);
		check_absolute(k, dirs[i].value, JSON_PATH_TOP, dirs[i].key);
		if (i == 1 &&
		    strlen(dirs[i].value) > 80) /* sun_path has 108 bytes, the sockets' names need some of them */
			err_cure(problem_at(k->problems, &at, "the path is too long for a socket"),
				 "choose one of at most 80 bytes");
	}
}

/* A response slot for each task, and room for two of the longest transfers, or a host could wait for ever. */
static void check_pool(struct checker *k)
{
	const struct config_limits *l = &k->c->limits;
	uint64_t need = (uint64_t)l->max_tasks * TASK_POOL_BYTES + 2 * l->max_transfer_bytes;
	struct json_path at = json_path_key(JSON_PATH_TOP, "pool_bytes");

	if (k->c->pool_bytes < need)
		err_cure(problem_at(k->problems, &at,
				    "%llu bytes are too few for \"max_tasks\" and \"max_transfer_bytes\"",
				    (unsigned long long)k->c->pool_bytes),
			 "give at least %llu, or lower those limits", (unsigned long long)need);
}

static void check_listen(struct checker *k)
{
	const struct schema_list *l = &k->c->listen;
	struct json_path list = json_path_key(JSON_PATH_TOP, "listen");

	if (l->n == 0)
		err_cure(problem_at(k->problems, &list, "no host could log in"),
			 "add an entry with \"fabric\" and \"port\"");
	for (size_t i = 0; i < l->n; i++) {
		const struct config_listen *a = CONFIG_ITEM(l, struct config_listen, i);
		struct json_path item = json_path_index(list, i), at = json_path_key(item, "address");
		struct fabric_addr addr;

		if (fabric_addr_parse(a->address, (uint16_t)a->port, &addr))
			err_cure(problem_at(k->problems, &at, "\"%.64s\" is no IP address", a->address),
				 "give the address of an RDMA interface in digits, or \"0.0.0.0\" for all");
		at = json_path_key(item, "crc");
		if (a->crc == CONFIG_CRC_OPTIONAL && strcmp(config_fabric_names[a->fabric], "iwarp") != 0)
			err_cure(problem_at(k->problems, &at, "adapters choose their CRCs themselves"),
				 "remove \"crc\": it is for \"iwarp\" only");
		for (size_t j = 0; j < i; j++) {
			const struct config_listen *b = CONFIG_ITEM(l, struct config_listen, j);

			if (a->port == b->port && a->fabric == b->fabric && strcmp(a->address, b->address) == 0)
				err_cure(problem_at(k->problems, &item, "the same as listen[%zu]", j),
					 "remove one of the two");
		}
	}
}

static void check_chap(struct checker *k, const struct config_backend *b, struct json_path path)
{
	const struct config_chap *c = &b->chap;
	struct json_path at = json_path_key(path, "chap");

	check_absolute(k, c->secret_file, at, "secret_file");
	check_absolute(k, c->mutual_secret_file, at, "mutual_secret_file");
	if (!c->user != !c->secret_file)
		err_cure(problem_at(k->problems, &at, "\"user\" and \"secret_file\" belong together"),
			 "give both or none");
	if (!c->mutual_user != !c->mutual_secret_file)
		err_cure(problem_at(k->problems, &at, "\"mutual_user\" and \"mutual_secret_file\" belong together"),
			 "give both or none");
	if (c->mutual_user && !c->user)
		err_cure(problem_at(k->problems, &at, "mutual CHAP without CHAP"),
			 "give \"user\" and \"secret_file\" too");
	if (c->user && strncmp(b->uri, "mem:", 4) == 0)
		err_cure(problem_at(k->problems, &at, "a RAM disk knows no CHAP"), "remove \"chap\"");
}

/* RFC 7143 4.2.7.1 and 4.2.7.2; @path: of the object that has the key. */
static void check_initiator_name(struct checker *k, const char *name, struct json_path path)
{
	struct json_path at = json_path_key(path, "initiator_name");

	if (!name)
		return;
	if (strncmp(name, "iqn.", 4) != 0 && strncmp(name, "eui.", 4) != 0 && strncmp(name, "naa.", 4) != 0)
		err_cure(problem_at(k->problems, &at, "\"%.64s\" is no iSCSI name", name), "begin it with iqn., eui. or naa.");
	else if (strlen(name) > IDENTITY_NAME_MAX)
		err_cure(problem_at(k->problems, &at, "an iSCSI name of %zu bytes", strlen(name)), "use at most %u",
			 IDENTITY_NAME_MAX);
	else if (name[0] == 'i' && name[strspn(name, LOWER DIGITS "-.:")])
		err_cure(problem_at(k->problems, &at, "\"%.64s\" has characters that an iSCSI name cannot have", name),
			 "use a-z, 0-9, \"-\", \".\" and \":\"");
	else if (name[0] != 'i' && name[4 + strspn(name + 4, "abcdefABCDEF" DIGITS)])
		err_cure(problem_at(k->problems, &at, "\"%.64s\" is no iSCSI name", name),
			 "give hexadecimal digits after eui. or naa.");
}

static int check_backend(struct checker *k, struct config_backend *b, struct json_path path)
{
	struct json_path at = json_path_key(path, "uri"), portals = json_path_key(path, "portals");
	char cause[256], cure[256];

	if (!*b->name || !chars_ok(b->name, LOWER UPPER DIGITS "-._"))
		err_cure(problem_at_key(k->problems, &path, "\"%.64s\" is no good name for a back-end", b->name),
			 "use at most 63 letters, digits, \"-\", \".\" and \"_\"");
	if (!config_uri_ok(b->uri, cause, cure, sizeof(cause)))
		err_cure(problem_at(k->problems, &at, "%s", cause), "%s", cure);
	for (size_t i = 0; i < b->portals.n; i++) {
		at = json_path_index(portals, i);
		if (!config_portal_ok(b->portals.item[i]))
			err_cure(problem_at(k->problems, &at, "\"%.64s\" is no portal", b->portals.item[i]),
				 "write HOST, HOST:PORT or [V6ADDRESS]:PORT");
	}
	if (b->portals.n && strncmp(b->uri, "iscsi:", 6) != 0 && strncmp(b->uri, "iser:", 5) != 0)
		err_cure(problem_at(k->problems, &portals, "only iSCSI and iSER back-ends have portals"),
			 "remove \"portals\"");
	check_initiator_name(k, b->identity.initiator_name, json_path_key(path, "identity"));
	b->identity.shared = b->identity.shared || b->identity.initiator_name;
	if (b->identity.shared && !b->identity.initiator_name)
		b->identity.initiator_name = arena_printf(&k->c->arena, "iqn.2026-11.srpgw:%s", k->c->name);
	if (b->identity.shared && !b->identity.initiator_name)
		return -ENOMEM;
	if (b->retry_ms > b->retry_max_ms) {
		at = json_path_key(path, "retry_ms");
		err_cure(problem_at(k->problems, &at, "larger than \"retry_max_ms\" (%u)", b->retry_max_ms),
			 "make it the smaller of the two");
	}
	check_chap(k, b, path);
	return 0;
}

static void check_patterns(struct checker *k, const struct schema_strings *s, struct json_path path)
{
	struct initiator_pattern p;
	char why[128];

	for (size_t i = 0; i < s->n; i++) {
		struct json_path at = json_path_index(path, i);

		if (!pattern_parse(s->item[i], &p, why, sizeof(why)))
			err_cure(problem_at(k->problems, &at, "\"%.64s\": %s", s->item[i], why),
				 "write \"*\", 32 hexadecimal digits (\"*\" may stand for those at one end), an IP "
				 "address or "
				 "prefix, or DIGITS@ADDRESS");
		for (size_t j = 0; j < i; j++) {
			if (strcmp(s->item[i], s->item[j]) == 0)
				err_cure(
				    problem_at(k->problems, &at, "\"%.64s\" stands twice in this list", s->item[i]),
				    "remove one of the two");
		}
	}
}

static const struct config_backend *find_backend(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->backends.n; i++) {
		const struct config_backend *b = CONFIG_ITEM(&c->backends, struct config_backend, i);

		if (strcmp(b->name, name) == 0)
			return b;
	}
	return NULL;
}

static void unknown_backend(struct checker *k, const char *name, const struct json_path *at)
{
	struct nearest near = { .wanted = name };
	struct err *e = problem_at(k->problems, at, "there is no back-end \"%.64s\"", name);

	for (size_t i = 0; i < k->c->backends.n; i++)
		nearest_offer(&near, CONFIG_ITEM(&k->c->backends, struct config_backend, i)->name);
	if (near.best)
		err_cure(e, "did you mean \"%s\"?", near.best);
	else
		err_cure(e, "add it to \"backends\"");
}

/* All LUNs of a back-end. */
static void check_all(struct checker *k, const struct schema_list *list, size_t i, struct json_path item)
{
	const struct config_lun *l = CONFIG_ITEM(list, struct config_lun, i);
	struct json_path at = json_path_key(item, l->lun.given ? "lun" : "backend_lun");

	if (l->lun.given || l->backend_lun.given)
		err_cure(problem_at(k->problems, &at, "with \"all\" the back-end's own numbers hold"),
			 "remove this key, or make an entry of its own for that LUN: it wins");
	at = json_path_key(item, "backend");
	for (size_t j = 0; j < i; j++) {
		const struct config_lun *other = CONFIG_ITEM(list, struct config_lun, j);

		if (other->all && other->backend && strcmp(other->backend, l->backend) == 0)
			err_cure(problem_at(k->problems, &at, "luns[%zu] maps all of this back-end too", j),
				 "remove one of the two");
	}
}

static void check_lun(struct checker *k, const struct schema_list *list, size_t i, struct json_path path)
{
	struct config_lun *l = CONFIG_ITEM(list, struct config_lun, i);
	struct json_path item = json_path_index(path, i), at = json_path_key(item, "backend");
	char number[17];

	if (!find_backend(k->c, l->backend))
		unknown_backend(k, l->backend, &at);
	if (l->all) {
		check_all(k, list, i, item);
		return;
	}
	at = json_path_key(item, "lun");
	if (!l->lun.given) {
		err_cure(problem_at(k->problems, &at, "this key is missing"),
			 "add \"lun\": the number that the hosts see");
		return;
	}
	if (!l->backend_lun.given)
		l->backend_lun = l->lun;
	for (size_t j = 0; j < i; j++) {
		const struct config_lun *other = CONFIG_ITEM(list, struct config_lun, j);

		if (other->lun.given && scsi_lun_equal(other->lun.b, l->lun.b))
			err_cure(problem_at(k->problems, &at, "LUN %s is mapped twice, here and in luns[%zu]",
					    scsi_lun_str(l->lun.b, number), j),
				 "give each logical unit a LUN of its own");
	}
}

/* "luns": "all" becomes the entry that it stands for. */
static int expand_luns(struct checker *k, struct schema_list *list, struct json_path path)
{
	const struct schema_list *backends = &k->c->backends;
	struct config_lun *l;

	if (!list->word)
		return 0;
	if (backends->n != 1) {
		err_cure(problem_at(k->problems, &path, "\"all\" of which back-end? There are %zu", backends->n),
			 "write [ { \"backend\": NAME, \"all\": true } ], with an entry for each that is meant");
		return 0;
	}
	l = arena_array(&k->c->arena, 1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->backend = CONFIG_ITEM(backends, struct config_backend, 0)->name;
	l->all = true;
	*list = (struct schema_list){ .item = l, .n = 1 };
	return 0;
}

static void check_luns(struct checker *k, const struct schema_list *list, struct json_path path)
{
	for (size_t i = 0; i < list->n; i++)
		check_lun(k, list, i, path);
}

static int check_groups(struct checker *k, const struct config_target *t, struct json_path path)
{
	struct json_path list = json_path_key(path, "groups");

	for (size_t i = 0; i < t->groups.n; i++) {
		struct config_group *g = CONFIG_ITEM(&t->groups, struct config_group, i);
		struct json_path item = json_path_index(list, i), at = json_path_key(item, "initiators");

		check_initiator_name(k, g->initiator_name, item);
		if (g->initiators.n == 0)
			err_cure(problem_at(k->problems, &at, "the list is empty: nobody is in this group"),
				 "name the initiators, or remove the group");
		check_patterns(k, &g->initiators, at);
		at = json_path_key(item, "luns");
		if (expand_luns(k, &g->luns, at))
			return -ENOMEM;
		check_luns(k, &g->luns, at);
		at = json_path_key(item, "name");
		for (size_t j = 0; j < i && g->name; j++) {
			const struct config_group *other = CONFIG_ITEM(&t->groups, struct config_group, j);

			if (other->name && strcmp(other->name, g->name) == 0)
				err_cure(problem_at(k->problems, &at, "groups[%zu] has this name too", j),
					 "choose another name");
		}
	}
	return 0;
}

static unsigned long long hex64(const uint8_t b[8])
{
	struct be64 v;

	memcpy(v.b, b, sizeof(v.b));
	return be64_get(v);
}

/* Fills in the identifiers that were left out. */
static int complete_target(struct checker *k, struct config_target *t, size_t i, struct json_path path)
{
	struct err e = ERR_INIT;

	if (!t->id_ext.given) {
		for (size_t b = 0; b < 8; b++)
			t->id_ext.b[b] = (uint8_t)((i + 1) >> (8 * (7 - b)));
		t->id_ext.given = true;
	}
	if (!t->ioc_guid.given) {
		if (machine_guid(t->ioc_guid.b, &e))
			err_cure(problem_at(k->problems, &path, "%s", e.cause), "%s", e.cure);
		t->ioc_guid.given = true;
	}
	if (!t->name)
		t->name = arena_printf(&k->c->arena, "%016llx:%016llx", hex64(t->id_ext.b), hex64(t->ioc_guid.b));
	return t->name ? 0 : -ENOMEM;
}

static int check_target(struct checker *k, size_t i, struct json_path list)
{
	struct config_target *t = CONFIG_ITEM(&k->c->targets, struct config_target, i);
	struct json_path path = json_path_index(list, i), at = json_path_key(path, "initiators");

	if (complete_target(k, t, i, path) || expand_luns(k, &t->luns, json_path_key(path, "luns")))
		return -ENOMEM;
	if (t->initiators.n == 0 && (t->groups.n == 0 || t->luns.n))
		err_cure(problem_at(k->problems, &at, "this target has no initiators: nobody could %s",
				    t->groups.n ? "see its \"luns\"" : "log in"),
			 "list who may log in; \"*\" lets everybody in");
	check_patterns(k, &t->initiators, at);
	check_luns(k, &t->luns, json_path_key(path, "luns"));
	if (check_groups(k, t, path))
		return -ENOMEM;
	for (size_t j = 0; j < i; j++) {
		const struct config_target *other = CONFIG_ITEM(&k->c->targets, struct config_target, j);

		if (memcmp(other->id_ext.b, t->id_ext.b, 8) == 0 && memcmp(other->ioc_guid.b, t->ioc_guid.b, 8) == 0)
			err_cure(problem_at(k->problems, &path, "targets[%zu] has the same id_ext and ioc_guid", j),
				 "give it another id_ext");
		else if (strcmp(other->name, t->name) == 0)
			err_cure(problem_at(k->problems, &path, "targets[%zu] has the same name", j),
				 "choose another name");
	}
	return 0;
}

int config_check(struct config *c, struct problems *problems)
{
	struct checker k = { .c = c, .problems = problems };
	struct json_path backends = json_path_key(JSON_PATH_TOP, "backends"),
			 targets = json_path_key(JSON_PATH_TOP, "targets");
	int rc = 0;

	check_gateway(&k);
	check_pool(&k);
	check_listen(&k);
	for (size_t i = 0; i < c->backends.n && rc == 0; i++) {
		struct config_backend *b = CONFIG_ITEM(&c->backends, struct config_backend, i);

		rc = check_backend(&k, b, json_path_key(backends, b->name));
	}
	if (c->targets.n == 0)
		err_cure(problem_at(problems, &targets, "the list is empty: there is nothing to log in to"),
			 "add a target with \"initiators\" and \"luns\"");
	for (size_t i = 0; i < c->targets.n && rc == 0; i++)
		rc = check_target(&k, i, targets);
	return rc;
}
