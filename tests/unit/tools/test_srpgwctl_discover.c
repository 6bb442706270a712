/* SPDX-License-Identifier: BSD-3-Clause */
/* What srpgwctl discover prints: text, JSON, and the configuration with a back-end for each target portal group. */
#include "../../../gateway/tools/srpgwctl_discover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct discover_group *add_group(struct discover_result *r, const char *target_name, int32_t tag,
					const char *portals)
{
	struct discover_group *g = &r->group[r->n_group++];
	const char *p = portals;

	snprintf(r->scheme, sizeof(r->scheme), "iscsi");
	snprintf(g->target_name, sizeof(g->target_name), "%s", target_name);
	g->tag = tag;
	g->portal = calloc(DISCOVER_MAX_PORTALS, sizeof(*g->portal));
	assert_non_null(g->portal);
	while (*p) {
		size_t len = strcspn(p, " ");

		snprintf(g->portal[g->n_portal++], sizeof(g->portal[0]), "%.*s", (int)len, p);
		p += len;
		p += *p == ' ';
	}
	return g;
}

static void add_luns(struct discover_group *g)
{
	g->n_lun = 3;
	g->lun = calloc(3, sizeof(*g->lun));
	assert_non_null(g->lun);
	g->lun[0].known = g->lun[1].known = true;
	g->lun[0].inquiry = (struct srpio_inquiry){ .type = 0x0c, .vendor = "IET", .product = "Controller", .revision = "1" };
	g->lun[1].lun[1] = 1;
	g->lun[1].inquiry = (struct srpio_inquiry){ .type = 0, .vendor = "ACME", .product = "Disk", .revision = "2" };
	g->lun[1].sized = true;
	g->lun[1].capacity = (struct srpio_capacity){ .n_blocks = 1u << 21, .block_bytes = 512 };
	g->lun[2].lun[0] = 0x41;
	g->lun[2].lun[1] = 0x2c;
	snprintf(g->lun[2].error, sizeof(g->lun[2].error), "INQUIRY: it slept");
}

static struct discover_result *new_result(void)
{
	struct discover_result *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	return r;
}

static void end(struct discover_result *r)
{
	discover_free(r);
	free(r);
}

/* Consumes @v; its compact text must be @want. */
static void is(json_t *v, const char *want)
{
	char *text = json_dumps(v, JSON_COMPACT);

	assert_string_equal(text, want);
	free(text);
	json_decref(v);
}

static void text(void **state)
{
	struct discover_result *r = new_result();
	struct discover_group *g;
	char buf[2048];
	FILE *out;

	(void)state;
	g = add_group(r, "iqn.x:disk", 1, "10.0.0.1:3260 10.0.0.2:3260");
	add_luns(g);
	g->cut = true;
	g = add_group(r, "iqn.x:disk", 2, "10.1.0.1:3260");
	snprintf(g->error, sizeof(g->error), "nobody answered");
	add_group(r, "iqn.x:other", -1, "h:1");
	r->cut = true;
	memset(buf, 0, sizeof(buf));
	out = fmemopen(buf, sizeof(buf) - 1, "w");
	assert_non_null(out);
	discover_print(r, out);
	fclose(out);
	assert_string_equal(buf, "target iqn.x:disk\n"
				 "target portal group 1: 10.0.0.1:3260, 10.0.0.2:3260\n"
				 "LUN  TYPE  VENDOR  PRODUCT     REVISION     SIZE\n"
				 "  0  raid  IET     Controller         1        -\n"
				 "  1  disk  ACME    Disk               2  1.0 GiB\n"
				 "300  ?                                         -  INQUIRY: it slept\n"
				 "and more than these 3 logical units\n"
				 "target portal group 2: 10.1.0.1:3260\n"
				 "not looked at: nobody answered\n"
				 "\n"
				 "target iqn.x:other\n"
				 "portals: h:1\n"
				 "no logical units\n"
				 "\n"
				 "and more than can be shown here\n");
	end(r);
}

