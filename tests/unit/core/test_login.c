/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pure parts of a login: policy, searches in the map, nexus keys, identity at the back-end.
 */
#include "../../../gateway/core/core.h"
#include "../../../gateway/core/key.h"
#include "../../../gateway/core/identity.h"
#include "../../../gateway/core/login.h"
#include "cmocka_all.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct world {
	struct map map;
	struct target_conf target;
	struct initiator_group group[2];
	struct initiator_pattern pattern[2];
	struct srp_login_req req;
	struct fabric_addr peer;
	struct fabric_limits limits;
	struct login_facts facts;
	struct login_terms terms;
	enum srp_error decoded;
};

static struct fabric_addr addr(const char *host)
{
	struct fabric_addr a;

	assert_int_equal(fabric_addr_parse(host, 1, &a), 0);
	return a;
}

static void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->pattern[0].any = true;
	w->group[0] = (struct initiator_group){ .pattern = w->pattern, .n_pattern = 1 };
	w->target.group = w->group;
	w->target.n_group = 1;
	memset(w->target.t_port_id, 0x77, 16);
	w->map = (struct map){ .target = &w->target, .n_target = 1, .immediate_data = true };
	w->req = (struct srp_login_req){ .tag = 9, .req_it_iu_len = 8260, .buf_fmt = 6, .imm_data_offset = 68 };
	memset(w->req.i_port_id, 0x11, 16);
	memset(w->req.t_port_id, 0x77, 16);
	w->peer = addr("10.0.0.1");
	w->limits = (struct fabric_limits){ .sq_depth = 1024, .max_recv = 1024, .rx_bytes = 8276 };
}

static enum outcome decide(struct world *w)
{
	return login_decide(w->decoded, &w->req, &w->map, &w->peer, &w->limits, &w->facts, &w->terms);
}

static void test_defaults(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(decide(&w), OUTCOME_OK);
	assert_int_equal(w.terms.req_lim, 128);
	assert_int_equal(w.terms.n_recv, 132);
	assert_int_equal(w.terms.sq_depth, 512);
	assert_int_equal(w.terms.it_iu_len, 8276);
	assert_int_equal(w.terms.ti_iu_len, 320);
	assert_int_equal(w.terms.srp.max_table_entries, 2048);
	assert_false(w.terms.srp.imm_granted); /* not asked for */
	assert_false(w.terms.multi);
}

static void test_bounds_of_the_device(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.limits.max_recv = 20;
	w.limits.sq_depth = 32;
	assert_int_equal(decide(&w), OUTCOME_OK);
	assert_int_equal(w.terms.req_lim, 16);
	assert_int_equal(w.terms.n_recv, 20);
	assert_int_equal(w.terms.sq_depth, 32);
	w.limits.max_recv = 4;
	assert_int_equal(decide(&w), OUTCOME_LOGIN_RESOURCES);
	w.limits.max_recv = 20;
	w.limits.rx_bytes = 4096;
	assert_int_equal(decide(&w), OUTCOME_LOGIN_IU_LARGE);
	w.req.req_it_iu_len = 4096;
	assert_int_equal(decide(&w), OUTCOME_OK);
	assert_int_equal(w.terms.it_iu_len, 4096);
	w.req.req_it_iu_len = 64;
	assert_int_equal(decide(&w), OUTCOME_OK);
	assert_int_equal(w.terms.ti_iu_len, 64);
}

static void test_what_was_offered_is_in_force(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.req.buf_fmt = SRP_BUF_DIRECT;
	w.req.req_flags = SRP_LOGIN_CRSOLNT | SRP_LOGIN_LOSOLNT | SRP_LOGIN_IMMED_REQ | SRP_MULTI_MULTI;
	assert_int_equal(decide(&w), OUTCOME_OK);
	assert_true(w.terms.srp.formats_direct);
	assert_false(w.terms.srp.formats_indirect);
	assert_int_equal(w.terms.solnt, SRP_LOGIN_CRSOLNT | SRP_LOGIN_LOSOLNT);
	assert_true(w.terms.srp.imm_granted);
	assert_true(w.terms.multi);
	w.map.immediate_data = false;
	assert_int_equal(decide(&w), OUTCOME_OK);
	assert_false(w.terms.srp.imm_granted);
}

