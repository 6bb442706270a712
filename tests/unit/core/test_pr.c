/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Persistent reservations that name initiators: SRP's TransportIDs become iSCSI's on the way to an iSCSI back-end and back, and
 * are refused, to the byte, where that cannot be.
 */
#include "../../../gateway/core/identity.h"
#include "../../../gateway/core/transport_id.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OTHER_NAME "iqn.2026-11.srpgw:gw:11111111111111111111111111111102"
#define OWN_NAME "iqn.2026-11.srpgw:gw:11111111111111111111111111111101"

static void put_srp_id(uint8_t *p, uint8_t last)
{
	memset(p, 0, 24);
	p[0] = 0x04;
	memset(p + 8, 0x11, 16);
	p[23] = last;
}

/* Format 01b. Return: its length. */
static uint32_t put_iscsi_id(uint8_t *p, const char *name, const uint8_t isid[6])
{
	uint32_t len = (uint32_t)snprintf((char *)p + 4, 300, "%s,i,0x%02x%02x%02x%02x%02x%02x", name, isid[0], isid[1],
					  isid[2], isid[3], isid[4], isid[5]) +
		       1;

	for (; len % 4; len++)
		p[4 + len] = 0;
	p[0] = 0x45;
	p[1] = 0;
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
	return 4 + len;
}

static void isid_of(const struct rig *r, uint8_t isid[6])
{
	identity_isid(r->maps[0]->target.t_port_id, r->backend[0].name, isid);
}

/* ---- OUT ---- */

static uint64_t send_out(struct rig *r, struct fake_conn *c, uint8_t action, uint32_t len, bool immediate)
{
	struct rig_cmd cmd = { .dir = RIG_OUT, .buf = r->mem, .len = len, .immediate = immediate, .cdb = { 0x5f, action } };

	cmd.cdb[7] = (uint8_t)(len >> 8);
	cmd.cdb[8] = (uint8_t)len;
	return rig_send_cmd(r, c, &cmd);
}

/* REGISTER with @n TransportIDs in the host's memory. Return: bytes. */
static uint32_t make_register(struct rig *r, uint32_t n)
{
	memset(r->mem, 0, 4096);
	rig_fill(r->mem, 16, 5);
	r->mem[20] = 0x08;
	r->mem[26] = (uint8_t)(24 * n >> 8);
	r->mem[27] = (uint8_t)(24 * n);
	for (uint32_t k = 0; k < n; k++)
		put_srp_id(r->mem + 28 + 24 * k, (uint8_t)(2 + k));
	return 28 + 24 * n;
}

static void expect_refused_at(struct rig *r, struct fake_conn *c, uint64_t tag, uint8_t field)
{
	struct srp_rsp rsp = rig_expect_rsp(r, c, tag);
	const uint8_t want[18] = { 0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x26, 0, 0, 0x80, 0, field };

	assert_int_equal(rsp.status, SCSI_CHECK_CONDITION);
	assert_int_equal(rsp.sense_len, sizeof(want));
	assert_memory_equal(rsp.sense, want, sizeof(want));
	assert_int_equal(r->disk[0]->n_submits, 0);
}

static void test_register_for_others(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint8_t want[512], isid[6];
	uint32_t len, at = 28;

	isid_of(r, isid);
	for (int immediate = 0; immediate < 2; immediate++) {
		len = make_register(r, 2);
		memcpy(want, r->mem, 28);
		/* One of another host, one of its own. */
		put_srp_id(r->mem + 52, 1);
		at = 28;
		at += put_iscsi_id(want + at, OTHER_NAME, isid);
		at += put_iscsi_id(want + at, OWN_NAME, isid);
		want[26] = (uint8_t)((at - 28) >> 8);
		want[27] = (uint8_t)(at - 28);
		memset(r->disk[0]->disk, 0, 1024);
		rig_expect_status(r, c, send_out(r, c, PR_OUT_REGISTER, len, immediate), SCSI_GOOD);
		assert_int_equal(r->disk[0]->last_data_len, at);
		assert_int_equal(r->disk[0]->last_cdb[7] << 8 | r->disk[0]->last_cdb[8], at);
		assert_memory_equal(r->disk[0]->disk, want, at);
		rig_expect_idle(r);
	}
}

