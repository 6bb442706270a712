/* SPDX-License-Identifier: BSD-3-Clause */
/* config.h: the smallest configuration, every default, and one clear line for each mistake, with its place and cure. */
#include "unit.h"

#include <errno.h>

#define TEN "0123456789"

static const char smallest[] =
    "{\n"
    "  \"listen\":   [ { \"fabric\": \"rdma\", \"address\": \"0.0.0.0\", \"port\": 5555 } ],\n"
    "  \"backends\": { \"san\": { \"uri\": \"iscsi://127.0.0.1:3260/iqn.2026-11.example:disk\" } },\n"
    "  \"targets\":  [ { \"id_ext\": \"0000000000000001\", \"ioc_guid\": \"0002c90300000001\",\n"
    "                  \"initiators\": [ \"*\" ],\n"
    "                  \"luns\": [ { \"lun\": 0, \"backend\": \"san\", \"backend_lun\": 1 } ] } ],\n"
    "  \"runtime_dir\": \"/run/srpgw\"\n"
    "}\n";

static void the_smallest_is_complete(void **state)
{
	struct problems p;
	struct config *c;
	const struct config_target *t;
	const struct config_lun *l;

	(void)state;
	assert_int_equal(unit_parse(smallest, &c, &p), 0);
	assert_int_equal(problems_count(&p), 0);
	assert_string_equal(c->name, "srpgw");
	assert_string_equal(c->runtime_dir, "/run/srpgw");
	assert_string_equal(c->state_dir, "/var/lib/srpgw");
	assert_int_equal(c->log_level, LOG_LEVEL_INFO);
	assert_int_equal(c->pool_bytes, 64 << 20);
	assert_int_equal(c->limits.max_it_iu_len_bytes, 8260);
	assert_int_equal(c->limits.tmf_answer_ms, 2500);
	assert_true(c->limits.immediate_data);
	assert_int_equal(c->listen.n, 1);
	assert_int_equal(CONFIG_ITEM(&c->listen, struct config_listen, 0)->port, 5555);
	assert_int_equal(c->backends.n, 1);
	assert_string_equal(CONFIG_ITEM(&c->backends, struct config_backend, 0)->name, "san");
	assert_int_equal(CONFIG_ITEM(&c->backends, struct config_backend, 0)->hold_seconds, 20);
	t = CONFIG_ITEM(&c->targets, struct config_target, 0);
	assert_string_equal(t->name, "0000000000000001:0002c90300000001");
	l = CONFIG_ITEM(&t->luns, struct config_lun, 0);
	assert_int_equal(l->backend_lun.b[1], 1);
	config_free(c);
}

