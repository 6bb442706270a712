/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is kept of a back-end's last contact, and how hosts are answered from it while the back-end is away.
 */
#include "rig.h"

#include "../../../gateway/core/keep_private.h"
#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/nexus.h"
#include "../../../gateway/core/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INQUIRY_BYTES 66u

static int setup_two(void **state)
{
	struct rig *r = rig_new(state);

	r->n_reactors = 3; /* the first is also control's */
	rig_start(r);
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	for (unsigned i = 0; i < RIG_BACKENDS; i++)
		r->disk[i]->hold_up = false;
	return rig_teardown(state);
}

/* ---- a back-end that has INQUIRY data: the fake answers an INQUIRY from the start of its disk ---- */

static void put_inquiry(struct rig *r, unsigned disk, uint8_t byte0, const char *product)
{
	uint8_t *d = r->disk[disk]->disk;

	memset(d, 0, 512);
	d[0] = byte0;
	d[2] = 6;
	d[3] = 0x22; /* NormACA, response data format 2 */
	d[4] = INQUIRY_BYTES - 5;
	memcpy(d + 8, "EXAMPLE ", 8);
	memset(d + 16, ' ', 20);
	memcpy(d + 16, product, strlen(product));
}

static void put_serial(struct rig *r, unsigned disk, const char *serial)
{
	uint8_t *d = r->disk[disk]->disk;

	memset(d, 0, 512);
	d[1] = 0x80;
	d[3] = (uint8_t)strlen(serial);
	memcpy(d + 4, serial, strlen(serial));
}

static uint64_t ask(struct rig *r, struct fake_conn *c, uint32_t lun, int page, uint16_t alloc, uint32_t room)
{
	struct rig_cmd cmd = { .lun = lun, .dir = RIG_IN, .buf = r->mem, .len = room };

	memset(r->mem, 0xee, 512);
	cmd.cdb[0] = 0x12;
	cmd.cdb[1] = page >= 0;
	cmd.cdb[2] = page >= 0 ? (uint8_t)page : 0;
	cmd.cdb[3] = (uint8_t)(alloc >> 8);
	cmd.cdb[4] = (uint8_t)alloc;
	return rig_send_cmd(r, c, &cmd);
}

/* The back-end answers with @len bytes. */
static void answers(struct rig *r, struct fake_conn *c, uint32_t lun, int page, uint16_t alloc, uint32_t len)
{
	struct fake_target *t = r->disk[lun / 2];

	t->resid_kind = len < alloc ? SRPGW_RESID_UNDER : SRPGW_RESID_NONE;
	t->resid = alloc - len;
	rig_expect_status(r, c, ask(r, c, lun, page, alloc, alloc), SCSI_GOOD);
	t->resid_kind = SRPGW_RESID_NONE;
	rig_wait_ms(r, 2 * KEEP_PUBLISH_MS);
}

static void go_away(struct rig *r, unsigned disk)
{
	r->disk[disk]->hold_up = true;
	fake_down(r->disk[disk], SRPGW_DELIVERY_NEVER, "for the test");
	rig_run(r);
}

/* Answered at once, with @len bytes and the residual of the rest. */
static void is_kept(struct rig *r, struct fake_conn *c, uint32_t lun, int page, uint16_t alloc, uint32_t room,
		    uint32_t len)
{
	uint64_t submits = r->disk[lun / 2]->n_submits, tag = ask(r, c, lun, page, alloc, room);
	struct srp_rsp rsp = rig_expect_rsp(r, c, tag);

	assert_int_equal(rsp.status, SCSI_GOOD);
	assert_int_equal(rsp.data_in_resid, room - len);
	assert_int_equal(rsp.flags & SRP_RSP_DIUNDER, room > len ? SRP_RSP_DIUNDER : 0);
	assert_int_equal(r->mem[len], 0xee);
	assert_int_equal(r->disk[lun / 2]->n_submits, submits);
}

