/* SPDX-License-Identifier: BSD-3-Clause */
/* pattern.h and nearest.h: what is accepted, what it matches, and what is said about the rest. */
#include "../../../gateway/control/nearest.h"
#include "../../../gateway/control/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct initiator_pattern good(const char *text)
{
	struct initiator_pattern p;
	char why[128] = "";

	if (!pattern_parse(text, &p, why, sizeof(why)))
		fail_msg("\"%s\": %s", text, why);
	return p;
}

static void bad(const char *text, const char *want)
{
	struct initiator_pattern p;
	char why[128] = "";

	if (pattern_parse(text, &p, why, sizeof(why)))
		fail_msg("\"%s\" was accepted", text);
	assert_string_equal(why, want);
}

static void identifiers(void **state)
{
	struct initiator_pattern p = good("0123456789abcdefFEDCBA9876543210");
	static const uint8_t id[16] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
					0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10 };

	(void)state;
	assert_true(p.has_id && !p.has_addr && !p.any);
	assert_memory_equal(p.id, id, 16);
	assert_true(pattern_is_one_id(&p));
	assert_false(pattern_is_one_addr(&p));

	p = good("012*");
	assert_int_equal(p.id[0], 0x01);
	assert_int_equal(p.id[1], 0x20);
	assert_int_equal(p.id_mask[1], 0xf0);
	assert_int_equal(p.id_mask[2], 0);
	assert_false(pattern_is_one_id(&p));

	p = good("*321");
	assert_int_equal(p.id[14], 0x03);
	assert_int_equal(p.id_mask[14], 0x0f);
	assert_int_equal(p.id[15], 0x21);
	assert_int_equal(p.id_mask[13], 0);

	p = good("*");
	assert_true(p.any && !p.has_id && !p.has_addr);
}

static void addresses(void **state)
{
	struct initiator_pattern p = good("10.1.2.3");

	(void)state;
	assert_true(p.has_addr && !p.has_id);
	assert_int_equal(p.addr_prefix_len, 32);
	assert_true(pattern_is_one_addr(&p));
	assert_int_equal(good("10.0.0.0/8").addr_prefix_len, 8);
	assert_int_equal(good("0.0.0.0/0").addr_prefix_len, 0);
	assert_int_equal(good("fe80::/10").addr_prefix_len, 10);
	p = good("fe80::1");
	assert_int_equal(p.addr_prefix_len, 128);
	assert_int_equal(p.addr.ss.ss_family, AF_INET6);
	p = good("00000000000000000000000000000000@10.1.2.3");
	assert_true(p.has_id && p.has_addr && pattern_is_one_id(&p) && pattern_is_one_addr(&p));
	p = good("0002c903*@10.0.0.0/8");
	assert_true(p.has_id && p.has_addr && !pattern_is_one_id(&p) && !pattern_is_one_addr(&p));
}

static void refusals(void **state)
{
	(void)state;
	bad("", "an initiator port identifier has 32 digits, not 0");
	bad("0123", "an initiator port identifier has 32 digits, not 4");
	bad("012345678901234567890123456789012*", "an initiator port identifier has 32 digits, not 33");
	bad("*0*", "\"*\" stands at both ends");
	bad("**", "\"*\" stands at both ends");
	bad("01*23", "\"*\" is no hexadecimal digit");
	bad("host.example", "\"host.example\" is no IP address");
	bad("10.0.0.0/33", "the prefix length is no number from 0 to 32");
	bad("10.0.0.0/", "the prefix length is no number from 0 to 32");
	bad("fe80::/129", "the prefix length is no number from 0 to 128");
	bad("fe80::/99999999999999999999", "the prefix length is no number from 0 to 128");
	bad("10.0.0.0/8x", "the prefix length is no number from 0 to 32");
	bad("0002*@somewhere", "\"somewhere\" is no IP address");
	bad("@10.0.0.1", "an initiator port identifier has 32 digits, not 0");
	bad("x\x01", "\"x\" is no hexadecimal digit");
}

static void distances(void **state)
{
	struct nearest n = { .wanted = "initators" };

	(void)state;
	assert_int_equal(edit_distance("", ""), 0);
	assert_int_equal(edit_distance("abc", ""), 3);
	assert_int_equal(edit_distance("", "abc"), 3);
	assert_int_equal(edit_distance("initators", "initiators"), 1);
	assert_int_equal(edit_distance("lnus", "luns"), 1); /* a swap is one mistake */
	assert_int_equal(edit_distance("PORT", "port"), 0);
	assert_int_equal(edit_distance("kitten", "sitting"), 3);
	nearest_offer(&n, "luns");
	assert_null(n.best);
	nearest_offer(&n, "initiator");
	nearest_offer(&n, "initiators");
	nearest_offer(&n, "initiatorss");
	assert_string_equal(n.best, "initiators");
	n = (struct nearest){ .wanted = "secret" };
	nearest_offer(&n, "secret_file");
	assert_string_equal(n.best, "secret_file"); /* one begins with the other */
	n = (struct nearest){ .wanted = "luns" };
	nearest_offer(&n, "lu");
	assert_null(n.best);
	n = (struct nearest){ .wanted = "x" };
	nearest_offer(&n, "uri");
	nearest_offer(&n, "y"); /* nothing of the word is left */
	assert_null(n.best);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identifiers),
		cmocka_unit_test(addresses),
		cmocka_unit_test(refusals),
		cmocka_unit_test(distances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