static void everything_can_be_said(void **state)
{
	static const char text[] =
	    "{ \"name\": \"gw-1.lab\", \"state_dir\": \"/s\", \"runtime_dir\": \"/r\", \"log_level\": \"debug\", "
	    "\"reactors\": 3,\n"
	    "\"busy_poll_us\": 50, \"pool_bytes\": 1048576, \"limits\": { \"max_tasks\": 64, \"max_transfer_bytes\": "
	    "\"256K\", \"immediate_data\": false },\n"
	    "\"listen\": [ { \"fabric\": \"iwarp\", \"address\": \"::1\", \"port\": 1 }, { \"fabric\": \"ib\", "
	    "\"port\": 65535 } ],\n"
	    "\"backends\": { \"a\": { \"uri\": \"iser://[fe80::1]:3261/eui.0123456789abcdef\", \"portals\": [ "
	    "\"h.example:3260\" ],\n"
	    "  \"identity\": { \"initiator_name\": \"iqn.2026-11.example:one\" }, \"hold_seconds\": 0,\n"
	    "  \"chap\": { \"user\": \"u\", \"secret_file\": \"/f\", \"mutual_user\": \"m\", \"mutual_secret_file\": "
	    "\"/g\" },\n"
	    "  \"settings\": { \"k\": \"v\" } }, \"b\": { \"uri\": \"mem:64M\", \"identity\": \"shared\" } },\n"
	    "\"targets\": [ { \"name\": \"t\", \"id_ext\": \"000000000000000A\", \"ioc_guid\": \"0000000000000001\",\n"
	    "  \"groups\": [ { \"name\": \"g\", \"initiators\": [ \"10.0.0.0/8\" ], \"initiator_name\": \"naa.52004567BA64678D\",\n"
	    "     \"luns\": [ { \"lun\": 16383, \"backend\": \"b\" }, { \"lun\": \"0100000000000000\", \"backend\": "
	    "\"a\" } ] } ] } ] }";
	const struct config_backend *a;
	const struct config_target *t;
	const struct config_group *g;
	struct problems p;
	struct config *c;

	(void)state;
	assert_int_equal(unit_parse(text, &c, &p), 0);
	a = CONFIG_ITEM(&c->backends, struct config_backend, 0);
	assert_string_equal(a->portals.item[0], "h.example:3260");
	assert_string_equal(a->chap.mutual_secret_file, "/g");
	assert_string_equal(CONFIG_ITEM(&a->settings, struct schema_setting, 0)->value, "v");
	assert_int_equal(a->hold_seconds, 0);
	assert_true(a->identity.shared);
	assert_string_equal(a->identity.initiator_name, "iqn.2026-11.example:one");
	assert_true(a[1].identity.shared);
	assert_string_equal(a[1].identity.initiator_name, "iqn.2026-11.srpgw:gw-1.lab");
	assert_int_equal(c->limits.max_transfer_bytes, 256 << 10);
	assert_false(c->limits.immediate_data);
	assert_int_equal(c->limits.req_lim, 128); /* its neighbours keep their defaults */
	t = CONFIG_ITEM(&c->targets, struct config_target, 0);
	assert_int_equal(t->id_ext.b[7], 10);
	g = CONFIG_ITEM(&t->groups, struct config_group, 0);
	assert_int_equal(CONFIG_ITEM(&g->luns, struct config_lun, 0)->lun.b[0], 0x7f);
	assert_int_equal(CONFIG_ITEM(&g->luns, struct config_lun, 0)->backend_lun.b[1], 0xff);
	assert_int_equal(CONFIG_ITEM(&g->luns, struct config_lun, 1)->lun.b[0], 1);
	config_free(c);
}

/* A configuration with one part replaced. */
static const char *with(const char *listen, const char *backends, const char *targets, const char *more)
{
	static char text[4096];

	snprintf(text, sizeof(text), "{ \"listen\": %s,\n\"backends\": %s,\n\"targets\": %s%s }",
		 listen ? listen : "[ { \"fabric\": \"rdma\", \"port\": 5555 } ]",
		 backends ? backends : "{ \"san\": { \"uri\": \"mem:64M\" } }",
		 targets ? targets : "[ { \"ioc_guid\": \"0000000000000001\", \"initiators\": [ \"*\" ] } ]",
		 more ? more : "");
	return text;
}

static void not_json(void **state)
{
	(void)state;
	unit_refused("{ \"listen\": [ ],\n }", "c.json:2:2: string or '}' expected; correct the JSON here; mind "
					       "commas, quotes and brackets (comments are not "
					       "allowed)");
	unit_refused("", "c.json:1:1: '[' or '{' expected near end of file; correct the JSON here; mind commas, quotes "
			 "and brackets (comments are not "
			 "allowed)");
	unit_refused("{ \"name\": \"a\",\n  \"name\": \"b\" }",
		     "c.json:2:3: the key \"name\" stands twice in this object; keep one of the two");
	unit_refused("[]", "c.json:1:1: this value has the wrong type; give an object: { ... }");
}

static void keys(void **state)
{
	(void)state;
	unit_refused(with(NULL, NULL, "[ { \"ioc_guid\": \"0000000000000001\", \"initators\": [ \"*\" ] } ]", NULL),
		     "c.json:3:48: targets[0].initators: unknown key; did you mean \"initiators\"?");
	unit_refused(with("[ { \"fabric\": \"rdma\", \"port\": 1, \"zzzzzz\": 1 } ]", NULL, NULL, NULL),
		     "c.json:1:46: listen[0].zzzzzz: unknown key; the keys here are fabric, address, port, crc");
	unit_refused("{ \"backends\": {}, \"targets\": [] }",
		     "c.json:1:1: listen: this key is missing; add \"listen\": where hosts log in");
	unit_refused(with("[ { \"fabric\": \"rdma\" } ]", NULL, NULL, NULL),
		     "c.json:1:15: listen[0].port: this key is missing; add \"port\": port number");
}