/* Not answered with what is kept: held while the outage is young, and then not ready. */
static void is_held(struct rig *r, struct fake_conn *c, uint32_t lun, int page, uint16_t alloc)
{
	uint64_t tag = ask(r, c, lun, page, alloc, alloc);

	rig_wait_ms(r, 5001);
	rig_expect_sense(r, c, tag, SCSI_NOT_READY, 0x04, 0x0c);
}

/* ---- answers while the back-end is away ---- */

static void test_answered_while_away(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	put_inquiry(r, 0, 0, "KEPT");
	answers(r, c, 0, -1, 255, INQUIRY_BYTES);
	put_serial(r, 0, "123456");
	answers(r, c, 0, 0x80, 255, 10);
	go_away(r, 0);

	is_kept(r, c, 0, -1, 255, 255, INQUIRY_BYTES);
	assert_memory_equal(r->mem + 8, "EXAMPLE KEPT ", 13);
	assert_int_equal(r->mem[3], 0x02);
	is_kept(r, c, 0, -1, 36, 36, 36);
	is_kept(r, c, 0, -1, 36, 96, 36);
	is_kept(r, c, 0, -1, 255, 20, 20);
	is_kept(r, c, 0, -1, 0, 64, 0);
	is_kept(r, c, 0, 0x80, 252, 252, 10);
	assert_memory_equal(r->mem,
			    "\0\x80\0\x06"
			    "123456",
			    10);
	/* What nobody asked for, and the LU next to it. */
	is_held(r, c, 0, 0x83, 252);
	is_held(r, c, 1, -1, 255);
}

static void test_back_again(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint64_t submits;

	put_inquiry(r, 0, 0, "BEFORE");
	answers(r, c, 0, -1, 255, INQUIRY_BYTES);
	go_away(r, 0);
	is_kept(r, c, 0, -1, 36, 36, 36);
	r->disk[0]->hold_up = false;
	rig_wait_ms(r, 3000);
	put_inquiry(r, 0, 0, "AFTER");
	submits = r->disk[0]->n_submits;
	answers(r, c, 0, -1, 255, INQUIRY_BYTES);
	assert_int_equal(r->disk[0]->n_submits, submits + 1);
	assert_memory_equal(r->mem + 16, "AFTER", 5);
	go_away(r, 0);
	is_kept(r, c, 0, -1, 36, 36, 36);
	assert_memory_equal(r->mem + 16, "AFTER", 5);
}

static void test_waits_for_descriptors(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct rig_cmd cmd = { .dir = RIG_IN, .buf = r->mem, .len = 96, .n_frag = 2, .external = true };
	uint64_t tag;

	put_inquiry(r, 0, 0, "KEPT");
	answers(r, c, 0, -1, 255, INQUIRY_BYTES);
	go_away(r, 0);
	cmd.cdb[0] = 0x12;
	cmd.cdb[4] = 96;
	tag = rig_send_cmd(r, c, &cmd);
	rig_expect_nothing(r, c);
	rig_wait_ms(r, 5001);
	rig_expect_sense(r, c, tag, SCSI_NOT_READY, 0x04, 0x0c);
}

/* The gateway's own unit attentions are neither told nor lost by it. */
static void test_unit_attention_stays(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct rig_cmd tur = { .dir = RIG_NONE };
	struct rig_map *m;

	put_inquiry(r, 0, 0, "KEPT");
	answers(r, c, 0, -1, 255, INQUIRY_BYTES);
	go_away(r, 0);
	m = rig_map_new(r);
	m->group[0].n_lun = RIG_LUNS - 1;
	rig_apply(r, m);
	is_kept(r, c, 0, -1, 255, 255, INQUIRY_BYTES);
	rig_expect_sense(r, c, rig_send_cmd(r, c, &tur), SCSI_UNIT_ATTENTION, 0x3f, 0x0e);
}

/* ---- what is kept, and what is not ---- */

