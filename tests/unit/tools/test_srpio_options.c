// SPDX-License-Identifier: BSD-3-Clause
/* srpio's command line: what it takes, and that each mistake is named. */
#include "../base/unit.h"

#include "../../../gateway/tools/srpio_options.h"

#include <errno.h>
#include <string.h>

static int parse(struct srpio_options *o, struct err *e, char *const argv[])
{
	int argc = 0;

	while (argv[argc])
		argc++;
	memset(e, 0, sizeof(*e));
	return srpio_options_parse(argc, argv, o, e);
}

#define PARSE(...) parse(&o, &e, (char *const[]){ (char *)"srpio", __VA_ARGS__, NULL })
#define W (char *)

static void defaults(void **state)
{
	static const uint8_t id_ext[8] = { 0, 0, 0, 0, 0, 0, 0, 1 }, guid[8] = { 0, 2, 0xc9, 3, 0, 0, 0, 1 };
	struct srpio_options o;
	struct err e;

	(void)state;
	assert_int_equal(PARSE(W "--target", W "10.0.0.1", W "--id-ext", W "1", W "--ioc-guid", W "0x0002c90300000001", W "login"), 0);
	assert_int_equal(o.command, SRPIO_LOGIN);
	assert_string_equal(o.fabric, "rdma");
	assert_string_equal(o.host, "10.0.0.1");
	assert_int_equal(o.port, 5555);
	assert_int_equal(o.channels, 1);
	assert_memory_equal(o.id_ext, id_ext, 8);
	assert_memory_equal(o.ioc_guid, guid, 8);
	assert_false(o.has_initiator_ext);
	assert_int_equal(o.vpd_page, -1);
	assert_string_equal(o.file, "-");
}

static void everything(void **state)
{
	struct srpio_options o;
	struct err e;

	(void)state;
	/* the command may stand anywhere */
	assert_int_equal(PARSE(W "perf", W "--target=[fe80::1]:7777", W "--id-ext=1", W "--ioc-guid=00:02:c9:03:00:00:00:01",
			       W "--fabric=iwarp", W "--initiator-ext=ff", W "--channels=4", W "--lun=300", W "--offset=1M",
			       W "--length=2GiB", W "--bs=64k", W "--depth=16", W "--rw=randwrite", W "--seconds=7", W "--json",
			       W "--quiet", W "--seed=99", W "--timeout=3", W "--no-immediate-data",
			       W "--no-crc"),
			 0);
	assert_int_equal(o.command, SRPIO_PERF);
	assert_string_equal(o.fabric, "iwarp");
	assert_string_equal(o.host, "fe80::1");
	assert_int_equal(o.port, 7777);
	assert_true(o.has_initiator_ext);
	assert_int_equal(o.initiator_ext[7], 0xff);
	assert_int_equal(o.channels, 4);
	assert_int_equal(o.lun, 300);
	assert_int_equal(o.offset_bytes, 1 << 20);
	assert_int_equal(o.length_bytes, 2ull << 30);
	assert_int_equal(o.bs_bytes, 65536);
	assert_int_equal(o.depth, 16);
	assert_int_equal(o.rw, SRPIO_RW_RANDWRITE);
	assert_int_equal(o.seconds, 7);
	assert_int_equal(o.timeout_ms, 3000);
	assert_int_equal(o.seed, 99);
	assert_true(o.json && o.quiet && o.no_immediate_data && o.no_crc);
}