static void test_most_transport_ids(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint32_t len = make_register(r, TRANSPORT_IDS_MAX);

	rig_expect_status(r, c, send_out(r, c, PR_OUT_REGISTER, len, false), SCSI_GOOD);
	assert_true(r->disk[0]->last_data_len > 2 * len);
	r->disk[0]->n_submits = 0;
	len = make_register(r, TRANSPORT_IDS_MAX + 1);
	expect_refused_at(r, c, send_out(r, c, PR_OUT_REGISTER, len, false), 24);
}

static void test_register_and_move(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint8_t want[512], isid[6];
	uint32_t n;

	isid_of(r, isid);
	memset(r->mem, 0, 64);
	rig_fill(r->mem, 20, 9);
	r->mem[23] = 24;
	put_srp_id(r->mem + 24, 2);
	memcpy(want, r->mem, 24);
	n = put_iscsi_id(want + 24, OTHER_NAME, isid);
	want[23] = (uint8_t)n;
	rig_expect_status(r, c, send_out(r, c, PR_OUT_REGISTER_AND_MOVE, 48, false), SCSI_GOOD);
	assert_int_equal(r->disk[0]->last_data_len, 24 + n);
	assert_memory_equal(r->disk[0]->disk, want, 24 + n);
}

/* The path goes down before it could go: it is translated once. */
static void test_sent_again(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint32_t len, first;
	uint8_t sent[1024];
	uint64_t tag;

	for (int immediate = 0; immediate < 2; immediate++) {
		len = make_register(r, 3);
		r->disk[0]->never = true;
		tag = send_out(r, c, PR_OUT_REGISTER, len, immediate);
		first = r->disk[0]->last_data_len;
		assert_true(first > len);
		r->disk[0]->never = false;
		rig_wait_ms(r, 100);
		rig_expect_status(r, c, tag, SCSI_GOOD);
		assert_int_equal(r->disk[0]->last_data_len, first);
		assert_int_equal(r->disk[0]->last_cdb[7] << 8 | r->disk[0]->last_cdb[8], first);
		memcpy(sent, r->disk[0]->disk, first);
		/* As one that goes at once. */
		rig_expect_status(r, c, send_out(r, c, PR_OUT_REGISTER, len, false), SCSI_GOOD);
		assert_memory_equal(r->disk[0]->disk, sent, first);
		rig_expect_idle(r);
	}
}

static void test_lists_without_transport_ids_pass(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);

	r->backend[0].limits.iscsi_transport_ids = false;
	for (uint8_t action = 0; action < 7; action++) {
		memset(r->mem, 0, 64);
		rig_fill(r->mem, 20, action);
		r->mem[20] = 0x01; /* APTPL */
		rig_expect_status(r, c, send_out(r, c, action, 24, action & 1), SCSI_GOOD);
		assert_int_equal(r->disk[0]->last_data_len, 24);
		assert_memory_equal(r->disk[0]->disk, r->mem, 24);
	}
	/* Too short to have any, and without data: the device says what it thinks of it. */
	rig_expect_status(r, c, send_out(r, c, PR_OUT_REGISTER, 8, false), SCSI_GOOD);
	rig_expect_status(r, c, rig_send_cmd(r, c, &(struct rig_cmd){ .cdb = { 0x5f, 7, [8] = 48 } }), SCSI_GOOD);
}

static void test_other_back_ends_are_spared(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint32_t len = make_register(r, 1);

	r->backend[0].limits.iscsi_transport_ids = false;
	expect_refused_at(r, c, send_out(r, c, PR_OUT_REGISTER, len, false), 20);
	expect_refused_at(r, c, send_out(r, c, PR_OUT_REGISTER_AND_MOVE, len, false), 24);
}

