/* SPDX-License-Identifier: BSD-3-Clause */
/* The fabrics that the "listen" entries need, and their listeners, see listeners.h. Layer: control. */
#include "listeners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FABRICS_MAX 8u
#define REGIONS_MAX 64u
#define DEFAULT_IU_BYTES 8276u

struct open_fabric {
	const struct fabric_kind *kind;
	struct fabric *fabric;
	size_t n_region; /* that it was given */
};

struct listeners {
	const struct config *config;
	struct core *core;
	struct mem_region *region[REGIONS_MAX];
	size_t n_region;
	struct open_fabric fabric[FABRICS_MAX];
	size_t n_fabric;
	struct fabric_listener **listener; /* one per entry of the configuration, NULL while it does not listen */
};

static const struct fabric_kind *find_kind(const struct fabric_kind *kinds, const struct config_listen *l)
{
	for (; kinds->name; kinds++) {
		if (strcmp(kinds->name, config_fabric_names[l->fabric]) == 0 &&
		    kinds->crc_optional == (l->crc == CONFIG_CRC_OPTIONAL))
			return kinds;
	}
	return NULL;
}

static const struct config_listen *entry(const struct config *c, size_t i)
{
	return CONFIG_ITEM(&c->listen, struct config_listen, i);
}

static struct json_path entry_path(size_t i)
{
	return json_path_index(json_path_key(JSON_PATH_TOP, "listen"), i);
}

void listeners_check(const struct config *c, const struct fabric_kind *kinds, struct problems *problems)
{
	char known[128] = "";

	for (const struct fabric_kind *k = kinds; k->name; k++) {
		if (k->crc_optional)
			continue;
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s\"%s\"", k == kinds ? "" : " or ",
			 k->name);
	}
	for (size_t i = 0; i < c->listen.n; i++) {
		const char *name = config_fabric_names[entry(c, i)->fabric];
		struct json_path at = json_path_key(entry_path(i), "fabric");

		if (!find_kind(kinds, entry(c, i)))
			err_cure(problem_at(problems, &at, "fabric \"%s\" is not available yet", name), "use %s",
				 known);
	}
}

static void problem_from(struct problems *problems, size_t i, const struct err *e)
{
	struct json_path at = entry_path(i);
	struct err *p = problem_at(problems, &at, "%s", e->cause);

	if (e->cure[0])
		err_cure(p, "%s", e->cure);
}

static int give_regions(struct listeners *s, struct open_fabric *f, struct err *e)
{
	for (; f->n_region < s->n_region; f->n_region++) {
		int rc = f->fabric->ops->mem_add(f->fabric, s->region[f->n_region]);

		if (rc == 0)
			continue;
		err_cure(e, "raise the memory lock limit (ulimit -l, LimitMEMLOCK=), or lower \"pool_bytes\"");
		return err_set(e, rc, "cannot register the data buffers with the RDMA device: %s", strerror(-rc));
	}
	return 0;
}

static struct open_fabric *find_fabric(struct listeners *s, const struct config_listen *l)
{
	for (size_t i = 0; i < s->n_fabric; i++) {
		const struct fabric_kind *k = s->fabric[i].kind;

		if (strcmp(k->name, config_fabric_names[l->fabric]) == 0 &&
		    k->crc_optional == (l->crc == CONFIG_CRC_OPTIONAL))
			return &s->fabric[i];
	}
	return NULL;
}

static int open_fabric(struct listeners *s, const struct fabric_kind *kind, struct reactor *control, struct err *e)
{
	struct open_fabric *f = &s->fabric[s->n_fabric];
	uint32_t iu = s->config->limits.max_it_iu_len_bytes;
	int rc;

	if (s->n_fabric == FABRICS_MAX)
		return err_set(e, -ENFILE, "too many kinds of fabric");
	rc = kind->create(control, iu > DEFAULT_IU_BYTES ? iu : 0, &f->fabric, e);
	if (rc)
		return rc;
	f->kind = kind;
	s->n_fabric++;
	return give_regions(s, f, e);
}

int listeners_create(const struct config *c, const struct fabric_kind *kinds, struct reactor *control,
		     struct core *core, struct listeners **out, struct problems *problems)
{
	struct listeners *s = calloc(1, sizeof(*s));
	int rc = 0;