static void test_a_longer_answer_stays(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	put_inquiry(r, 0, 0, "KEPT");
	answers(r, c, 0, -1, 36, 36);
	answers(r, c, 0, -1, 255, INQUIRY_BYTES);
	answers(r, c, 0, -1, 36, 36);
	answers(r, c, 0, -1, 8, 8);
	go_away(r, 0);
	is_kept(r, c, 0, -1, 255, 255, INQUIRY_BYTES);
}

static void test_cut_answer_for_short_requests_only(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	put_inquiry(r, 0, 0, "KEPT");
	answers(r, c, 0, -1, 36, 36);
	go_away(r, 0);
	is_kept(r, c, 0, -1, 36, 36, 36);
	is_kept(r, c, 0, -1, 8, 8, 8);
	is_held(r, c, 0, -1, 37);
}

static void test_no_unit_there(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	put_inquiry(r, 0, 0, "KEPT");
	answers(r, c, 0, -1, 255, INQUIRY_BYTES);
	put_serial(r, 0, "1");
	answers(r, c, 0, 0x80, 255, 5);
	put_inquiry(r, 0, 0x7f, "");
	answers(r, c, 0, -1, 36, 36);
	go_away(r, 0);
	is_kept(r, c, 0, -1, 36, 36, 36);
	assert_int_equal(r->mem[0], 0x7f);
	is_held(r, c, 0, 0x80, 255);
}

static void test_another_unit(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	put_inquiry(r, 0, 0, "KEPT");
	answers(r, c, 0, -1, 255, INQUIRY_BYTES);
	put_serial(r, 0, "1");
	answers(r, c, 0, 0x80, 255, 5);
	put_inquiry(r, 0, 0, "OTHER");
	answers(r, c, 0, -1, 255, INQUIRY_BYTES);
	go_away(r, 0);
	is_kept(r, c, 0, -1, 255, 255, INQUIRY_BYTES);
	assert_memory_equal(r->mem + 16, "OTHER", 5);
	is_held(r, c, 0, 0x80, 255);
}

/* Lengths that lie, and answers that are none. */
static void test_not_kept(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct fake_target *t = r->disk[0];

	put_inquiry(r, 0, 0, "LIAR");
	answers(r, c, 0, -1, 255, INQUIRY_BYTES - 1);
	answers(r, c, 0, -1, 255, 4);
	put_serial(r, 0, "123456");
	answers(r, c, 0, 0x83, 255, 10);
	answers(r, c, 0, 0x80, 255, 9);
	answers(r, c, 0, 0x80, 255, 3);
	t->status = SCSI_RESERVATION_CONFLICT;
	rig_expect_status(r, c, ask(r, c, 0, 0x80, 255, 255), SCSI_RESERVATION_CONFLICT);
	t->status = SCSI_GOOD;
	assert_int_equal(r->core->keep->n, 0);
	go_away(r, 0);
	is_held(r, c, 0, -1, 36);
}

