/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The forms of other initiators: layouts and lengths of the LOGIN_REQ, identifiers of revision 10, information units of
 * 64 bytes, channels that come and go in any order.
 */
#include "bench.h"

static struct bench bench;

static void make(const struct rig_params *p)
{
	bench_make(&bench, p);
	ledger_allow_asc(bench.rig.ledger, 0x29);
}

/* Logs in and must do its work. */
static struct client *enter(struct client *c)
{
	assert_int_equal(client_login(c), 0);
	client_must_work(c, 0);
	client_must_work(c, 1);
	assert_int_equal(client_info(c).protocol_errors, 0);
	return c;
}

/* Another initiator object of the same host: a further channel when it joins. */
static struct client *same_host(const struct client *of, bool join)
{
	struct client *c = client_make(&bench, (uint32_t)of->p.i_port_id[15] - 1);

	memcpy(c->p.i_port_id, of->p.i_port_id, sizeof(c->p.i_port_id));
	c->src = of->src;
	c->p.join = join;
	return c;
}

/* After a nexus loss a unit may say so once. */
static void clear_unit_attentions(struct client *c)
{
	struct client_cmd cmd;

	for (uint32_t lun = 0; lun < 2; lun++) {
		client_rw(c, &cmd, lun, false, 0, 1, 1, 0);
		bench_until(&bench, 10, cmd.done);
	}
}

static void expect_malformed(struct client *c)
{
	assert_int_equal(client_login(c), -ECONNREFUSED);
	assert_int_equal(c->reject, SRP_REJ_NO_DETAIL);
	client_free(c);
}

/* ---- layouts ---- */

/* Linux 4.16: 48 bytes, which end before the offset of immediate data: then there is none. */
static void test_first_linux_form(void **state)
{
	struct rig_params p = bench_params();
	struct client *c;

	(void)state;
	make(&p);
	c = client_make(&bench, 0);
	c->p.login_bytes = 48;
	c->p.immediate_data = true;
	enter(c);
	assert_false(client_info(c).immediate_data);
	client_free(c);
	c = client_make(&bench, 0);
	c->p.login_bytes = 56;
	c->p.immediate_data = true;
	enter(c);
	assert_true(client_info(c).immediate_data);
	client_free(c);
	/* Some fabrics pad private data. */
	c = client_make(&bench, 0);
	c->p.login_bytes = 196;
	client_free(enter(c));
	c = client_make(&bench, 0);
	c->p.login_bytes = 47;
	expect_malformed(c);
	bench_free(&bench);
}

static void test_native_form(void **state)
{
	static const uint32_t lengths[] = { 64, 92, 140, 512 };
	struct rig_params p = bench_params();
	struct client *c;

	(void)state;
	p.native = true;
	make(&p);
	for (unsigned k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
		c = client_make(&bench, k);
		c->p.form = SRP_LOGIN_FORM_NATIVE;
		c->p.login_bytes = lengths[k];
		c->p.immediate_data = true;
		c->p.n_channels = 2;
		enter(c);
		assert_true(client_info(c).immediate_data);
		assert_int_equal(client_info(c).n_channels, 2);
		client_free(c);
	}
	c = client_make(&bench, 0);
	c->p.form = SRP_LOGIN_FORM_NATIVE;
	c->p.login_bytes = 63;
	expect_malformed(c);
	/* The other layout where this one is due: its target port identifier is none of ours. */
	c = client_make(&bench, 0);
	c->p.login_bytes = 92;
	assert_int_equal(client_login(c), -ECONNREFUSED);
	client_free(c);
	bench_free(&bench);
}

/* ---- identifiers ---- */

static void remember_name(const struct core_status *st, char name[224])
{
	assert_int_equal(st->n_session, 1);
	assert_true(st->n_path >= 1);
	memcpy(name, st->path[0].initiator_name, 224);
}

