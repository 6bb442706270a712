/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The judge is judged: each rule of the ledger is broken once and must be seen.
 */
#include "bench.h"

static struct ledger *l;
static uint8_t data[4 * BLOCK_BYTES];
static const struct cmd_answer good = { .status = 0 }, busy = { .status = SCSI_BUSY };

static int setup(void **state)
{
	(void)state;
	log_init("ledger", LOG_LEVEL_ERROR, false);
	l = ledger_create();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ledger_free(l);
	return 0;
}

static uint32_t write_sent(uint32_t lba)
{
	return ledger_send(l, 1, 2, true, lba, 4);
}

static uint32_t write_delivered(uint32_t lba)
{
	uint32_t id = write_sent(lba);

	ledger_deliver(l, id, 2, true, lba, 4);
	return id;
}

static void expect(uint64_t n_breaches, const char *text)
{
	assert_int_equal(ledger_breaches(l), n_breaches);
	if (text)
		assert_non_null(strstr(ledger_first_breach(l), text));
}

static void test_honest_life(void **state)
{
	uint32_t w = write_delivered(10), r;

	(void)state;
	ledger_land(l, w);
	ledger_answer(l, w, LEDGER_ANSWERED, &good);
	ledger_end(l, w, CMD_ANSWERED, &good);
	r = ledger_send(l, 1, 2, false, 10, 4);
	ledger_deliver(l, r, 2, false, 10, 4);
	for (uint32_t k = 0; k < 4; k++)
		ledger_block_now(l, 2, 10 + k, data + k * BLOCK_BYTES);
	ledger_answer(l, r, LEDGER_ANSWERED, &good);
	ledger_check_read(l, r, data, sizeof(data));
	ledger_end(l, r, CMD_ANSWERED, &good);
	/* Told BUSY by the gateway, and landed late with nothing behind it. */
	w = write_delivered(10);
	ledger_answer(l, w, LEDGER_MAYBE, &good);
	ledger_end(l, w, CMD_ANSWERED, &busy);
	ledger_land(l, w);
	expect(0, NULL);
}

static void test_overtaken_write(void **state)
{
	uint32_t old = write_delivered(10), new;

	(void)state;
	ledger_end(l, old, CMD_CANCELLED, &good);
	new = ledger_send(l, 1, 2, false, 100, 1); /* even a read elsewhere on the unit may not pass */
	ledger_deliver(l, new, 2, false, 100, 1);
	expect(0, NULL);
	ledger_land(l, old);
	expect(1, "fence");
}

static void test_overtaken_blocks(void **state)
{
	uint32_t old = write_delivered(10), new;

	(void)state;
	ledger_by_blocks(l);
	ledger_end(l, old, CMD_CANCELLED, &good);
	new = ledger_send(l, 1, 2, true, 6, 4);
	ledger_deliver(l, new, 2, true, 6, 4);
	new = ledger_send(l, 1, 2, false, 14, 4);
	ledger_deliver(l, new, 2, false, 14, 4);
	ledger_land(l, old);
	expect(0, NULL);
	old = write_delivered(10);
	ledger_end(l, old, CMD_CANCELLED, &good);
	new = ledger_send(l, 1, 2, false, 7, 4); /* a read of its first block */
	ledger_deliver(l, new, 2, false, 7, 4);
	ledger_land(l, old);
	expect(1, "fence");
	old = write_delivered(10);
	ledger_end(l, old, CMD_CANCELLED, &good);
	new = ledger_send(l, 1, 2, true, 13, 4);
	ledger_deliver(l, new, 2, true, 13, 4);
	ledger_land(l, old);
	expect(2, NULL);
}

static void test_others_may_pass(void **state)
{
	uint32_t old = write_delivered(10), new;

	(void)state;
	new = write_delivered(10); /* sent before the end of the other */
	ledger_end(l, old, CMD_CANCELLED, &good);
	ledger_land(l, new);
	new = ledger_send(l, 3, 2, true, 10, 4); /* another host */
	ledger_deliver(l, new, 2, true, 10, 4);
	new = ledger_send(l, 1, 3, true, 10, 4); /* another unit */
	ledger_deliver(l, new, 3, true, 10, 4);
	ledger_land(l, old);
	expect(0, NULL);
}

static void test_lies_about_answers(void **state)
{
	uint32_t w = write_delivered(0);
	struct cmd_answer cut = good;

	(void)state;
	ledger_end(l, w, CMD_ANSWERED, &good);
	expect(1, "never gave");
	w = write_delivered(0);
	ledger_answer(l, w, LEDGER_ANSWERED, &good);
	ledger_end(l, w, CMD_ANSWERED, &good);
	expect(2, NULL); /* GOOD, but it did not land */
	w = write_delivered(0);
	ledger_land(l, w);
	cut.resid_under = 512;
	ledger_answer(l, w, LEDGER_ANSWERED, &cut);
	ledger_end(l, w, CMD_ANSWERED, &good);
	expect(3, NULL);
	ledger_end(l, w, CMD_ANSWERED, &cut);
	expect(4, NULL); /* twice */
}

static void test_deliveries(void **state)
{
	uint32_t w = write_delivered(0);

	(void)state;
	ledger_answer(l, w, LEDGER_NEVER, &good);
	ledger_deliver(l, w, 2, true, 0, 4);
	expect(0, NULL);
	ledger_answer(l, w, LEDGER_MAYBE, &good);
	ledger_deliver(l, w, 2, true, 0, 4);
	expect(1, "delivered again");
	ledger_deliver(l, 4000, 2, true, 0, 4);
	ledger_deliver(l, write_sent(0), 2, true, 1, 4);
	expect(3, NULL);
	ledger_land(l, w);
	ledger_land(l, w);
	expect(4, NULL);
}

static void test_wrong_data(void **state)
{
	uint32_t w = write_delivered(20), r;

	(void)state;
	ledger_fill(w, 20, 4, data);
	assert_true(ledger_block_is(w, 20, data));
	assert_false(ledger_block_is(w, 21, data));
	data[100] ^= 1;
	assert_false(ledger_block_is(w, 20, data));
	ledger_land(l, w);
	r = ledger_send(l, 1, 2, false, 20, 4);
	ledger_check_read(l, r, data, sizeof(data));
	expect(1, "garbage");
	/* What was there before the read was sent is not there any more. */
	ledger_fill(0, 20, 4, data);
	ledger_check_read(l, r, data, sizeof(data));
	expect(2, NULL);
	ledger_fill(w, 20, 4, data);
	ledger_check_read(l, r, data, sizeof(data));
	expect(2, NULL);
}

int main(void)
{
#define RULE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		RULE(test_honest_life),     RULE(test_overtaken_write), RULE(test_overtaken_blocks), RULE(test_others_may_pass),
		RULE(test_lies_about_answers), RULE(test_deliveries),   RULE(test_wrong_data),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