static void test_fit(void **state)
{
	uint8_t d[64] = { 0 }, luns[8 + 16] = { 0 };
	bool cut = false;

	(void)state;
	d[4] = 31;
	assert_int_equal(keep_fit(KEEP_INQUIRY, 0, d, 36, 255, &cut), 36);
	assert_false(cut);
	assert_int_equal(keep_fit(KEEP_INQUIRY, 0, d, 64, 64, &cut), 36);
	assert_int_equal(keep_fit(KEEP_INQUIRY, 0, d, 20, 20, &cut), 20);
	assert_true(cut);
	assert_int_equal(keep_fit(KEEP_INQUIRY, 0, d, 35, 255, &cut), 0);
	assert_int_equal(keep_fit(KEEP_INQUIRY, 0, d, 4, 4, &cut), 0);
	assert_int_equal(keep_fit(KEEP_INQUIRY, 0, d, 0, 0, &cut), 0);
	d[1] = 0x83;
	d[2] = 0;
	d[3] = 60;
	assert_int_equal(keep_fit(KEEP_VPD, 0x83, d, 64, 255, &cut), 64);
	assert_int_equal(keep_fit(KEEP_VPD, 0x80, d, 64, 255, &cut), 0);
	assert_int_equal(keep_fit(KEEP_VPD, 0x83, d, 3, 3, &cut), 0);
	assert_int_equal(keep_fit(KEEP_VPD, 0x83, d, 4, 4, &cut), 4);
	assert_true(cut);
	d[2] = 0x10; /* 4160 bytes: more than is kept */
	assert_int_equal(keep_fit(KEEP_VPD, 0x83, d, 64, 64, &cut), 0);
	luns[3] = 16;
	assert_int_equal(keep_fit(KEEP_LUNS, 0, luns, 24, 4096, &cut), 24);
	assert_int_equal(keep_fit(KEEP_LUNS, 0, luns, 23, 4096, &cut), 0);
	luns[3] = 12;
	assert_int_equal(keep_fit(KEEP_LUNS, 0, luns, 24, 4096, &cut), 0);
	memset(luns, 0xf8, 4);
	assert_int_equal(keep_fit(KEEP_LUNS, 0, luns, 24, 24, &cut), 0);
}

/* A back-end may show something else to another initiator. */
static void test_for_whom_it_was(void **state)
{
	struct rig *r = *state;
	struct rig_login l = { .id = 2, .peer = "10.0.0.2", .immediate = true };
	struct fake_conn *c = rig_login(r), *other;

	put_inquiry(r, 0, 0, "KEPT");
	answers(r, c, 0, -1, 255, INQUIRY_BYTES);
	go_away(r, 0);
	other = rig_login_raw(r, &l);
	fake_established(other);
	rig_run(r);
	is_held(r, other, 0, -1, 255);
	is_kept(r, c, 0, -1, 255, 255, INQUIRY_BYTES);
}

/* A LUN list, as the import of all LUNs keeps it; and a set that reaches every reactor. */
static void test_luns_on_all_reactors(void **state)
{
	struct rig *r = *state;
	uint8_t list[24] = { 0, 0, 0, 16 }, none[8] = { 0 };
	struct keep_answer a;
	struct path *p;
	struct rig_login l = { .peer = "10.0.0.2", .immediate = true };

	for (l.id = 1; l.id < 4; l.id++) {
		fake_established(rig_login_raw(r, &l));
		rig_run(r);
	}
	for (uint32_t i = 0; i < r->core->n_shards; i++) {
		struct shard *s = r->core->shard[i];

		list_for_each (pos, &s->nexuses) {
			p = list_entry(list_first(&list_entry(pos, struct nexus, node)->paths), struct path, node);
			list[23] = (uint8_t)i;
			assert_false(keep_find(p, none, KEEP_LUNS, 0, 4096, &a));
			keep_note(p, none, KEEP_LUNS, 0, list, sizeof(list), 4096);
			rig_wait_ms(r, 2 * KEEP_PUBLISH_MS);
			assert_true(keep_find(p, none, KEEP_LUNS, 0, 4096, &a));
			assert_int_equal(a.len_bytes, sizeof(list));
			assert_memory_equal(a.data, list, sizeof(list));
			assert_int_equal(s->n_keep_notes, 0);
		}
		assert_non_null(s->kept);
		assert_ptr_equal(s->kept, r->core->shard[0]->kept);
	}
	assert_int_equal(r->core->keep->n, 3);
	assert_ptr_equal(list_first(&r->core->keep->sets), &r->core->shard[0]->kept->node); /* older ones are freed */
}

/* ---- limits ---- */

