/* SPDX-License-Identifier: BSD-3-Clause */
/* Endpoints: tables for parse, format and comparison; random text must be refused or come back the same. */
#include "../../../gateway/rt/fabric.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "../base/unit.h"

static void parses_and_formats(void **state)
{
	static const struct {
		const char *host;
		uint16_t port;
		const char *want; /* NULL: refused */
	} rows[] = {
		{ "10.0.0.1", 5555, "10.0.0.1:5555" },
		{ "0.0.0.0", 0, "0.0.0.0:0" },
		{ "255.255.255.255", 65535, "255.255.255.255:65535" },
		{ "::", 5555, "[::]:5555" },
		{ "[::1]", 5555, "[::1]:5555" },
		{ "2001:DB8::1", 1, "[2001:db8::1]:1" },
		{ "fe80::1%1", 1, "[fe80::1%1]:1" },
		{ "[fe80::1%4294967295]", 65535, "[fe80::1%4294967295]:65535" },
		{ "::ffff:10.0.0.1", 1, "[::ffff:10.0.0.1]:1" },
		{ "fe80:1111:2222:3333:4444:5555:6666:7777%4294967295", 65535,
		  "[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535" },
		{ "", 1, NULL },
		{ "[", 1, NULL },
		{ "[]", 1, NULL },
		{ "[10.0.0.1]", 1, NULL },
		{ "[::1", 1, NULL },
		{ "::1]", 1, NULL },
		{ "10.0.0", 1, NULL },
		{ "10.1", 1, NULL },
		{ "10.0.0.256", 1, NULL },
		{ "010.0.0.1", 1, NULL },
		{ "10.0.0.1 ", 1, NULL },
		{ "10.0.0.1%1", 1, NULL },
		{ "localhost", 1, NULL },
		{ "fe80::1%", 1, NULL },
		{ "fe80::1%0", 1, NULL },
		{ "fe80::1%4294967296", 1, NULL },
		{ "fe80::1%99999999999999999999", 1, NULL },
		{ "fe80::1%no-such-link", 1, NULL },
		{ "fe80::1%1%1", 1, NULL },
		{ "2001:db8::1%1", 1, NULL }, /* not ambiguous, so a zone is a mistake */
		{ "1:2:3:4:5:6:7:8:9", 1, NULL },
		{ "11111111111111111111111111111111111111111111111111111111111111111111111111111111", 1, NULL },
	};
	char buf[FABRIC_ADDR_STRLEN];

	(void)state;
	for (unsigned i = 0; i < N_OF(rows); i++) {
		struct fabric_addr a;

		if (!rows[i].want) {
			if (fabric_addr_parse(rows[i].host, rows[i].port, &a) != -EINVAL)
				fail_msg("accepted: %s", rows[i].host);
			continue;
		}
		assert_int_equal(fabric_addr_parse(rows[i].host, rows[i].port, &a), 0);
		assert_ptr_equal(fabric_addr_str(&a, buf), buf);
		assert_string_equal(buf, rows[i].want);
	}
}

static void a_link_may_be_named(void **state)
{
	struct fabric_addr a;
	char host[64] = "fe80::1%", name[IF_NAMESIZE];
	struct sockaddr_in6 sin6;

	(void)state;
	assert_non_null(if_indextoname(1, name)); /* the loop-back of every network namespace */
	strcat(host, name);
	assert_int_equal(fabric_addr_parse(host, 7, &a), 0);
	memcpy(&sin6, &a.ss, sizeof(sin6));
	assert_int_equal(sin6.sin6_scope_id, 1);
	assert_int_equal(ntohs(sin6.sin6_port), 7);
	assert_int_equal(a.ss_len, sizeof(sin6));
}

/* sockaddr_ib as the kernel lays it out: family, pkey, flowinfo, then the GID at byte 8. */
static struct fabric_addr ib_addr(const char *gid)
{
	struct fabric_addr a = { .ss.ss_family = 27, .ss_len = 48 };

	assert_int_equal(inet_pton(AF_INET6, gid, (char *)&a.ss + 8), 1);
	return a;
}