/* io_class FF00h: the same host is the same nexus, here and at the back-end, whichever form it uses. */
static void test_revision_10(void **state)
{
	struct rig_params p = bench_params();
	struct client *old, *new;
	const struct core_status *st;
	char name[224];
	uint32_t id;

	(void)state;
	p.map.nexus_linger_ms = 5000;
	make(&p);
	old = client_make(&bench, 0);
	old->p.revision_10 = true;
	old->p.n_channels = 3;
	enter(old);
	st = rig_status(&bench.rig);
	remember_name(st, name);
	id = st->session[0].id;
	assert_memory_equal(st->session[0].i_port_id, old->p.i_port_id, 16);
	assert_memory_equal(st->session[0].t_port_id, old->p.t_port_id, 16);
	assert_int_equal(st->session[0].n_channels, 3);

	new = same_host(old, false);
	assert_int_equal(client_login(new), 0);
	assert_int_equal(client_info(new).multi_result, SRP_RSP_MULTI_TERMINATED);
	bench_until(&bench, 5, old->lost);
	st = rig_status(&bench.rig);
	assert_int_equal(st->n_session, 1);
	assert_int_equal(st->session[0].id, id);
	assert_string_equal(st->path[0].initiator_name, name);
	clear_unit_attentions(new);
	client_must_work(new, 0);
	client_free(old);
	client_free(new);
	bench_free(&bench);
}

/* A target of nobody is refused in both forms. */
static void test_revision_10_of_an_unknown_target(void **state)
{
	struct rig_params p = bench_params();
	struct client *c;

	(void)state;
	make(&p);
	for (int turned = 0; turned < 2; turned++) {
		c = client_make(&bench, 0);
		c->p.revision_10 = turned;
		c->p.t_port_id[3] ^= 1;
		assert_int_equal(client_login(c), -ECONNREFUSED);
		assert_int_equal(c->reject, SRP_REJ_NO_NEXUS);
		client_free(c);
	}
	bench_free(&bench);
}

/* ---- 64 bytes ---- */

/* Only direct descriptors fit; every answer does, sense data and events included. */
static void test_smallest_information_units(void **state)
{
	struct rig_params p = bench_params();
	struct client_cmd cmd;
	struct client *c;

	(void)state;
	p.map.immediate_data = true;
	make(&p);
	c = client_make(&bench, 0);
	c->p.req_it_iu_len = SRP_IU_MIN;
	c->p.cmd_descs = 1;
	c->p.immediate_data = true;
	c->p.login_flags = SRP_LOGIN_AESOLNT | SRP_LOGIN_CRSOLNT | SRP_LOGIN_LOSOLNT;
	assert_int_equal(client_login(c), 0);
	assert_int_equal(client_info(c).max_ti_iu_len, SRP_IU_MIN);
	client_rw(c, &cmd, 0, true, 0, 256, 1, 0);
	bench_until(&bench, 10, cmd.done);
	assert_int_equal(cmd.c.code, 0);
	assert_int_equal(cmd.c.status, 0);
	client_rw(c, &cmd, 0, false, 0, 256, 1, 0);
	bench_until(&bench, 10, cmd.done);
	assert_int_equal(cmd.c.status, 0);
	/* The back-end's own sense data arrives whole: 36 + 18 bytes. */
	bench.rig.knobs[0].check_ppm = 1000000;
	client_rw(c, &cmd, 0, false, 0, 1, 1, 0);
	bench_until(&bench, 10, cmd.done);
	assert_int_equal(cmd.c.status, SCSI_CHECK_CONDITION);
	assert_int_equal(cmd.c.sense_len, 18);
	bench.rig.knobs[0].check_ppm = 0;
	/* 36 + 18 of an event, too. */
	rig_apply(&bench.rig, 1);
	bench_until(&bench, 5, client_info(c).aer_reqs == 1);
	ledger_allow_asc(bench.rig.ledger, 0x3f);
	ledger_allow_asc(bench.rig.ledger, 0x25);
	clear_unit_attentions(c);
	client_rw(c, &cmd, 0, false, 0, 8, 1, 0);
	bench_until(&bench, 10, cmd.done);
	assert_int_equal(cmd.c.status, 0);
	assert_int_equal(client_info(c).protocol_errors, 0);
	client_free(c);

	c = client_make(&bench, 0);
	c->p.req_it_iu_len = SRP_IU_MIN - 1;
	expect_malformed(c);
	bench_free(&bench);
}