static void test_order_of_refusals(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.facts = (struct login_facts){
		.nexus_live = true, .same_host = false, .nexus_channels = 99, .channels = 9999, .nexuses = 9999
	};
	w.req.req_flags = SRP_MULTI_MULTI;
	w.decoded = SRP_ERR_SHORT;
	assert_int_equal(decide(&w), OUTCOME_LOGIN_MALFORMED);
	w.decoded = SRP_OK;
	assert_int_equal(decide(&w), OUTCOME_LOGIN_OTHER_ADDRESS);
	w.facts.same_host = true;
	assert_int_equal(decide(&w), OUTCOME_LOGIN_NEXUS_CHANNELS);
	w.facts.nexus_channels = 1;
	w.facts.nexus_logins = LOGIN_NEXUS_PENDING;
	w.req.req_flags = SRP_MULTI_SINGLE;
	assert_int_equal(decide(&w), OUTCOME_LOGIN_PENDING);
	w.req.req_flags = SRP_MULTI_MULTI; /* waits for nobody, and is counted as a channel */
	assert_int_equal(decide(&w), OUTCOME_LOGIN_CHANNELS);
	w.facts.channels = 1;
	assert_int_equal(decide(&w), OUTCOME_OK);
	w.facts.nexus_live = false;
	assert_int_equal(decide(&w), OUTCOME_LOGIN_NEXUSES);
	w.facts.draining = true;
	assert_int_equal(decide(&w), OUTCOME_LOGIN_DRAINING);
	assert_int_equal(login_decide(SRP_OK, &w.req, NULL, &w.peer, &w.limits, &w.facts, &w.terms),
			 OUTCOME_LOGIN_DRAINING);
}

static void pattern_id(struct initiator_pattern *p, uint8_t first, uint8_t mask)
{
	*p = (struct initiator_pattern){ .has_id = true };
	p->id[0] = first;
	p->id_mask[0] = mask;
}

static void test_groups(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	pattern_id(&w.pattern[0], 0x10, 0xf0);
	w.group[1] = (struct initiator_group){ .pattern = &w.pattern[1], .n_pattern = 1 };
	w.pattern[1].any = true;
	w.target.n_group = 2;
	assert_ptr_equal(map_find_group(&w.target, w.req.i_port_id, &w.peer), &w.group[0]);
	w.req.i_port_id[0] = 0x20;
	assert_ptr_equal(map_find_group(&w.target, w.req.i_port_id, &w.peer), &w.group[1]);
	w.target.n_group = 1;
	assert_null(map_find_group(&w.target, w.req.i_port_id, &w.peer));
	assert_int_equal(decide(&w), OUTCOME_LOGIN_NOT_ALLOWED);
	/* A pattern without any part matches nobody. */
	w.pattern[0] = (struct initiator_pattern){ .any = false };
	assert_null(map_find_group(&w.target, w.req.i_port_id, &w.peer));
}

static void test_address_patterns(void **state)
{
	static const struct {
		const char *pattern;
		uint8_t bits;
		const char *peer;
		bool match;
	} cases[] = {
		{ "10.0.0.0", 24, "10.0.0.77", true },	 { "10.0.0.0", 24, "10.0.1.77", false },
		{ "10.0.0.5", 32, "10.0.0.5", true },	 { "10.0.0.5", 32, "10.0.0.4", false },
		{ "10.0.0.128", 25, "10.0.0.127", false }, { "10.0.0.128", 25, "10.0.0.200", true },
		{ "0.0.0.0", 0, "192.168.1.1", true },	 { "fe80::", 10, "fe80::1", true },
		{ "fe80::", 10, "fec0::1", false },	 { "10.0.0.0", 8, "fe80::1", false },
		{ "::", 0, "10.0.0.1", false },		 { "10.0.0.0", 8, "::ffff:10.1.2.3", true },
		{ "10.0.0.0", 33, "10.0.0.0", false },
	};
	struct world w;

	(void)state;
	world_init(&w);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		w.pattern[0] = (struct initiator_pattern){ .has_addr = true,
							   .addr = addr(cases[i].pattern),
							   .addr_prefix_len = cases[i].bits };
		w.peer = addr(cases[i].peer);
		assert_int_equal(map_find_group(&w.target, w.req.i_port_id, &w.peer) != NULL, cases[i].match);
	}
}