static void test_nobody_is_refused(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint32_t len = make_register(r, 3);

	/* iSCSI's own form; another format; a host that its identifier does not name. */
	r->mem[28 + 24] = 0x05;
	expect_refused_at(r, c, send_out(r, c, PR_OUT_REGISTER, len, false), 52);
	r->mem[28 + 24] = 0x44;
	expect_refused_at(r, c, send_out(r, c, PR_OUT_REGISTER, len, true), 52);
	r->mem[28 + 24] = 0x04;
	memset(r->mem + 28 + 48 + 16, 0, 8);
	expect_refused_at(r, c, send_out(r, c, PR_OUT_REGISTER, len, false), 76);
	/* The bit has no meaning with REGISTER AND IGNORE EXISTING KEY. */
	len = make_register(r, 1);
	expect_refused_at(r, c, send_out(r, c, PR_OUT_REGISTER_AND_IGNORE, len, false), 20);
	/* None, or a part of one. */
	len = make_register(r, 0);
	expect_refused_at(r, c, send_out(r, c, PR_OUT_REGISTER, len, false), 24);
	len = make_register(r, 1);
	r->mem[27] = 23;
	expect_refused_at(r, c, send_out(r, c, PR_OUT_REGISTER, len - 1, false), 24);
	/* Two, where one may be. */
	make_register(r, 2);
	r->mem[20] = 0;
	r->mem[23] = 48;
	expect_refused_at(r, c, send_out(r, c, PR_OUT_REGISTER_AND_MOVE, 72, false), 20);
	rig_expect_idle(r);
}

static void test_lengths_that_contradict(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	uint32_t len = make_register(r, 2);

	rig_expect_sense(r, c, send_out(r, c, PR_OUT_REGISTER, len - 24, false), 5, 0x1a, 0);
	rig_expect_sense(r, c, send_out(r, c, PR_OUT_REGISTER, len + 24, false), 5, 0x1a, 0);
	rig_expect_sense(r, c, send_out(r, c, PR_OUT_REGISTER, 24, false), 5, 0x1a, 0);
	rig_expect_sense(r, c, send_out(r, c, PR_OUT_REGISTER, 21, true), 5, 0x1a, 0);
	rig_expect_sense(r, c, send_out(r, c, PR_OUT_REGISTER_AND_MOVE, 4, true), 5, 0x1a, 0);
	r->mem[24] = 0xff;
	rig_expect_sense(r, c, send_out(r, c, PR_OUT_REGISTER, len, false), 5, 0x1a, 0);
	rig_expect_sense(r, c, send_out(r, c, PR_OUT_REGISTER, 65535, false), 5, 0x1a, 0);
	assert_int_equal(r->disk[0]->n_submits, 0);
	rig_expect_idle(r);
}

/* The host whose identifier ends with @last, named as the configuration says. */
static void identity_of_last(const struct rig *r, uint8_t last, const struct initiator_group *g, struct identity *out)
{
	uint8_t id[24];

	put_srp_id(id, last);
	identity_make(&(struct identity_of){ .gateway_name = "gw", .i_port_id = id + 8, .t_port_id = r->maps[0]->target.t_port_id, .group = g },
		      &r->backend[0], out);
}

/* The host names @last to register for it: its name is @who's. */
static void expect_named(struct rig *r, struct fake_conn *c, uint8_t last, const struct identity *who)
{
	uint32_t len = make_register(r, 1), n;
	uint8_t want[512];

	put_srp_id(r->mem + 28, last);
	n = put_iscsi_id(want, who->initiator_name, who->isid);
	rig_expect_status(r, c, send_out(r, c, PR_OUT_REGISTER, len, false), SCSI_GOOD);
	assert_int_equal(r->disk[0]->last_data_len, 28 + n);
	assert_memory_equal(r->disk[0]->disk + 28, want, n);
}

/* Then the ISID tells the hosts apart. */
static void test_one_name_for_all(void **state)
{
	static char all[] = "iqn.2026-11.example:all";
	struct rig *r = *state;
	struct identity own, other;
	struct fake_conn *c;

	r->backend[0].initiator_name = all;
	c = rig_login(r);
	identity_of_last(r, 1, NULL, &own);
	identity_of_last(r, 2, NULL, &other);
	assert_string_equal(own.initiator_name, all);
	assert_string_equal(other.initiator_name, all);
	assert_memory_not_equal(own.isid, other.isid, 6);
	assert_memory_equal(fake_path(r->disk[0])->isid, own.isid, 6);
	expect_named(r, c, 1, &own);
	expect_named(r, c, 2, &other);
	r->backend[0].initiator_name = NULL;
}