static void values(void **state)
{
	(void)state;
	unit_refused(with("[ { \"fabric\": \"rdma\", \"port\": 65536 } ]", NULL, NULL, NULL),
		     "c.json:1:43: listen[0].port: 65536 is not allowed here; give a number from 1 to 65535");
	unit_refused(with("[ { \"fabric\": \"rdma\", \"port\": \"5555\" } ]", NULL, NULL, NULL),
		     "c.json:1:43: listen[0].port: \"5555\" is not allowed here; give a number from 1 to 65535");
	unit_refused(with("[ { \"fabric\": \"rmda\", \"port\": 1 } ]", NULL, NULL, NULL),
		     "c.json:1:27: listen[0].fabric: \"rmda\" is not allowed here; did you mean \"rdma\"?");
	unit_refused(
	    with("[ { \"fabric\": \"ethernet\", \"port\": 1 } ]", NULL, NULL, NULL),
	    "c.json:1:27: listen[0].fabric: \"ethernet\" is not allowed here; give one of \"rdma\", \"ib\", \"iwarp\"");
	unit_refused(with("{}", NULL, NULL, NULL),
		     "c.json:1:13: listen: this value has the wrong type; give a list of objects");
	unit_refused(
	    with(NULL, "[]", NULL, NULL),
	    "c.json:2:13: backends: this value has the wrong type; give an object with an object for each name");
	unit_refused(with(NULL, NULL, NULL, ",\n\"pool_bytes\": \"64X\""),
		     "c.json:4:15: pool_bytes: \"64X\" is not allowed here; give a number of bytes from 1048576 to "
		     "1099511627776, or a "
		     "string such as \"64M\"");
	unit_refused(with(NULL, NULL, NULL, ",\n\"pool_bytes\": \"1M\""),
		     "c.json:4:15: pool_bytes: 1048576 bytes are too few for \"max_tasks\" and \"max_transfer_bytes\"; "
		     "give at least "
		     "12582912, or lower those limits");
	unit_refused(with(NULL, NULL, NULL, ",\n\"reactors\": 1.5"),
		     "c.json:4:13: reactors: a number with a fraction is not allowed here; give a number from 0 to 64");
	unit_refused(
	    with(NULL, NULL, "[ { \"ioc_guid\": \"12\", \"initiators\": [ \"*\" ] } ]", NULL),
	    "c.json:3:28: targets[0].ioc_guid: \"12\" is not allowed here; give a string of 16 hexadecimal digits");
	unit_refused(with(NULL, NULL, NULL, ",\n\"name\": \"\""),
		     "c.json:4:9: name: \"\" is not allowed here; give a string");
	unit_refused(with(NULL, NULL, NULL, ",\n\"limits\": 3"),
		     "c.json:4:11: limits: this value has the wrong type; give an object: { ... }");
	unit_refused(with(NULL, NULL, NULL, ",\n\"name\": \"UPPER\""),
		     "c.json:4:9: name: \"UPPER\" cannot be part of an iSCSI initiator name; use at most 63 of a-z, "
		     "0-9, \"-\" and \".\"");
	unit_refused(with(NULL, NULL, NULL, ",\n\"runtime_dir\": \"run\""),
		     "c.json:4:16: runtime_dir: \"run\" is no absolute path; begin it with \"/\"");
}

static void listen_entries(void **state)
{
	(void)state;
	unit_refused(with("[]", NULL, NULL, NULL),
		     "c.json:1:13: listen: no host could log in; add an entry with \"fabric\" and \"port\"");
	unit_refused(with("[ { \"fabric\": \"rdma\", \"address\": \"localhost\", \"port\": 1 } ]", NULL, NULL, NULL),
		     "c.json:1:46: listen[0].address: \"localhost\" is no IP address; give the address of an RDMA "
		     "interface in digits, or "
		     "\"0.0.0.0\" for all");
	unit_refused(
	    with("[ { \"fabric\": \"rdma\", \"port\": 1 },\n{ \"fabric\": \"rdma\", \"port\": 1 } ]", NULL, NULL, NULL),
	    "c.json:2:1: listen[1]: the same as listen[0]; remove one of the two");
	unit_refused(with("[ { \"fabric\": \"rdma\", \"port\": 1, \"crc\": \"optional\" } ]", NULL, NULL, NULL),
		     "c.json:1:53: listen[0].crc: adapters choose their CRCs themselves; remove \"crc\": it is for "
		     "\"iwarp\" only");
}