/* From the direct descriptor alone to all in the information unit: whatever the host's limit lets it say is understood. */
static void test_limits_between(void **state)
{
	static const uint32_t limits[] = { 65, 67, 68, 80, 84, 100, 132, 260, 996, 2116, 8260 };
	struct rig_params p = bench_params();
	struct client_cmd cmd;

	(void)state;
	make(&p);
	for (unsigned k = 0; k < sizeof(limits) / sizeof(limits[0]); k++) {
		struct client *c = client_make(&bench, k);

		c->p.req_it_iu_len = limits[k];
		c->p.cmd_descs = 255;
		assert_int_equal(client_login(c), 0);
		for (uint32_t n_frag = 1; n_frag <= 64; n_frag *= 4) {
			client_rw(c, &cmd, 0, n_frag & 4, 0, 128, n_frag, 0);
			bench_until(&bench, 10, cmd.done);
			/* 20 bytes of an indirect descriptor do not fit behind the 48 of the command. */
			assert_int_equal(cmd.c.code, n_frag > 1 && limits[k] < 68 ? -EINVAL : 0);
			assert_int_equal(cmd.c.status, 0);
		}
		assert_int_equal(client_info(c).protocol_errors, 0);
		client_free(c);
	}
	bench_free(&bench);
}

/* ---- channels in any order ---- */

static void test_joining_nobody(void **state)
{
	struct rig_params p = bench_params();
	struct client *first, *second, *single;

	(void)state;
	make(&p);
	/* The second channel first: it makes the nexus. */
	first = client_make(&bench, 0);
	first->p.join = true;
	enter(first);
	assert_int_equal(client_info(first).multi_result, SRP_RSP_MULTI_NONE);
	second = same_host(first, true);
	enter(second);
	assert_int_equal(client_info(second).multi_result, SRP_RSP_MULTI_MAINTAINED);
	client_must_work(first, 1);
	assert_int_equal(rig_status(&bench.rig)->n_session, 1);
	/* A single one ends them both. */
	single = same_host(first, false);
	assert_int_equal(client_login(single), 0);
	assert_int_equal(client_info(single).multi_result, SRP_RSP_MULTI_TERMINATED);
	bench_until(&bench, 5, first->lost && second->lost);
	assert_int_equal(client_info(first).t_logout_reason, SRP_TLO_MULTI_CHANNEL_ACTION);
	assert_int_equal(client_info(second).t_logout_reason, SRP_TLO_MULTI_CHANNEL_ACTION);
	clear_unit_attentions(single);
	client_must_work(single, 0);
	client_free(first);
	client_free(second);
	client_free(single);
	bench_free(&bench);
}

/* The channel that made the nexus goes: the others have it, with what they have under way. */
static void test_channel_0_goes_first(void **state)
{
	struct rig_params p = bench_params();
	struct client *zero, *one, *two;
	struct client_cmd w, gone;
	uint32_t id;

	(void)state;
	p.knobs.delay_ns = 1 * NS_PER_S;
	make(&p);
	zero = client_make(&bench, 0);
	assert_int_equal(client_login(zero), 0);
	one = same_host(zero, true);
	assert_int_equal(client_login(one), 0);
	id = rig_status(&bench.rig)->session[0].id;
	client_rw(one, &w, 0, true, 0, 64, 5, 0);
	client_rw(zero, &gone, 1, true, 0, 64, 5, 0);
	sim_run_for(bench.rig.w, 20 * NS_PER_MS);
	client_free(zero);
	assert_int_equal(gone.c.code, -ENOTCONN);
	bench_until(&bench, 10, w.done);
	assert_int_equal(w.c.code, 0);
	assert_int_equal(w.c.status, 0);
	bench.rig.knobs[0].delay_ns = 20 * NS_PER_US;
	client_must_work(one, 0);
	two = same_host(one, true);
	enter(two);
	assert_int_equal(client_info(two).multi_result, SRP_RSP_MULTI_MAINTAINED);
	assert_int_equal(rig_status(&bench.rig)->n_session, 1);
	assert_int_equal(bench.rig.status->session[0].id, id);
	assert_int_equal(bench.rig.status->session[0].n_channels, 2);
	assert_false(one->lost);
	client_free(one);
	client_must_work(two, 1);
	client_free(two);
	bench_free(&bench);
}