/* Its group's name: what the address decides, a TransportID does not tell. */
static void test_name_of_a_group(void **state)
{
	static char name[] = "iqn.2026-11.example:host";
	struct rig *r = *state;
	struct initiator_group *g = r->maps[0]->target.group;
	struct initiator_pattern by_address = { .has_addr = true, .addr_prefix_len = 0 }, *was = g->pattern;
	struct identity own, other;
	struct fake_conn *c;
	uint32_t len;

	g->initiator_name = name;
	c = rig_login(r);
	identity_of_last(r, 1, g, &own);
	identity_of_last(r, 2, g, &other);
	assert_string_equal(own.initiator_name, name);
	expect_named(r, c, 1, &own);
	expect_named(r, c, 2, &other);
	g->pattern = &by_address;
	len = make_register(r, 1);
	r->disk[0]->n_submits = 0;
	expect_refused_at(r, c, send_out(r, c, PR_OUT_REGISTER, len, false), 28);
	g->pattern = was;
	g->initiator_name = NULL;
}

/* ---- IN ---- */

static uint64_t send_in(struct rig *r, struct fake_conn *c, uint8_t action, uint32_t len)
{
	struct rig_cmd cmd = { .dir = RIG_IN, .buf = r->mem, .len = len, .cdb = { 0x5e, action } };

	cmd.cdb[7] = (uint8_t)(len >> 8);
	cmd.cdb[8] = (uint8_t)len;
	memset(r->mem, 0xee, len + 64);
	return rig_send_cmd(r, c, &cmd);
}

/* A descriptor without its TransportID, which is @n bytes. */
static uint32_t put_desc(uint8_t *p, uint32_t seed, uint32_t n)
{
	rig_fill(p, 20, seed);
	p[20] = p[21] = 0;
	p[22] = (uint8_t)(n >> 8);
	p[23] = (uint8_t)n;
	return 24 + n;
}

/* What the back-end says of four registrations, and what the host is to see of it. */
struct full_status {
	uint8_t said[1024], want[1024];
	uint32_t n_said, n_want;
	uint32_t first; /* bytes until the second descriptor, as said */
};

static void make_status(const struct rig *r, struct full_status *s)
{
	static const char *const names[] = { OTHER_NAME, "iqn.2026-11.srpgw:gw2:11111111111111111111111111111102",
					     "iqn.2026-11.srpgw:gw:11111111111111110000000000000000:10.0.0.9", OWN_NAME };
	uint8_t id[512], isid[6];

	memset(s, 0, sizeof(*s));
	isid_of(r, isid);
	rig_fill(s->said, 4, 77);
	memcpy(s->want, s->said, 4);
	s->n_said = s->n_want = 8;
	for (uint32_t k = 0; k < 4; k++) {
		uint32_t n = put_iscsi_id(id, names[k], isid);

		memcpy(s->said + s->n_said + 24, id, n);
		s->n_said += put_desc(s->said + s->n_said, k, n);
		if (k == 0)
			s->first = s->n_said;
		if (k == 1) {
			/* Another gateway's host. */
			memcpy(s->want + s->n_want + 24, id, n);
			s->n_want += put_desc(s->want + s->n_want, k, n);
			continue;
		}
		put_srp_id(s->want + s->n_want + 24, k == 0 ? 2 : 1);
		if (k == 2)
			memset(s->want + s->n_want + 24 + 16, 0, 8);
		s->n_want += put_desc(s->want + s->n_want, k, 24);
	}
	s->said[6] = (uint8_t)((s->n_said - 8) >> 8);
	s->said[7] = (uint8_t)(s->n_said - 8);
	s->want[6] = (uint8_t)((s->n_want - 8) >> 8);
	s->want[7] = (uint8_t)(s->n_want - 8);
}

static void test_read_full_status(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct full_status s;
	struct srp_rsp rsp;

	make_status(r, &s);
	memcpy(r->disk[0]->disk, s.said, s.n_said);
	r->disk[0]->resid_kind = SRPGW_RESID_UNDER;
	r->disk[0]->resid = 2048 - s.n_said;
	rsp = rig_expect_rsp(r, c, send_in(r, c, 3, 2048));
	assert_int_equal(rsp.status, SCSI_GOOD);
	assert_int_equal(rsp.flags, SRP_RSP_DIUNDER);
	assert_int_equal(rsp.data_in_resid, 2048 - s.n_want);
	assert_memory_equal(r->mem, s.want, s.n_want);
	/* Nothing of what became shorter is left behind it. */
	assert_int_equal(r->mem[s.n_want], 0xee);
}