static void uri_refused(const char *uri, const char *cause_and_cure)
{
	char backends[512], want[1024];

	snprintf(backends, sizeof(backends), "{ \"san\": { \"uri\": \"%s\" } }", uri);
	snprintf(want, sizeof(want), "c.json:2:31: backends.san.uri: %s", cause_and_cure);
	unit_refused(with(NULL, backends, NULL, NULL), want);
}

static void uris(void **state)
{
	(void)state;
	uri_refused("iscs://h/iqn.x", "\"iscs\" is no known scheme; did you mean \"iscsi:\"?");
	uri_refused("http://h/", "\"http\" is no known scheme; begin with iscsi:, iser:, mem:, sg: or fault:");
	uri_refused("nonsense", "\"nonsense\" is no known scheme; begin with iscsi:, iser:, mem:, sg: or fault:");
	uri_refused("iscsi:h/iqn.x", "\"//\" is missing after the scheme; write iscsi://HOST[:PORT]/IQN");
	uri_refused("iscsi://u%p@h/iqn.x",
		    "a user or secret stands in the URI; move it to \"chap\": { \"user\": ..., \"secret_file\": ... }");
	uri_refused("iscsi:///iqn.x", "the portal is no HOST[:PORT]; write iscsi://HOST[:PORT]/IQN");
	uri_refused("iscsi://h:0/iqn.x", "the portal is no HOST[:PORT]; write iscsi://HOST[:PORT]/IQN");
	uri_refused("iscsi://[::1/iqn.x", "the portal is no HOST[:PORT]; write iscsi://HOST[:PORT]/IQN");
	uri_refused("iscsi://h:3260", "the target's name is missing; write iscsi://HOST[:PORT]/IQN");
	uri_refused("iscsi://h/disk",
		    "\"disk\" is no iSCSI name; give the target's name, which begins with iqn., eui. or naa.");
	uri_refused("iscsi://h/iqn.x/1",
		    "there is more after the target's name; write iscsi://HOST[:PORT]/IQN and give the LUN as "
		    "\"backend_lun\" in the target's luns");
	uri_refused("mem:", "the URI is not complete; write mem:SIZE, for example mem:64M");
	uri_refused("sg:sg0", "the URI is not complete; write sg:/dev/sgN");
}

static void backends(void **state)
{
	(void)state;
	unit_refused(with(NULL, "{ \"s n\": { \"uri\": \"mem:1M\" } }", NULL, NULL),
		     "c.json:2:15: backends.s n: \"s n\" is no good name for a back-end; use at most 63 letters, "
		     "digits, \"-\", \".\" and \"_\"");
	unit_refused(with(NULL, "{ \"s\": { \"uri\": \"mem:1M\", \"portals\": [ \"h\" ] } }", NULL, NULL),
		     "c.json:2:50: backends.s.portals: only iSCSI and iSER back-ends have portals; remove \"portals\"");
	unit_refused(
	    with(NULL, "{ \"s\": { \"uri\": \"iscsi://h/iqn.x\", \"portals\": [ \"h\", \"h:x\" ] } }", NULL, NULL),
	    "c.json:2:66: backends.s.portals[1]: \"h:x\" is no portal; write HOST, HOST:PORT or [V6ADDRESS]:PORT");
	unit_refused(
	    with(NULL, "{ \"s\": { \"uri\": \"iscsi://h/iqn.x\", \"chap\": { \"user\": \"u\" } } }", NULL, NULL),
	    "c.json:2:56: backends.s.chap: \"user\" and \"secret_file\" belong together; give both or none");
	unit_refused(
	    with(NULL, "{ \"s\": { \"uri\": \"iscsi://h/iqn.x\", \"chap\": { \"secret\": \"x\" } } }", NULL, NULL),
	    "c.json:2:58: backends.s.chap.secret: unknown key; did you mean \"secret_file\"?");
	unit_refused(with(NULL,
			  "{ \"s\": { \"uri\": \"iscsi://h/iqn.x\", \"identity\": { \"initiator_name\": \"me\" } } }",
			  NULL, NULL),
		     "c.json:2:80: backends.s.identity.initiator_name: \"me\" is no iSCSI name; begin it with iqn., "
		     "eui. or naa.");
	unit_refused(with(NULL, "{ \"s\": { \"uri\": \"iscsi://h/iqn.x\", \"identity\": \"share\" } }", NULL, NULL),
		     "c.json:2:60: backends.s.identity: this value has the wrong type; give an object, or \"shared\"");
	unit_refused(with(NULL, "{ \"s\": { \"uri\": \"iscsi://h/iqn.x\", \"identity\": { \"initiator_name\": \"iqn.X\" } } }", NULL, NULL),
		     "c.json:2:80: backends.s.identity.initiator_name: \"iqn.X\" has characters that an iSCSI name cannot have; use a-z, "
		     "0-9, \"-\", \".\" and \":\"");
	unit_refused(with(NULL, "{ \"s\": { \"uri\": \"iscsi://h/iqn.x\", \"identity\": { \"initiator_name\": \"eui.02004567A425678G\" } } }",
			  NULL, NULL),
		     "c.json:2:80: backends.s.identity.initiator_name: \"eui.02004567A425678G\" is no iSCSI name; give hexadecimal digits "
		     "after eui. or naa.");
	unit_refused(with(NULL, "{ \"s\": { \"uri\": \"iscsi://h/iqn.x\", \"identity\": { \"initiator_name\": \"iqn." TEN TEN TEN TEN TEN TEN TEN
			  TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "\" } } }", NULL, NULL),
		     "c.json:2:80: backends.s.identity.initiator_name: an iSCSI name of 224 bytes; use at most 223");
	unit_refused(
	    with(NULL, "{ \"s\": { \"uri\": \"mem:1M\", \"retry_ms\": 20000 } }", NULL, NULL),
	    "c.json:2:51: backends.s.retry_ms: larger than \"retry_max_ms\" (10000); make it the smaller of the two");
}