/*
 * Single and further channels at once, as they come: there is one nexus at the end, the last single channel is in it, and
 * who was told that he is in, is in or was thrown out by a single one that came later.
 */
static void race(uint64_t seed)
{
	enum { N = 6 };
	struct rig_params p = bench_params();
	struct client *c[N];
	struct err e = ERR_INIT;
	uint32_t n_live = 0;

	p.seed = seed;
	p.n_reactors = (uint32_t)seed % 3;
	make(&p);
	for (uint32_t k = 0; k < N; k++) {
		c[k] = k ? same_host(c[0], seed >> k & 1) : client_make(&bench, 0);
		c[k]->p.queue_size = 4;
		assert_int_equal(initiator_create(&c[k]->p, &c[k]->i, &e), 0);
	}
	for (uint32_t k = 0; k < N; k++) {
		assert_int_equal(initiator_login(c[k]->i, &e), 0);
		sim_run_for(bench.rig.w, seed * 7919 * k % 60 * NS_PER_US);
	}
	for (uint32_t k = 0; k < N; k++) {
		bench_until(&bench, 20, c[k]->login_told);
		assert_int_equal(c[k]->code, 0);
		assert_int_equal(client_info(c[k]).protocol_errors, 0);
	}
	/* Who was replaced hears of it. */
	sim_run_for(bench.rig.w, 2 * NS_PER_S);
	assert_int_equal(rig_status(&bench.rig)->n_session, 1);
	for (uint32_t k = 0; k < N; k++) {
		if (c[k]->lost)
			continue;
		n_live++;
		clear_unit_attentions(c[k]);
		client_must_work(c[k], k % 2);
	}
	assert_true(n_live >= 1);
	assert_int_equal(bench.rig.status->session[0].n_channels, n_live);
	for (uint32_t k = 0; k < N; k++)
		client_free(c[k]);
	bench_free(&bench);
}

static void test_races_of_logins(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 150; seed++)
		race(seed);
}

/* ---- events ---- */

/* Hosts with every choice of notification hear of each change of their LUNs as they asked. */
static void test_events(void **state)
{
	struct rig_params p = bench_params();
	struct client *c[8];

	(void)state;
	make(&p);
	ledger_allow_asc(bench.rig.ledger, 0x3f);
	for (uint32_t k = 0; k < 8; k++) {
		c[k] = client_make(&bench, k);
		c[k]->p.login_flags = (uint8_t)(k << 4);
		c[k]->p.n_channels = 1 + k % 3;
		assert_int_equal(client_login(c[k]), 0);
	}
	for (uint32_t round = 1; round <= 4; round++) {
		rig_apply(&bench.rig, round % 2 ? 1 : 2);
		sim_run_for(bench.rig.w, 100 * NS_PER_MS);
		for (uint32_t k = 0; k < 8; k++)
			assert_int_equal(client_info(c[k]).aer_reqs, k & 4 ? round : 0);
	}
	for (uint32_t k = 0; k < 8; k++) {
		clear_unit_attentions(c[k]);
		client_must_work(c[k], 0);
		assert_int_equal(client_info(c[k]).protocol_errors, 0);
		client_free(c[k]);
	}
	bench_free(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_linux_form),
		cmocka_unit_test(test_native_form),
		cmocka_unit_test(test_revision_10),
		cmocka_unit_test(test_revision_10_of_an_unknown_target),
		cmocka_unit_test(test_smallest_information_units),
		cmocka_unit_test(test_limits_between),
		cmocka_unit_test(test_joining_nobody),
		cmocka_unit_test(test_channel_0_goes_first),
		cmocka_unit_test(test_races_of_logins),
		cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
