/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a discovery found, for people and for programs. Pure. Layer: tools.
 */
#include "srpgwctl_discover.h"

#include "srpgwctl_table.h"

#include <string.h>

/* Return: false when there are more bytes than fit 64 bits; nobody has such a disk, but somebody may say so. */
static bool size_bytes(const struct discover_lun *l, uint64_t *bytes)
{
	return l->sized && !__builtin_mul_overflow(l->capacity.n_blocks, l->capacity.block_bytes, bytes);
}

/* ---- text ---- */

static void print_luns(const struct discover_group *g, FILE *out)
{
	static const char *const names[] = { "LUN", "TYPE", "VENDOR", "PRODUCT", "REVISION", "SIZE" };
	struct table t = { .n_cells = 0 };
	char lun[17], size[UNITS_STRLEN];
	uint64_t bytes;

	table_row(&t);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		table_cell(&t, "%s", names[i]);
	for (size_t i = 0; i < g->n_lun; i++) {
		const struct discover_lun *l = &g->lun[i];

		table_row(&t);
		table_cell(&t, "%s", scsi_lun_str(l->lun, lun));
		table_cell(&t, "%s", l->known ? srpio_type_name(l->inquiry.type) : "?");
		table_cell(&t, "%s", l->inquiry.vendor);
		table_cell(&t, "%s", l->inquiry.product);
		table_cell(&t, "%s", l->inquiry.revision);
		table_cell(&t, "%s", size_bytes(l, &bytes) ? units_bytes(bytes, size) : "-");
		if (l->error[0])
			table_cell(&t, "%s", l->error);
	}
	if (table_print(&t, out))
		fputs("out of memory\n", out);
	table_free(&t);
}

static void print_group(const struct discover_group *g, FILE *out)
{
	if (g->tag >= 0)
		fprintf(out, "target portal group %d:", g->tag);
	else
		fputs("portals:", out);
	for (size_t i = 0; i < g->n_portal; i++)
		fprintf(out, "%s %s", i ? "," : "", g->portal[i]);
	fputc('\n', out);
	if (g->n_lun)
		print_luns(g, out);
	else if (!g->error[0])
		fputs("no logical units\n", out);
	if (g->error[0])
		fprintf(out, "not looked at: %s\n", g->error);
	if (g->cut)
		fprintf(out, "and more than these %zu logical units\n", g->n_lun);
}

void discover_print(const struct discover_result *r, FILE *out)
{
	for (size_t i = 0; i < r->n_group; i++) {
		bool again = i > 0 && strcmp(r->group[i].target_name, r->group[i - 1].target_name) == 0;

		if (!again)
			fprintf(out, "%starget %s\n", i ? "\n" : "", r->group[i].target_name);
		print_group(&r->group[i], out);
	}
	if (r->cut)
		fputs("\nand more than can be shown here\n", out);
}

/* ---- JSON ---- */

/* Takes @v over. */
static bool append(json_t *list, json_t *v)
{
	return v && json_array_append_new(list, v) == 0;
}

static json_t *lun_json(const struct discover_lun *l)
{
	char lun[17];
	uint64_t bytes;
	json_t *v = json_pack("{s:s}", "lun", scsi_lun_str(l->lun, lun));
	bool ok = v != NULL;

	if (ok && l->known)
		ok = json_object_set_new(v, "type", json_string(srpio_type_name(l->inquiry.type))) == 0 &&
		     json_object_set_new(v, "vendor", json_string(l->inquiry.vendor)) == 0 &&
		     json_object_set_new(v, "product", json_string(l->inquiry.product)) == 0 &&
		     json_object_set_new(v, "revision", json_string(l->inquiry.revision)) == 0;
	if (ok && size_bytes(l, &bytes) && bytes <= INT64_MAX)
		ok = json_object_set_new(v, "size_bytes", json_integer((json_int_t)bytes)) == 0 &&
		     json_object_set_new(v, "block_bytes", json_integer((json_int_t)l->capacity.block_bytes)) == 0;
	if (ok && l->error[0])
		ok = json_object_set_new(v, "error", json_string(l->error)) == 0;
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static json_t *group_json(const struct discover_group *g)
{
	json_t *portals = json_array(), *luns = json_array(), *v;
	bool ok = portals && luns;

	for (size_t i = 0; ok && i < g->n_portal; i++)
		ok = append(portals, json_string(g->portal[i]));
	for (size_t i = 0; ok && i < g->n_lun; i++)
		ok = append(luns, lun_json(&g->lun[i]));
	if (!ok) {
		json_decref(portals);
		json_decref(luns);
		return NULL;
	}
	v = json_pack("{s:s, s:o, s:o}", "target_name", g->target_name, "portals", portals, "luns", luns);
	ok = v && (g->tag < 0 || json_object_set_new(v, "portal_group", json_integer(g->tag)) == 0) &&
	     (!g->error[0] || json_object_set_new(v, "error", json_string(g->error)) == 0) &&
	     (!g->cut || json_object_set_new(v, "more_luns", json_true()) == 0);
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

json_t *discover_json(const struct discover_result *r, const struct discover_options *o)
{
	json_t *groups = json_array();
	bool ok = groups != NULL;

	for (size_t i = 0; ok && i < r->n_group; i++)
		ok = append(groups, group_json(&r->group[i]));
	if (!ok) {
		json_decref(groups);
		return NULL;
	}
	return json_pack("{s:o, s:b, s:o}", "target_portal_groups", groups, "more", r->cut, "configuration",
			 discover_config(r, o->chap_user, o->chap_secret_file));
}