static void json(void **state)
{
	struct discover_options o = { .chap_user = NULL };
	struct discover_result *r = new_result();
	json_t *doc;

	(void)state;
	add_luns(add_group(r, "iqn.x:disk", 1, "10.0.0.1:3260"));
	snprintf(add_group(r, "iqn.x:gone", -1, "h:1")->error, 16, "gone");
	doc = discover_json(r, &o);
	is(json_incref(json_object_get(doc, "target_portal_groups")),
	   "[{\"target_name\":\"iqn.x:disk\",\"portals\":[\"10.0.0.1:3260\"],\"luns\":["
	   "{\"lun\":\"0\",\"type\":\"raid\",\"vendor\":\"IET\",\"product\":\"Controller\",\"revision\":\"1\"},"
	   "{\"lun\":\"1\",\"type\":\"disk\",\"vendor\":\"ACME\",\"product\":\"Disk\",\"revision\":\"2\","
	   "\"size_bytes\":1073741824,\"block_bytes\":512},"
	   "{\"lun\":\"300\",\"error\":\"INQUIRY: it slept\"}],\"portal_group\":1},"
	   "{\"target_name\":\"iqn.x:gone\",\"portals\":[\"h:1\"],\"luns\":[],\"error\":\"gone\"}]");
	json_decref(doc);
	end(r);
}

static void configuration(void **state)
{
	struct discover_result *r = new_result();
	json_t *c;

	(void)state;
	add_group(r, "iqn.2026-11.example:big.array_1", 1, "10.0.0.1:3260 10.0.0.2:3260 10.0.0.3:3260");
	add_group(r, "iqn.2026-11.example:big.array_1", 2, "10.1.0.1:3260");
	/* The same after the authority, and what a name of a back-end may not hold. */
	add_group(r, "iqn.2026-12.example:a/b", 1, "[fe80::1]:3260");
	add_group(r, "iqn.2026-13.example:a/b", 1, "h:3260");
	add_group(r, "eui.0123456789abcdef", -1, "h:3260");
	c = discover_config(r, "me", "/etc/srpgw/secret");
	is(json_incref(json_object_get(c, "backends")),
	   "{\"big.array_1-1\":{\"uri\":\"iscsi://10.0.0.1:3260/iqn.2026-11.example:big.array_1\","
	   "\"portals\":[\"10.0.0.2:3260\",\"10.0.0.3:3260\"],\"chap\":{\"user\":\"me\",\"secret_file\":\"/etc/srpgw/secret\"}},"
	   "\"big.array_1-2\":{\"uri\":\"iscsi://10.1.0.1:3260/iqn.2026-11.example:big.array_1\","
	   "\"chap\":{\"user\":\"me\",\"secret_file\":\"/etc/srpgw/secret\"}},"
	   "\"a-b\":{\"uri\":\"iscsi://[fe80::1]:3260/iqn.2026-12.example:a/b\","
	   "\"chap\":{\"user\":\"me\",\"secret_file\":\"/etc/srpgw/secret\"}},"
	   "\"a-b-2\":{\"uri\":\"iscsi://h:3260/iqn.2026-13.example:a/b\","
	   "\"chap\":{\"user\":\"me\",\"secret_file\":\"/etc/srpgw/secret\"}},"
	   "\"eui.0123456789abcdef\":{\"uri\":\"iscsi://h:3260/eui.0123456789abcdef\","
	   "\"chap\":{\"user\":\"me\",\"secret_file\":\"/etc/srpgw/secret\"}}}");
	is(json_incref(json_array_get(json_object_get(c, "targets"), 1)),
	   "{\"name\":\"big.array_1-2\",\"initiators\":[\"*\"],\"luns\":[{\"backend\":\"big.array_1-2\",\"all\":true}]}");
	assert_int_equal(json_array_size(json_object_get(c, "targets")), 5);
	is(json_incref(json_object_get(c, "listen")), "[{\"fabric\":\"rdma\",\"address\":\"0.0.0.0\",\"port\":5555}]");
	json_decref(c);
	end(r);
}

/* A thousand targets of one name must not take a name twice, nor for ever. */
static void many_of_one_name(void **state)
{
	struct discover_result *r = new_result();
	char name[64];
	json_t *c;

	(void)state;
	for (unsigned i = 0; i < DISCOVER_MAX_GROUPS; i++) {
		snprintf(name, sizeof(name), "iqn.2026-%02u.example%u:"
			 "a-name-that-is-longer-than-a-back-end", i % 12 + 1, i);
		add_group(r, name, 1, "h:3260");
	}
	c = discover_config(r, NULL, NULL);
	assert_int_equal(json_object_size(json_object_get(c, "backends")), DISCOVER_MAX_GROUPS);
	json_decref(c);
	end(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),
		cmocka_unit_test(json),
		cmocka_unit_test(configuration),
		cmocka_unit_test(many_of_one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