static const char *with_target(const char *rest)
{
	char targets[1024];

	snprintf(targets, sizeof(targets), "[ { \"ioc_guid\": \"0000000000000001\"%s } ]", rest);
	return with(NULL, NULL, targets, NULL);
}

static void target_refused(const char *rest, const char *want)
{
	unit_refused(with_target(rest), want);
}

static void targets(void **state)
{
	(void)state;
	unit_refused(with(NULL, NULL, "[]", NULL), "c.json:3:12: targets: the list is empty: there is nothing to log "
						   "in to; add a target with \"initiators\" and \"luns\"");
	target_refused("", "c.json:3:14: targets[0].initiators: this target has no initiators: nobody could log in; "
			   "list who may log in; "
			   "\"*\" lets everybody in");
	target_refused(", \"initiators\": []", "c.json:3:62: targets[0].initiators: this target has no initiators: "
					       "nobody could log in; list who may log in; "
					       "\"*\" lets everybody in");
	target_refused(
	    ", \"groups\": [ { \"initiators\": [ \"*\" ] } ], \"luns\": [ { \"lun\": 0, \"backend\": \"san\" } ]",
	    "c.json:3:14: targets[0].initiators: this target has no initiators: nobody could see its \"luns\"; list "
	    "who may "
	    "log in; \"*\" lets everybody in");
	target_refused(
	    ", \"initiators\": [ \"12\" ]",
	    "c.json:3:64: targets[0].initiators[0]: \"12\": an initiator port identifier has 32 digits, not 2; write "
	    "\"*\", 32 "
	    "hexadecimal digits (\"*\" may stand for those at one end), an IP address or prefix, or DIGITS@ADDRESS");
	target_refused(", \"initiators\": [ \"*\", \"*\" ]",
		       "c.json:3:69: targets[0].initiators[1]: \"*\" stands twice in this list; remove one of the two");
	target_refused(", \"initiators\": [ \"*\" ], \"groups\": [ { \"initiators\": [] } ]",
		       "c.json:3:99: targets[0].groups[0].initiators: the list is empty: nobody is in this group; name "
		       "the initiators, or "
		       "remove the group");
	unit_refused(with(NULL, NULL,
			  "[ { \"ioc_guid\": \"0000000000000001\", \"id_ext\": \"0000000000000002\", \"initiators\": [ "
			  "\"*\" ] },\n"
			  "{ \"ioc_guid\": \"0000000000000001\", \"initiators\": [ \"*\" ] } ]",
			  NULL),
		     "c.json:4:1: targets[1]: targets[0] has the same id_ext and ioc_guid; give it another id_ext");
}