static void test_limits(void **state)
{
	struct rig *r = *state;
	uint8_t page[KEEP_PAGE_BYTES] = { 0, 0xc0, 0x0f, 0xfc };
	char name[] = "two", one[] = "one", uri[] = "fake:", who[] = "iqn.2026-11.example:host";
	struct keep_key key = { .backend = name, .initiator = who, .uri_print = keep_uri_print(uri), .kind = KEEP_VPD };
	struct keep *k = r->core->keep;
	unsigned n = 0;

	/* Of a back-end that is not configured: it goes when there is no more room. */
	key.uri_print++;
	for (page[1] = 0xc0; page[1] < 0xd0; page[1]++) {
		key.page = page[1];
		assert_int_equal(core_keep_add(r->core, &key, page, sizeof(page)), 0);
	}
	key.uri_print--;
	for (int rc = 0; rc == 0; n += rc == 0) {
		key.page = page[1] = (uint8_t)(n % 256);
		key.lun[1] = (uint8_t)(n / 256);
		rc = core_keep_add(r->core, &key, page, sizeof(page));
		if (rc)
			assert_int_equal(rc, -ENOSPC);
	}
	assert_in_range(n, KEEP_BACKEND_BYTES / sizeof(page) - 32, KEEP_BACKEND_BYTES / sizeof(page));
	assert_int_equal(k->n, n);
	/* The other one has its own share. */
	key.backend = one;
	key.page = page[1] = 0xc0;
	assert_int_equal(core_keep_add(r->core, &key, page, sizeof(page)), 0);
	assert_int_equal(core_keep_add(r->core, &key, page, sizeof(page)), 0);
	/* What has a place may change. */
	page[9] = 1;
	assert_int_equal(core_keep_add(r->core, &key, page, sizeof(page)), 0);
	assert_int_equal(k->n, n + 1);
	assert_int_equal(core_keep_add(r->core, &key, page, sizeof(page) - 1), 0); /* begins the same: stays */
	assert_int_equal(k->n, n + 1);
}

/* Back-ends that come when everything is full leave nothing behind, however many they are. */
static void test_no_room_at_all(void **state)
{
	struct rig *r = *state;
	uint8_t page[4] = { 0 };
	char name[16] = "one", who[] = "host";
	struct keep_key key = { .backend = name, .initiator = who, .uri_print = keep_uri_print("fake:"), .kind = KEEP_VPD };
	const struct keep *k = r->core->keep;
	unsigned n_shares = 0;

	for (unsigned i = 0; i < KEEP_MOST_ANSWERS; i++) {
		key.page = page[1] = (uint8_t)i;
		key.lun[1] = (uint8_t)(i / 256);
		assert_int_equal(core_keep_add(r->core, &key, page, sizeof(page)), 0);
	}
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "gone %u", i);
		assert_int_equal(core_keep_add(r->core, &key, page, sizeof(page)), -ENOSPC);
	}
	assert_int_equal(k->n, KEEP_MOST_ANSWERS);
	list_for_each (pos, &k->shares)
		n_shares++;
	assert_int_equal(n_shares, 1);
}

static void test_add_is_checked(void **state)
{
	struct rig *r = *state;
	uint8_t data[36] = { 0, 0, 6, 0x22, 31 };
	char name[KEEP_NAME_BYTES + 1], who[] = "iqn.2026-11.example:host";
	struct keep_key key = { .backend = name, .initiator = who, .kind = KEEP_INQUIRY };

	snprintf(name, sizeof(name), "one");
	assert_int_equal(core_keep_add(r->core, &key, data, 4), -EINVAL);
	assert_int_equal(core_keep_add(r->core, &key, data, 0), -EINVAL);
	key.page = 1;
	assert_int_equal(core_keep_add(r->core, &key, data, sizeof(data)), -EINVAL);
	key.page = 0;
	key.kind = 9;
	assert_int_equal(core_keep_add(r->core, &key, data, sizeof(data)), -EINVAL);
	key.kind = KEEP_INQUIRY;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(core_keep_add(r->core, &key, data, sizeof(data)), -EINVAL);
	name[0] = '\0';
	assert_int_equal(core_keep_add(r->core, &key, data, sizeof(data)), -EINVAL);
	assert_int_equal(r->core->keep->n, 0);
}