/* The allocation length cuts the second descriptor off: the first is the host's, and nothing is invented. */
static void test_cut_by_the_allocation_length(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct full_status s;
	struct srp_rsp rsp;
	uint32_t alloc, shrunk;

	make_status(r, &s);
	memcpy(r->disk[0]->disk, s.said, s.n_said);
	alloc = s.first + 40;
	shrunk = s.first - 56;
	rsp = rig_expect_rsp(r, c, send_in(r, c, 3, alloc));
	assert_int_equal(rsp.data_in_resid, shrunk);
	assert_memory_equal(r->mem + 8, s.want + 8, 48);
	assert_memory_equal(r->mem + 56, s.said + s.first, 40);
	assert_int_equal(r->mem[6] << 8 | r->mem[7], s.n_said - 8 - shrunk);
	assert_int_equal(r->mem[96], 0xee);
	/* Only the header, or less. */
	for (uint32_t n = 1; n <= 8; n += 7) {
		rsp = rig_expect_rsp(r, c, send_in(r, c, 3, n));
		assert_int_equal(rsp.flags, 0);
		assert_memory_equal(r->mem, s.said, n);
		assert_int_equal(r->mem[n], 0xee);
	}
}

/* A target that lies about lengths gets its bytes passed on, and no byte beyond. */
static void test_nonsense_is_passed_on(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct full_status s;

	make_status(r, &s);
	s.said[8 + 20] = 0xff;
	memcpy(r->disk[0]->disk, s.said, s.n_said);
	rig_expect_status(r, c, send_in(r, c, 3, s.n_said), SCSI_GOOD);
	assert_memory_equal(r->mem, s.said, s.n_said);
	make_status(r, &s);
	s.said[8 + 20] = s.said[8 + 21] = s.said[8 + 22] = s.said[8 + 23] = 0;
	memcpy(r->disk[0]->disk, s.said, s.n_said);
	rig_expect_status(r, c, send_in(r, c, 3, s.n_said), SCSI_GOOD);
	assert_memory_equal(r->mem, s.said, 32);
}

static void test_other_answers_pass(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct full_status s;

	make_status(r, &s);
	memcpy(r->disk[0]->disk, s.said, s.n_said);
	/* READ KEYS holds no TransportIDs, and what a back-end without iSCSI names says is its own. */
	rig_expect_status(r, c, send_in(r, c, 0, s.n_said), SCSI_GOOD);
	assert_memory_equal(r->mem, s.said, s.n_said);
	r->backend[0].limits.iscsi_transport_ids = false;
	rig_expect_status(r, c, send_in(r, c, 3, s.n_said), SCSI_GOOD);
	assert_memory_equal(r->mem, s.said, s.n_said);
}

/* ---- anything ---- */

static bool find_any(const void *arg, const uint8_t i_port_id[16], struct identity *out)
{
	(void)arg;
	*out = (struct identity){ .initiator_name = OTHER_NAME };
	return i_port_id[15] != 1;
}