static void native_infiniband_shows_the_gid(void **state)
{
	struct fabric_addr a = ib_addr("fe80::2:c903:0:1");
	char buf[FABRIC_ADDR_STRLEN];

	(void)state;
	assert_string_equal(fabric_addr_str(&a, buf), "ib:fe80::2:c903:0:1");
}

static void what_is_no_address_is_unknown(void **state)
{
	struct fabric_addr a = { .ss_len = 0 };
	char buf[FABRIC_ADDR_STRLEN];

	(void)state;
	assert_string_equal(fabric_addr_str(&a, buf), "unknown");
	assert_false(fabric_addr_same_host(&a, &a)); /* nobody is bound to nowhere */
	assert_int_equal(fabric_addr_parse("10.0.0.1", 1, &a), 0);
	a.ss_len--; /* cut short */
	assert_string_equal(fabric_addr_str(&a, buf), "unknown");
	a.ss.ss_family = AF_UNIX;
	assert_string_equal(fabric_addr_str(&a, buf), "unknown");
}

static void same_host_ignores_the_port_only(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "10.0.0.1", "10.0.0.1", true },
		{ "10.0.0.1", "10.0.0.2", false },
		{ "10.0.0.1", "::ffff:10.0.0.1", true },
		{ "10.0.0.1", "::ffff:10.0.0.2", false },
		{ "10.0.0.1", "::10.0.0.1", false },
		{ "::1", "::1", true },
		{ "::1", "::2", false },
		{ "fe80::1%1", "fe80::1%1", true },
		{ "fe80::1%1", "fe80::1%2", false },
		{ "0.0.0.0", "::", false },
	};
	struct fabric_addr a, b, ib = ib_addr("2001:db8::1");

	(void)state;
	for (unsigned i = 0; i < N_OF(rows); i++) {
		assert_int_equal(fabric_addr_parse(rows[i].a, 1, &a), 0);
		assert_int_equal(fabric_addr_parse(rows[i].b, 2, &b), 0);
		assert_int_equal(fabric_addr_same_host(&a, &b), rows[i].same);
		assert_int_equal(fabric_addr_same_host(&b, &a), rows[i].same);
	}
	assert_int_equal(fabric_addr_parse("2001:db8::1", 1, &a), 0);
	assert_false(fabric_addr_same_host(&a, &ib));
	b = ib_addr("2001:db8::1");
	assert_true(fabric_addr_same_host(&b, &ib));
	b = ib_addr("2001:db8::2");
	assert_false(fabric_addr_same_host(&b, &ib));
	/* The bytes behind the family must not reach the comparison. */
	memset((char *)&a.ss + a.ss_len, 0x55, sizeof(a.ss) - a.ss_len);
	assert_true(fabric_addr_same_host(&a, &a));
}

static void random_text_is_refused_or_comes_back(void **state)
{
	static const char alphabet[] = "0123456789abcdef::::....%[]g";
	uint64_t seed = 9;
	unsigned n_good = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char host[80] = "", text[FABRIC_ADDR_STRLEN], again_text[FABRIC_ADDR_STRLEN], *end;
		struct fabric_addr a, again;
		size_t len = rnd_below(&seed, i % 2 ? 12 : sizeof(host));

		for (size_t k = 0; k < len; k++)
			host[k] = alphabet[rnd_below(&seed, sizeof(alphabet) - 1)];
		if (fabric_addr_parse(host, 77, &a) < 0)
			continue;
		n_good++;
		fabric_addr_str(&a, text);
		end = strrchr(text, ':');
		assert_string_equal(end, ":77");
		*end = '\0';
		assert_int_equal(fabric_addr_parse(text, 77, &again), 0);
		assert_memory_equal(&a, &again, sizeof(a));
		*end = ':';
		assert_string_equal(fabric_addr_str(&again, again_text), text);
	}
	assert_true(n_good > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_and_formats),
		cmocka_unit_test(a_link_may_be_named),
		cmocka_unit_test(native_infiniband_shows_the_gid),
		cmocka_unit_test(what_is_no_address_is_unknown),
		cmocka_unit_test(same_host_ignores_the_port_only),
		cmocka_unit_test(random_text_is_refused_or_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