static void luns(void **state)
{
	(void)state;
	target_refused(", \"initiators\": [ \"*\" ], \"luns\": [ { \"lun\": 0, \"backend\": \"sna\" } ]",
		       "c.json:3:104: targets[0].luns[0].backend: there is no back-end \"sna\"; did you mean \"san\"?");
	target_refused(
	    ", \"initiators\": [ \"*\" ], \"luns\": [ { \"lun\": 0, \"backend\": \"other\" } ]",
	    "c.json:3:104: targets[0].luns[0].backend: there is no back-end \"other\"; add it to \"backends\"");
	target_refused(", \"initiators\": [ \"*\" ], \"luns\": [ { \"lun\": 16384, \"backend\": \"san\" } ]",
		       "c.json:3:90: targets[0].luns[0].lun: 16384 is not allowed here; give a number from 0 to 16383, "
		       "or a string of 16 "
		       "hexadecimal digits");
	target_refused(
	    ", \"initiators\": [ \"*\" ], \"luns\": [ { \"backend\": \"san\" } ]",
	    "c.json:3:81: targets[0].luns[0].lun: this key is missing; add \"lun\": the number that the hosts see");
	target_refused(", \"initiators\": [ \"*\" ], \"luns\": [ { \"lun\": 1, \"backend\": \"san\" },\n"
		       "{ \"lun\": \"0001000000000000\", \"backend\": \"san\" } ]",
		       "c.json:4:10: targets[0].luns[1].lun: LUN 1 is mapped twice, here and in luns[0]; give each "
		       "logical unit a LUN of its "
		       "own");
}

static const struct config_lun *lun_of(const struct config *c, size_t i)
{
	const struct config_target *t = CONFIG_ITEM(&c->targets, struct config_target, 0);

	assert_true(i < t->luns.n);
	return CONFIG_ITEM(&t->luns, struct config_lun, i);
}

static void all_luns(void **state)
{
	struct problems p;
	struct config *c;

	(void)state;
	assert_int_equal(unit_parse(with_target(", \"initiators\": [ \"*\" ], \"luns\": [ { \"backend\": \"san\", \"all\": true },\n"
					   "{ \"lun\": 0, \"backend\": \"san\", \"backend_lun\": 3 } ]"),
				    &c, &p),
			 0);
	assert_true(lun_of(c, 0)->all);
	assert_false(lun_of(c, 1)->all);
	config_free(c);
	/* The short form, of a target and of a group. */
	assert_int_equal(unit_parse(with_target(", \"initiators\": [ \"*\" ], \"luns\": \"all\",\n"
					   "\"groups\": [ { \"initiators\": [ \"10.0.0.1\" ], \"luns\": \"all\" } ]"),
				    &c, &p),
			 0);
	assert_true(lun_of(c, 0)->all);
	assert_string_equal(lun_of(c, 0)->backend, "san");
	assert_int_equal(CONFIG_ITEM(&CONFIG_ITEM(&c->targets, struct config_target, 0)->groups, struct config_group, 0)->luns.n,
			 1);
	config_free(c);
	target_refused(", \"initiators\": [ \"*\" ], \"luns\": \"al\"",
		       "c.json:3:79: targets[0].luns: this value has the wrong type; give a list of objects, or \"all\"");
	target_refused(", \"initiators\": [ \"*\" ], \"luns\": [ { \"backend\": \"san\", \"all\": true, \"lun\": 1 } ]",
		       "c.json:3:121: targets[0].luns[0].lun: with \"all\" the back-end's own numbers hold; "
		       "remove this key, or make an entry of its own for that LUN: it wins");
	target_refused(", \"initiators\": [ \"*\" ], \"luns\": [ { \"backend\": \"san\", \"all\": true },\n"
		       "{ \"backend\": \"san\", \"all\": true } ]",
		       "c.json:4:14: targets[0].luns[1].backend: luns[0] maps all of this back-end too; remove one of the two");
}

static void all_luns_of_several(void **state)
{
	static const char text[] =
	    "{ \"listen\": [ { \"fabric\": \"rdma\", \"port\": 5555 } ],\n"
	    "\"backends\": { \"one\": { \"uri\": \"mem:1M\" }, \"two\": { \"uri\": \"mem:1M\" } },\n"
	    "\"targets\": [ { \"ioc_guid\": \"0000000000000001\", \"initiators\": [ \"*\" ], \"luns\": \"all\" } ] }";
	char line[sizeof(struct err)];
	struct problems p;
	struct config *c;

	(void)state;
	assert_int_equal(unit_parse(text, &c, &p), -EINVAL);
	assert_int_equal(p.n, 1);
	assert_string_equal(err_format(&p.item[0], line, sizeof(line)),
			    "c.json:3:79: targets[0].luns: \"all\" of which back-end? There are 2; "
			    "write [ { \"backend\": NAME, \"all\": true } ], with an entry for each that is meant");
	problems_free(&p);
}