	if (s)
		s->listener = calloc(c->listen.n, sizeof(struct fabric_listener *));
	if (!s || !s->listener) {
		free(s);
		problem(problems, "out of memory");
		return -ENOMEM;
	}
	s->config = c;
	s->core = core;
	s->n_region = core_regions(core, s->region, REGIONS_MAX);
	if (s->n_region > REGIONS_MAX)
		s->n_region = REGIONS_MAX;
	for (size_t i = 0; i < c->listen.n && rc == 0; i++) {
		const struct fabric_kind *kind = find_kind(kinds, entry(c, i));
		struct err e = ERR_INIT;

		if (!kind || find_fabric(s, entry(c, i)))
			continue;
		rc = open_fabric(s, kind, control, &e);
		if (rc)
			problem_from(problems, i, &e);
	}
	if (rc) {
		listeners_destroy(s);
		return rc;
	}
	*out = s;
	return 0;
}

int listeners_start(struct listeners *s, struct problems *problems)
{
	int failed = 0;

	for (size_t i = 0; i < s->config->listen.n; i++) {
		const struct config_listen *l = entry(s->config, i);
		struct open_fabric *f = find_fabric(s, l);
		struct fabric_addr addr;
		struct err e = ERR_INIT;
		int rc = -EINVAL;

		if (f && fabric_addr_parse(l->address, (uint16_t)l->port, &addr) == 0)
			rc = f->fabric->ops->listen(f->fabric, &addr, &core_listen_cbs, s->core, &s->listener[i], &e);
		if (rc == 0)
			continue;
		err_set(&e, rc, "cannot listen on %s:%u: %s", l->address, l->port, strerror(-rc));
		problem_from(problems, i, &e);
		failed = rc;
	}
	if (failed)
		listeners_stop(s);
	return failed;
}

void listeners_stop(struct listeners *s)
{
	for (size_t i = 0; i < s->config->listen.n; i++) {
		struct open_fabric *f = find_fabric(s, entry(s->config, i));

		if (s->listener[i])
			f->fabric->ops->unlisten(s->listener[i]);
		s->listener[i] = NULL;
	}
}

void listeners_destroy(struct listeners *s)
{
	if (!s)
		return;
	listeners_stop(s);
	while (s->n_fabric) {
		struct open_fabric *f = &s->fabric[--s->n_fabric];

		while (f->n_region)
			f->fabric->ops->mem_del(f->fabric, s->region[--f->n_region]);
		f->fabric->ops->destroy(f->fabric);
	}
	free(s->listener);
	free(s);
}

json_t *listeners_json(const struct listeners *s)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < s->config->listen.n; i++) {
		const struct config_listen *l = entry(s->config, i);

		if (json_array_append_new(list,
					  json_pack("{s:s, s:s, s:i, s:s}", "fabric", config_fabric_names[l->fabric],
						    "address", l->address, "port", (int)l->port, "state",
						    s->listener[i] ? "listening" : "closed"))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* Collects (device, key, value) triples into { "device": { "key": "value" } }. */
struct device_list {
	json_t *devices;
	bool failed;
};

static void on_property(void *arg, const char *device, const char *key, const char *value)
{
	struct device_list *d = arg;
	json_t *properties = json_object_get(d->devices, device), *text = json_string(value);

	if (!properties) {
		properties = json_object();
		if (json_object_set_new(d->devices, device, properties))
			d->failed = true;
	}
	if (!text) /* no UTF-8 */
		text = json_string("?");
	if (json_object_set_new(properties, key, text))
		d->failed = true;
}

static int append_devices(json_t *list, const char *fabric, json_t *devices)
{
	const char *name;
	json_t *properties;

	json_object_foreach(devices, name, properties)
	{
		if (json_array_append_new(
			list, json_pack("{s:s, s:s, s:O}", "fabric", fabric, "device", name, "properties", properties)))
			return -ENOMEM;
	}
	return 0;
}

json_t *listeners_devices_json(const struct listeners *s)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < s->n_fabric; i++) {
		struct fabric *f = s->fabric[i].fabric;
		struct device_list d = { .devices = json_object() };

		if (d.devices && f->ops->describe)
			f->ops->describe(f, on_property, &d);
		if (!d.devices || d.failed || append_devices(list, s->fabric[i].kind->name, d.devices)) {
			json_decref(list);
			list = NULL;
		}
		json_decref(d.devices);
	}
	return list;
}