/* Exact allocations, so that a sanitizer sees each byte too far. */
static void test_any_list(void **state)
{
	static const uint8_t actions[] = { PR_OUT_REGISTER, PR_OUT_REGISTER_AND_MOVE, PR_OUT_REGISTER_AND_IGNORE };
	uint8_t own[16] = { 1 }, out[TRANSPORT_OUT_MAX];
	const struct identity who = { .initiator_name = OWN_NAME };
	const struct transport_names names = { .gateway_name = "gw", .own_id = own, .own = &who, .find = find_any };
	unsigned seed = 11, n_ok = 0;

	(void)state;
	for (unsigned k = 0; k < 30000; k++) {
		size_t len = (size_t)rand_r(&seed) % 5 ? 28 + 24 * ((size_t)rand_r(&seed) % 34) : (size_t)rand_r(&seed) % 900;
		uint8_t *list = malloc(len ? len : 1), action = actions[k % 3];
		uint16_t field = 0;
		size_t out_len = 0;
		enum outcome why;

		assert_non_null(list);
		for (size_t i = 0; i < len; i++)
			list[i] = (uint8_t)rand_r(&seed);
		for (size_t i = 28; i < len; i += 24)
			if (rand_r(&seed) % 64)
				list[i] = 0x04;
		if (len >= 28 && action == PR_OUT_REGISTER && rand_r(&seed) % 8) {
			list[24] = list[25] = 0;
			list[26] = (uint8_t)((len - 28) >> 8);
			list[27] = (uint8_t)(len - 28);
		}
		if (len >= 24)
			transport_list_has_ids(action, list, len);
		why = transport_list_translate(&names, action, list, len, out, &out_len, &field);
		assert_true(why == OUTCOME_OK || why == OUTCOME_PARAMETER || why == OUTCOME_PARAMETER_LENGTH);
		if (why == OUTCOME_OK) {
			assert_in_range(out_len, len, TRANSPORT_OUT_MAX);
			n_ok++;
		} else if (why == OUTCOME_PARAMETER) {
			assert_true(field < len || len <= 28);
		}
		free(list);
	}
	assert_true(n_ok > 1000);
}

/* Whatever the back-end says: not more bytes than it said, and none beyond them. */
static void test_any_status(void **state)
{
	struct rig *r = *state;
	struct fake_conn *c = rig_login(r);
	struct full_status s;
	unsigned seed = 5;

	for (unsigned k = 0; k < 2000; k++) {
		uint32_t alloc = 1 + (uint32_t)rand_r(&seed) % 700;
		struct srp_rsp rsp;

		make_status(r, &s);
		for (unsigned i = (unsigned)rand_r(&seed) % 4; i > 0; i--)
			s.said[(unsigned)rand_r(&seed) % s.n_said] = (uint8_t)rand_r(&seed);
		memcpy(r->disk[0]->disk, s.said, sizeof(s.said));
		rsp = rig_expect_rsp(r, c, send_in(r, c, 3, alloc));
		assert_int_equal(rsp.status, SCSI_GOOD);
		assert_true(rsp.data_in_resid < alloc);
		assert_int_equal(r->mem[alloc - rsp.data_in_resid], 0xee);
		if (k % 100 == 0)
			rig_expect_idle(r);
		c->n_seen = c->n_sent = 0;
	}
}

/* ---- names ---- */

static void test_names_of_this_gateway(void **state)
{
	static const struct {
		const char *name;
		bool ours;
	} cases[] = {
		{ OTHER_NAME, true },
		{ OTHER_NAME ",i,0x800000000000", true },
		{ OTHER_NAME ":10.0.0.1", true },
		{ OTHER_NAME "0", false },
		{ "iqn.2026-11.srpgw:gw:1111111111111111111111111111110", false },
		{ "iqn.2026-11.srpgw:gw:1111111111111111111111111111110g", false },
		{ "iqn.2026-11.srpgw:gv:11111111111111111111111111111102", false },
		{ "iqn.2026-11.srpgw", false },
		{ "", false },
	};
	uint8_t id[16], want[24];

	(void)state;
	put_srp_id(want, 2);
	for (unsigned k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		memset(id, 0, sizeof(id));
		assert_int_equal(identity_parse_name("gw", cases[k].name, strlen(cases[k].name), id), cases[k].ours);
		if (cases[k].ours)
			assert_memory_equal(id, want + 8, 16);
	}
}

static int setup(void **state)
{
	struct rig *r = rig_new(state);

	r->backend[0].limits.iscsi_transport_ids = true;
	rig_start(r);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_register_for_others),
		TEST(test_most_transport_ids),
		TEST(test_register_and_move),
		TEST(test_sent_again),
		TEST(test_lists_without_transport_ids_pass),
		TEST(test_other_back_ends_are_spared),
		TEST(test_nobody_is_refused),
		TEST(test_lengths_that_contradict),
		TEST(test_one_name_for_all),
		TEST(test_name_of_a_group),
		TEST(test_read_full_status),
		TEST(test_cut_by_the_allocation_length),
		TEST(test_nonsense_is_passed_on),
		TEST(test_other_answers_pass),
		cmocka_unit_test(test_any_list),
		TEST(test_any_status),
		cmocka_unit_test(test_names_of_this_gateway),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