static void all_mistakes_are_told_at_once(void **state)
{
	static const char text[] =
	    "{ \"listen\": [ { \"fabric\": 1, \"prt\": 2 } ], \"backends\": {}, \"targets\": [ {\"x\":1} ] }";
	char line[sizeof(struct err)];
	struct problems p;
	struct config *c;

	(void)state;
	assert_int_equal(unit_parse(text, &c, &p), -EINVAL);
	assert_int_equal(p.n, 4);
	assert_string_equal(err_format(&p.item[0], line, sizeof(line)),
			    "c.json:1:30: listen[0].prt: unknown key; did you mean \"port\"?");
	problems_free(&p);
}

static void many_mistakes_are_counted(void **state)
{
	char text[8192] = "{ \"listen\": [], \"backends\": {}, \"targets\": []";
	struct problems p;
	struct config *c;
	FILE *f;
	char *printed = NULL;
	size_t len;

	(void)state;
	for (int i = 0; i < 60; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ", \"unknown%d\": 1", i);
	strcat(text, "}");
	assert_int_equal(unit_parse(text, &c, &p), -EINVAL);
	assert_int_equal(p.n, PROBLEMS_MAX);
	assert_int_equal(problems_count(&p), 60);
	f = open_memstream(&printed, &len);
	assert_non_null(f);
	problems_print(&p, f);
	fclose(f);
	assert_non_null(strstr(printed, "\nc.json: and 10 more\n"));
	free(printed);
	problems_free(&p);
}

static void files(void **state)
{
	char line[sizeof(struct err)], dir[128], path[160];
	struct problems p = { .file = NULL };
	struct config *c;

	(void)state;
	unit_mkdir(dir);
	snprintf(path, sizeof(path), "%s/c.json", dir);
	assert_int_equal(config_load(path, &c, &p), -ENOENT);
	assert_non_null(strstr(
	    err_format(&p.item[0], line, sizeof(line)),
	    "c.json: cannot read the configuration: No such file or directory; give the path of an existing file"));
	problems_free(&p);
	memset(&p, 0, sizeof(p));
	assert_int_equal(config_load(dir, &c, &p), -EISDIR);
	problems_free(&p);
	unit_write(dir, "c.json", smallest, 0644);
	memset(&p, 0, sizeof(p));
	assert_int_equal(config_load(path, &c, &p), 0);
	config_free(c);
	unit_rm(dir, (const char *[]){ "c.json", NULL });
}

/* A target without ioc_guid gets one from the machine where there is a machine-id, else a clear error. */
static void identifiers_from_the_machine(void **state)
{
	const char *text = with(NULL, NULL, "[ { \"initiators\": [ \"*\" ] }, { \"initiators\": [ \"*\" ] } ]", NULL);
	struct config *c[2];
	struct problems p;

	(void)state;
	if (access("/etc/machine-id", R_OK)) {
		assert_int_equal(unit_parse(text, &c[0], &p), -EINVAL);
		assert_non_null(strstr(p.item[0].cure, "systemd-machine-id-setup"));
		problems_free(&p);
		return;
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(unit_parse(text, &c[i], &p), 0);
	for (int i = 0; i < 2; i++) {
		const struct config_target *t0 = CONFIG_ITEM(&c[0]->targets, struct config_target, i);
		const struct config_target *t1 = CONFIG_ITEM(&c[1]->targets, struct config_target, i);

		assert_string_equal(t0->name, t1->name);
		assert_int_equal(t0->id_ext.b[7], i + 1);
	}
	config_free(c[0]);
	config_free(c[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_smallest_is_complete),
		cmocka_unit_test(everything_can_be_said),
		cmocka_unit_test(not_json),
		cmocka_unit_test(keys),
		cmocka_unit_test(values),
		cmocka_unit_test(listen_entries),
		cmocka_unit_test(uris),
		cmocka_unit_test(backends),
		cmocka_unit_test(targets),
		cmocka_unit_test(luns), cmocka_unit_test(all_luns), cmocka_unit_test(all_luns_of_several),
		cmocka_unit_test(all_mistakes_are_told_at_once),
		cmocka_unit_test(many_mistakes_are_counted),
		cmocka_unit_test(files),
		cmocka_unit_test(identifiers_from_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