static void targets(void **state)
{
	static const struct {
		const char *text, *host;
		int port; /* 0: refused */
	} rows[] = {
		{ "host", "host", 5555 },	    { "host:1", "host", 1 },	     { "[::1]", "::1", 5555 },
		{ "[::1]:65535", "::1", 65535 },    { "fe80::1", "fe80::1", 5555 },  { "host:0", NULL, 0 },
		{ "host:65536", NULL, 0 },	    { "host:", NULL, 0 },	     { ":5555", NULL, 0 },
		{ "[::1", NULL, 0 },		    { "[::1]x", NULL, 0 },	     { "", NULL, 0 },
		{ "host:12a", NULL, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct srpio_options o;
		struct err e;
		int rc = PARSE(W "--target", W rows[i].text, W "--id-ext", W "1", W "--ioc-guid", W "2", W "login");

		assert_int_equal(rc, rows[i].port ? 0 : -EINVAL);
		if (rc) {
			assert_true(e.cause[0]);
			continue;
		}
		assert_string_equal(o.host, rows[i].host);
		assert_int_equal(o.port, rows[i].port);
	}
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		int rc;
		uint64_t bytes;
	} rows[] = {
		{ "0", 0, 0 },
		{ "4096", 0, 4096 },
		{ "4k", 0, 4096 },
		{ "4KiB", 0, 4096 },
		{ "3T", 0, 3ull << 40 },
		{ "16777215T", 0, 16777215ull << 40 },
		{ "16777216T", -EINVAL, 0 }, /* 2^64 */
		{ "99999999999999999999", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "k", -EINVAL, 0 },
		{ "1kk", -EINVAL, 0 },
		{ "1KB", -EINVAL, 0 },
		{ "1.5M", -EINVAL, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t v = 0;

		assert_int_equal(srpio_size_parse(rows[i].text, &v), rows[i].rc);
		if (!rows[i].rc)
			assert_int_equal(v, rows[i].bytes);
	}
}

static void ids(void **state)
{
	static const char *const bad[] = { "", "0x", "g", "12345678123456789", "1 2", ":", "-1" };
	static const uint8_t want[8] = { 0x00, 0x02, 0xc9, 0x03, 0xAb, 0xcd, 0xEf, 0x01 };
	uint8_t id[8];

	(void)state;
	assert_int_equal(srpio_id_parse("0002c903ABcdEf01", id), 0);
	assert_memory_equal(id, want, 8);
	assert_int_equal(srpio_id_parse("0002:c903:abcd:ef01", id), 0);
	assert_memory_equal(id, want, 8);
	assert_int_equal(srpio_id_parse("0x2c903abcdef01", id), 0);
	assert_memory_equal(id, want, 8);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(srpio_id_parse(bad[i], id), -EINVAL);
}

static void mistakes(void **state)
{
	static const struct {
		const char *opt, *value, *names; /* what the message must name */
	} rows[] = {
		{ "--lun", "16384", "--lun" },	 { "--lun", "x", "--lun" },	  { "--channels", "0", "--channels" },
		{ "--length", "0", "--length" }, { "--bs", "0", "--bs" },	  { "--bs", "32M", "--bs" },
		{ "--depth", "0", "--depth" },	 { "--rw", "rw", "--rw" },	  { "--vpd", "100", "--vpd" },
		{ "--seconds", "0", "seconds" }, { "--offset", "1x", "--offset" }, { "--nonsense", "1", "--nonsense" },
		{ "--id-ext", "xyz", "--id-ext" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct srpio_options o;
		struct err e;

		assert_int_equal(PARSE(W "--target", W "h", W "--id-ext", W "1", W "--ioc-guid", W "2", W rows[i].opt,
				       W rows[i].value, W "login"),
				 -EINVAL);
		assert_non_null(strstr(e.cause, rows[i].names));
	}
}

static void missing_things(void **state)
{
	struct srpio_options o;
	struct err e;

	(void)state;
	assert_int_equal(PARSE(W "--id-ext", W "1", W "--ioc-guid", W "2", W "login"), -EINVAL);
	assert_non_null(strstr(e.cause, "--target"));
	assert_int_equal(PARSE(W "--target", W "h", W "--id-ext", W "1", W "login"), -EINVAL);
	assert_non_null(strstr(e.cause, "--ioc-guid"));
	assert_int_equal(PARSE(W "--target", W "h", W "--ioc-guid", W "1", W "login"), -EINVAL);
	assert_non_null(strstr(e.cause, "--id-ext"));
	assert_int_equal(PARSE(W "--target", W "h", W "--id-ext", W "1", W "--ioc-guid", W "2"), -EINVAL);
	assert_non_null(strstr(e.cause, "command"));
	assert_int_equal(PARSE(W "--target", W "h", W "--id-ext", W "1", W "--ioc-guid", W "2", W "lgin"), -EINVAL);
	assert_non_null(strstr(e.cause, "lgin"));
	assert_int_equal(PARSE(W "--target", W "h", W "--id-ext", W "1", W "--ioc-guid", W "2", W "login", W "luns"), -EINVAL);
	assert_int_equal(PARSE(W "login", W "--target"), -EINVAL);
	assert_non_null(strstr(e.cause, "value"));
	assert_int_equal(PARSE(W "--write-only", W "--check-only", W "verify"), -EINVAL);
	assert_int_equal(PARSE(W "--help"), 0);
	assert_true(o.help);
	assert_int_equal(PARSE(W "--version"), 0);
	assert_true(o.version);
}

/* Every option and command is in the help. */
static void help_is_complete(void **state)
{
	static const char *const words[] = {
		"--fabric", "--target", "--source", "--id-ext", "--ioc-guid", "--initiator-ext", "--channels", "--timeout",
		"--no-immediate-data", "--lun", "--offset", "--length", "--bs", "--depth", "--file", "--vpd", "--seed",
		"--generation", "--write-only", "--check-only", "--rw", "--seconds", "--json", "--quiet", "--debug", "--version",
		"--help",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		assert_non_null(strstr(srpio_usage, words[i]));
	for (int c = 0; c < SRPIO_N_COMMANDS; c++)
		assert_non_null(strstr(srpio_usage, srpio_command_name((enum srpio_command)c)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults), cmocka_unit_test(everything), cmocka_unit_test(targets),
		cmocka_unit_test(sizes),    cmocka_unit_test(ids),	  cmocka_unit_test(mistakes),
		cmocka_unit_test(missing_things), cmocka_unit_test(help_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