static void test_keys(void **state)
{
	struct nexus_key a, b;
	uint8_t i[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 }, t[16] = { 42 };
	struct fabric_addr x = addr("10.0.0.1"), y = addr("10.0.0.2");
	char text[NEXUS_KEY_STRLEN];

	(void)state;
	nexus_key_init(&a, i, t, &x);
	nexus_key_init(&b, i, t, &y);
	assert_true(nexus_key_equal(&a, &b)); /* the identifier says who it is */
	assert_string_equal(nexus_key_str(&a, text),
			    "0102030405060708:090a0b0c0d0e0f10 -> 2a00000000000000:0000000000000000");
	memset(i + 8, 0, 8);
	nexus_key_init(&a, i, t, &x);
	nexus_key_init(&b, i, t, &y);
	assert_false(nexus_key_equal(&a, &b));
	assert_int_equal(nexus_key_hash(&a), nexus_key_hash(&b));
	nexus_key_init(&b, i, t, &x);
	assert_true(nexus_key_equal(&a, &b));
	t[0] = 43;
	nexus_key_init(&b, i, t, &x);
	assert_false(nexus_key_equal(&a, &b));
}

static void test_identity(void **state)
{
	uint8_t i[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 }, t[16] = { 42 }, isid[6], other[6];
	struct fabric_addr x = addr("10.0.0.1"), six = addr("fe80::a");
	char name[224], small[12];

	(void)state;
	identity_initiator_name("Gate Way_1", i, &x, name, sizeof(name));
	assert_string_equal(name, "iqn.2026-11.srpgw:gate-way-1:0102030405060708090a0b0c0d0e0f10");
	memset(i + 8, 0, 8);
	identity_initiator_name("gw", i, &x, name, sizeof(name));
	assert_string_equal(name, "iqn.2026-11.srpgw:gw:01020304050607080000000000000000:10.0.0.1");
	identity_initiator_name("gw", i, &six, name, sizeof(name));
	assert_string_equal(name, "iqn.2026-11.srpgw:gw:01020304050607080000000000000000:fe80::a");
	identity_initiator_name("gw", i, &x, small, sizeof(small));
	assert_int_equal(strlen(small), sizeof(small) - 1);
	/* The same for ever: persistent reservations hang on it. */
	identity_isid(t, "san", isid);
	assert_int_equal(isid[0], 0x80);
	identity_isid(t, "san", other);
	assert_memory_equal(isid, other, 6);
	identity_isid(t, "sam", other);
	assert_memory_not_equal(isid, other, 6);
	t[0] = 43;
	identity_isid(t, "san", other);
	assert_memory_not_equal(isid, other, 6);
}

static void test_identity_of_one_name(void **state)
{
	static char all[] = "iqn.2026-11.example:all", host[] = "iqn.2026-11.example:host";
	uint8_t i[16] = { [15] = 1 }, t[16] = { 42 };
	struct fabric_addr x = addr("10.0.0.1"), y = addr("10.0.0.2");
	struct initiator_group group = { .initiator_name = NULL };
	struct backend b = { .name = (char[]){ "san" } };
	struct identity_of of = { .gateway_name = "gw", .i_port_id = i, .t_port_id = t, .peer = &x, .group = &group };
	struct identity one, two;
	uint8_t isid[6];

	(void)state;
	identity_make(&of, &b, &one);
	identity_isid(t, "san", isid);
	assert_memory_equal(one.isid, isid, 6);
	assert_string_equal(one.initiator_name, "iqn.2026-11.srpgw:gw:00000000000000000000000000000001");
	/* The group's, or the back-end's, which admits no other. */
	group.initiator_name = host;
	assert_string_equal(identity_configured_name(&group, &b), host);
	assert_string_equal(identity_configured_name(NULL, &b) ? "" : "none", "none");
	b.initiator_name = all;
	assert_string_equal(identity_configured_name(&group, &b), all);
	/* Equal names, and each host, target, back-end and gateway another ISID; the address counts where the identifier does not. */
	identity_make(&of, &b, &one);
	of.peer = &y;
	identity_make(&of, &b, &two);
	assert_string_equal(one.initiator_name, all);
	assert_memory_equal(one.isid, two.isid, 6);
	i[15] = 0;
	identity_make(&of, &b, &one);
	assert_memory_not_equal(one.isid, two.isid, 6);
	of.peer = &x;
	identity_make(&of, &b, &two);
	assert_memory_not_equal(one.isid, two.isid, 6);
	of.gateway_name = "gv";
	identity_make(&of, &b, &one);
	assert_memory_not_equal(one.isid, two.isid, 6);
	t[0] = 43;
	identity_make(&of, &b, &two);
	assert_memory_not_equal(one.isid, two.isid, 6);
	assert_int_equal(two.isid[0], 0x80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_bounds_of_the_device),
		cmocka_unit_test(test_what_was_offered_is_in_force),
		cmocka_unit_test(test_order_of_refusals),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_address_patterns),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_identity_of_one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