/* A back-end that tells something else each time: what is on its way stays bounded, and the newest is kept. */
static void test_notes_are_bounded(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct lu *lu = rig_lu(r, 0);
	uint8_t data[36] = { 0, 0, 6, 2, 31 };
	struct shard *s = r->core->shard[0];

	(void)c;
	for (unsigned i = 0; i < 4 * KEEP_SHARD_NOTES; i++) {
		data[35] = (uint8_t)i;
		keep_note(lu->path, lu->backend_lun, KEEP_INQUIRY, 0, data, sizeof(data), 255);
	}
	assert_int_equal(s->n_keep_notes, KEEP_SHARD_NOTES);
	rig_wait_ms(r, 2 * KEEP_PUBLISH_MS);
	assert_int_equal(s->n_keep_notes, 0);
	assert_int_equal(r->core->keep->n, 1);
}

/* ---- another life of the gateway ---- */

struct seen {
	unsigned n, changes;
	struct keep_key key;
	uint8_t data[255];
	uint32_t len;
	char initiator[KEEP_NAME_BYTES];
};

static void see(void *arg, const struct keep_key *key, const struct keep_answer *a)
{
	struct seen *s = arg;

	s->n++;
	s->key = *key;
	s->len = a->len_bytes;
	memcpy(s->data, a->data, a->len_bytes);
	snprintf(s->initiator, sizeof(s->initiator), "%s", key->initiator);
}

static void count(void *arg)
{
	((struct seen *)arg)->changes++;
}

static void test_next_life(void **state)
{
	struct rig *r = *state, *again = calloc(1, sizeof(*again));
	struct fake_conn *c = rig_login(r);
	struct seen seen = { 0 };
	char other_uri[] = "fake:other";

	assert_non_null(again);
	core_keep_watch(r->core, count, &seen);
	put_inquiry(r, 0, 0, "KEPT");
	answers(r, c, 0, -1, 255, INQUIRY_BYTES);
	assert_int_equal(seen.changes, 1);
	answers(r, c, 0, -1, 255, INQUIRY_BYTES);
	assert_int_equal(seen.changes, 1);
	core_keep_watch(r->core, NULL, NULL);
	core_keep_for_each(r->core, see, &seen);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.len, INQUIRY_BYTES);
	seen.key.backend = r->backend[0].name;
	seen.key.initiator = seen.initiator;

	for (unsigned life = 0; life < 2; life++) {
		rig_init(again);
		if (life == 1)
			again->backend[0].uri = other_uri;
		rig_start(again);
		again->disk[0]->hold_up = true;
		seen.data[3] |= 0x20;
		assert_int_equal(core_keep_add(again->core, &seen.key, seen.data, seen.len), 0);
		c = rig_login(again);
		if (life == 0) {
			is_kept(again, c, 0, -1, 255, 255, INQUIRY_BYTES);
			assert_int_equal(again->mem[3], 0x02);
		} else {
			is_held(again, c, 0, -1, 255);
		}
		again->disk[0]->hold_up = false;
		rig_stop(again);
	}
	free(again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answered_while_away),
		TEST(test_back_again),
		TEST(test_waits_for_descriptors),
		TEST(test_unit_attention_stays),
		TEST(test_a_longer_answer_stays),
		TEST(test_cut_answer_for_short_requests_only),
		TEST(test_no_unit_there),
		TEST(test_another_unit),
		TEST(test_not_kept),
		cmocka_unit_test(test_fit),
		TEST(test_for_whom_it_was),
		cmocka_unit_test_setup_teardown(test_luns_on_all_reactors, setup_two, teardown),
		TEST(test_limits),
		TEST(test_no_room_at_all),
		TEST(test_add_is_checked),
		TEST(test_notes_are_bounded),
		TEST(test_next_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
