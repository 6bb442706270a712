/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scripted scenarios of the whole gateway over the simulated fabric: who may log in, what happens to whom when somebody comes back, how a
 * stuck back-end is survived, and that nothing that a host does makes the gateway keep memory.
 */
#include "bench.h"

static struct bench bench;

static void make(const struct rig_params *p)
{
	bench_make(&bench, p);
}

static struct client *login(uint32_t number, uint32_t n_channels)
{
	struct client *c = client_make(&bench, number);

	c->p.n_channels = n_channels;
	c->p.immediate_data = true;
	assert_int_equal(client_login(c), 0);
	return c;
}

/* After a nexus loss each unit may say so once, where its back-end session lived on. */
static void clear_unit_attention(struct client *c, uint32_t lun)
{
	struct client_cmd cmd;

	ledger_allow_asc(bench.rig.ledger, 0x29);
	client_rw(c, &cmd, lun, false, 0, 1, 1, 0);
	bench_until(&bench, 10, cmd.done);
	assert_int_equal(cmd.c.code, 0);
	if (cmd.c.status)
		assert_true(cmd.c.status == SCSI_CHECK_CONDITION && cmd.c.sense[2] == 6 && cmd.c.sense[12] == 0x29);
}

/* ---- logins ---- */

static void test_nexus_is_bound_to_its_address(void **state)
{
	struct rig_params p = bench_params();
	struct client *owner, *thief;

	(void)state;
	make(&p);
	owner = login(0, 1);
	thief = client_make(&bench, 1);
	memcpy(thief->p.i_port_id, owner->p.i_port_id, 16);
	assert_int_equal(client_login(thief), -ECONNREFUSED);
	assert_int_equal(thief->reject, SRP_REJ_NO_NEXUS);
	client_must_work(owner, 0);
	assert_false(owner->lost);
	client_free(thief);
	client_free(owner);
	bench_free(&bench);

	/* Unless the configuration allows it. */
	p.map.allow_address_move = true;
	make(&p);
	owner = login(0, 1);
	thief = client_make(&bench, 1);
	memcpy(thief->p.i_port_id, owner->p.i_port_id, 16);
	assert_int_equal(client_login(thief), 0);
	assert_int_equal(client_info(thief).multi_result, SRP_RSP_MULTI_TERMINATED);
	bench_until(&bench, 5, owner->lost);
	clear_unit_attention(thief, 0);
	client_must_work(thief, 0);
	client_free(thief);
	client_free(owner);
	bench_free(&bench);
}

/* Soft iWARP hosts without initiator_ext all have sixteen zero bytes: the address tells them apart. */
static void test_hosts_without_an_identifier(void **state)
{
	struct rig_params p = bench_params();
	struct client *c[3];

	(void)state;
	make(&p);
	for (uint32_t k = 0; k < 3; k++) {
		c[k] = client_make(&bench, k);
		memset(c[k]->p.i_port_id, 0, 16);
		assert_int_equal(client_login(c[k]), 0);
		assert_int_equal(client_info(c[k]).multi_result, SRP_RSP_MULTI_NONE);
	}
	assert_int_equal(rig_status(&bench.rig)->n_session, 3);
	for (uint32_t k = 0; k < 3; k++) {
		assert_false(c[k]->lost);
		c[k]->p.i_port_id[15] = (uint8_t)(k + 1); /* the ledger's number of the host */
		client_must_work(c[k], 0);
		client_free(c[k]);
	}
	bench_free(&bench);
}

static void test_channel_limits(void **state)
{
	struct rig_params p = bench_params();
	struct client *a, *b, *c;

	(void)state;
	p.map.max_channels_per_nexus = 2;
	p.map.max_channels = 3;
	p.map.max_nexuses = 2;
	make(&p);
	/* ib_srp lives with the channels that it got. */
	a = login(0, 4);
	assert_int_equal(client_info(a).n_channels, 2);
	assert_int_equal(a->reject, SRP_REJ_CHANNEL_LIMIT);
	b = login(1, 2);
	assert_int_equal(client_info(b).n_channels, 1);
	assert_int_equal(b->reject, SRP_REJ_CHANNEL_LIMIT);
	c = client_make(&bench, 2);
	assert_int_equal(client_login(c), -ECONNREFUSED);
	assert_true(c->reject == SRP_REJ_CHANNEL_LIMIT || c->reject == SRP_REJ_INSUFFICIENT_RESOURCES);
	client_free(c);
	client_must_work(a, 0);
	client_must_work(b, 0);
	client_free(a);
	/* Room again. */
	c = login(2, 2);
	client_must_work(c, 0);
	client_free(c);
	client_free(b);
	bench_free(&bench);
}

static void test_single_login_replaces(void **state)
{
	struct rig_params p = bench_params();
	struct client *old, *new;
	struct client_cmd w;

	(void)state;
	p.knobs.delay_ns = 300 * NS_PER_MS;
	make(&p);
	old = login(0, 3);
	client_rw(old, &w, 0, true, 0, 64, 5, 0);
	sim_run_for(bench.rig.w, 20 * NS_PER_MS);
	new = client_make(&bench, 0);
	new->p.n_channels = 2;
	assert_int_equal(client_login(new), 0);
	assert_int_equal(client_info(new).multi_result, SRP_RSP_MULTI_TERMINATED);
	bench_until(&bench, 5, old->lost && w.done);
	assert_int_equal(w.c.code, -ENOTCONN);
	assert_true(client_info(old).t_logouts >= 1);
	assert_int_equal(client_info(old).t_logout_reason, SRP_TLO_MULTI_CHANNEL_ACTION);
	bench.rig.knobs[0].delay_ns = 20 * NS_PER_US;
	clear_unit_attention(new, 0);
	client_must_work(new, 0);
	assert_int_equal(rig_status(&bench.rig)->n_session, 1);
	client_free(new);
	client_free(old);
	bench_free(&bench);
}

/* Ten thousand refused logins, and many accepted ones that go at once: nothing is kept. */
static void test_login_storm(void **state)
{
	struct rig_params p = bench_params();
	struct client *c;
	struct sim_stats st;

	(void)state;
	make(&p);
	for (uint32_t k = 0; k < 10000; k++) {
		c = client_make(&bench, 1 + k % 50);
		c->p.queue_size = 2;
		if (k % 4)
			c->p.t_port_id[0] = 0x77;
		client_login(c);
		assert_int_equal(c->reject, k % 4 ? SRP_REJ_NO_NEXUS : 0);
		client_free(c);
	}
	sim_run_for(bench.rig.w, 1 * NS_PER_S);
	sim_stats(bench.rig.w, &st);
	assert_int_equal(st.n_links, 0);
	assert_int_equal(rig_status(&bench.rig)->n_session, 0);
	assert_int_equal(bench.rig.status->logins_refused_total, 7500);
	assert_int_equal(bench.rig.status->logins_accepted_total, 2500);
	bench_free(&bench);
}

/* Sixty hosts at once where sixteen may be: the others are told so, and room is used again. */
static void test_logins_at_once(void **state)
{
	struct rig_params p = bench_params();
	struct client *c[60];
	uint32_t n_in = 0;

	(void)state;
	p.n_reactors = 3;
	p.map.max_nexuses = 16;
	make(&p);
	for (int round = 0; round < 3; round++) {
		struct err e = ERR_INIT;

		for (uint32_t k = 0; k < 60; k++) {
			c[k] = client_make(&bench, k);
			c[k]->p.n_channels = 2;
			c[k]->p.queue_size = 4;
			assert_int_equal(initiator_create(&c[k]->p, &c[k]->i, &e), 0);
			assert_int_equal(initiator_login(c[k]->i, &e), 0);
		}
		n_in = 0;
		for (uint32_t k = 0; k < 60; k++) {
			bench_until(&bench, 20, c[k]->login_told);
			n_in += c[k]->code == 0;
			if (c[k]->code)
				assert_int_equal(c[k]->reject, SRP_REJ_INSUFFICIENT_RESOURCES);
		}
		assert_int_equal(n_in, 16);
		assert_int_equal(rig_status(&bench.rig)->n_session, 16);
		for (uint32_t k = 0; k < 60; k++)
			client_free(c[k]);
	}
	bench_free(&bench);
}

/* ---- a stuck back-end ---- */

static void test_task_management_answers_within_three_seconds(void **state)
{
	struct rig_params p = bench_params();
	struct client *c;
	struct client_cmd cmd[6];

	(void)state;
	p.fence_ms = 500;
	p.knobs.late_ppm = 1000000;
	p.knobs.late_ns = 400 * NS_PER_MS;
	p.hold_ms = 500;
	make(&p);
	ledger_allow_asc(bench.rig.ledger, 0x29);
	c = login(0, 2);
	bench.rig.knobs[0].stuck = true;
	for (uint32_t k = 0; k < 6; k++)
		client_rw(c, &cmd[k], k & 1, k < 4, k * 16, 16, 1 + k, k * 16384);
	sim_run_for(bench.rig.w, 100 * NS_PER_MS);
	client_tmf(c, SRP_TMF_ABORT_TASK, 0, &cmd[0]);
	bench_until(&bench, 5, c->tmf_told);
	assert_int_equal(c->tmf_code, 0);
	assert_int_equal(c->tmf_rsp, SRP_RSP_CODE_OK);
	assert_true(c->tmf_ns < 3 * NS_PER_S);
	assert_int_equal(cmd[0].c.code, -ECANCELED);
	client_tmf(c, SRP_TMF_LUN_RESET, 0, NULL);
	bench_until(&bench, 5, c->tmf_told);
	assert_true(c->tmf_ns < 3 * NS_PER_S);
	/* What comes now may not overtake: it waits, and is told BUSY. */
	client_rw(c, &cmd[0], 0, true, 0, 16, 1, 0);
	bench_until(&bench, 10, cmd[0].done);
	assert_int_equal(cmd[0].c.code, 0);
	assert_int_equal(cmd[0].c.status, SCSI_BUSY);
	bench.rig.knobs[0].stuck = false;
	/* The session dies at last. What it had at the device lands late, and only then is the unit served again. */
	sim_backend_down(bench.rig.backend[0]->target, false);
	for (int k = 0; k < 200; k++) {
		client_rw(c, &cmd[0], 0, true, 0, 16, 1, 0);
		bench_until(&bench, 10, cmd[0].done);
		if (cmd[0].c.status == 0)
			break;
		sim_run_for(bench.rig.w, 50 * NS_PER_MS);
	}
	assert_int_equal(cmd[0].c.status, 0);
	client_must_work(c, 0);
	assert_int_equal(client_info(c).protocol_errors, 0);
	client_free(c);
	bench_free(&bench);
}

static void test_unknown_task_and_function(void **state)
{
	struct rig_params p = bench_params();
	struct client *c;
	struct client_cmd done;

	(void)state;
	make(&p);
	c = login(0, 1);
	client_rw(c, &done, 0, false, 0, 1, 1, 0);
	bench_until(&bench, 5, done.done);
	/* It was answered: it can no longer act, so the function is complete. */
	client_tmf(c, SRP_TMF_ABORT_TASK, 0, &done);
	bench_until(&bench, 5, c->tmf_told);
	assert_int_equal(c->tmf_rsp, SRP_RSP_CODE_OK);
	client_tmf(c, 0x20, 0, NULL);
	bench_until(&bench, 5, c->tmf_told);
	assert_int_equal(c->tmf_rsp, SRP_RSP_CODE_TMF_NOT_SUPPORTED);
	client_tmf(c, SRP_TMF_LUN_RESET, 200, NULL);
	bench_until(&bench, 5, c->tmf_told);
	assert_int_equal(c->tmf_rsp, SRP_RSP_CODE_TMF_FAILED);
	client_free(c);
	bench_free(&bench);
}

/* Credits of aborted commands come back by CRED_REQ when nothing else carries them. */
static void test_credits_of_aborted_commands_come_back(void **state)
{
	struct rig_params p = bench_params();
	struct client *c;
	struct client_cmd cmd[12];

	(void)state;
	make(&p);
	c = login(0, 1);
	bench.rig.knobs[0].lost_ppm = 1000000;
	for (uint32_t k = 0; k < 12; k++)
		client_rw(c, &cmd[k], 0, false, 0, 1, 1, k * 4096);
	sim_run_for(bench.rig.w, 50 * NS_PER_MS);
	assert_int_equal(client_info(c).req_lim, 4);
	client_tmf(c, SRP_TMF_LUN_RESET, 0, NULL);
	bench_until(&bench, 5, c->tmf_told);
	for (uint32_t k = 0; k < 12; k++)
		assert_int_equal(cmd[k].c.code, -ECANCELED);
	bench.rig.knobs[0].lost_ppm = 0;
	bench_until(&bench, 5, client_info(c).req_lim == 16);
	assert_int_equal(client_info(c).protocol_errors, 0);
	client_must_work(c, 0);
	client_free(c);
	bench_free(&bench);
}

/* A stuck back-end with immediate writes may not take the receive buffers that another back-end's hosts need. */
static void test_immediate_data_under_pressure(void **state)
{
	struct rig_params p = bench_params();
	struct client *c[4];
	struct client_cmd cmd[4][14];
	struct sim_stats st;

	(void)state;
	p.n_backends = 2;
	p.disks_per_backend = 1;
	p.n_spare_rx = 2;
	make(&p);
	for (uint32_t k = 0; k < 4; k++)
		c[k] = login(k, 1);
	for (uint32_t k = 0; k < 4; k++)
		client_must_work(c[k], 0);
	bench.rig.knobs[0].stuck = true;
	for (uint32_t k = 0; k < 4; k++)
		for (uint32_t n = 0; n < 14; n++)
			client_rw(c[k], &cmd[k][n], 0, true, k * 512 + n * 16, 8, 1, 65536 + n * 4096);
	sim_run_for(bench.rig.w, 100 * NS_PER_MS);
	for (uint32_t k = 0; k < 4; k++) {
		assert_int_equal(client_info(c[k]).n_outstanding, 14);
		client_must_work(c[k], 1);
	}
	sim_stats(bench.rig.w, &st);
	assert_int_equal(st.rnr, 0);
	assert_true(st.n_rx_held <= 4 * 3);
	for (uint32_t k = 0; k < 4; k++)
		client_free(c[k]);
	bench_free(&bench);
}

static void test_lost_session_is_built_anew(void **state)
{
	struct rig_params p = bench_params();
	struct client *c;
	struct client_cmd cmd;

	(void)state;
	p.hold_ms = 5000;
	p.retry_ms = 20;
	make(&p);
	ledger_allow_asc(bench.rig.ledger, 0x29);
	c = login(0, 1);
	client_must_work(c, 0);
	for (int k = 0; k < 20; k++) {
		sim_backend_down(bench.rig.backend[0]->target, false);
		/* Held, not refused: the path is back within the hold time. */
		client_rw(c, &cmd, 0, false, 0, 1, 1, 0);
		bench_until(&bench, 10, cmd.done);
		assert_int_equal(cmd.c.code, 0);
		assert_true(cmd.c.status == 0 || cmd.c.status == SCSI_CHECK_CONDITION || cmd.c.status == SCSI_BUSY);
	}
	client_must_work(c, 0);
	bench.rig.knobs[0].attach_fail_ppm = 1000000;
	sim_backend_down(bench.rig.backend[0]->target, false);
	sim_run_for(bench.rig.w, 100 * NS_PER_MS);
	client_rw(c, &cmd, 0, false, 0, 1, 1, 0);
	bench_until(&bench, 10, cmd.done);
	assert_int_equal(cmd.c.status, SCSI_BUSY); /* never ABORTED COMMAND, which a host retries five times and gives up */
	bench.rig.knobs[0].attach_fail_ppm = 0;
	bench_until(&bench, 30, rig_status(&bench.rig)->n_path && !strcmp(bench.rig.status->path[0].state, "up"));
	sim_run_for(bench.rig.w, 10 * NS_PER_MS);
	client_rw(c, &cmd, 0, false, 0, 1, 1, 0);
	bench_until(&bench, 10, cmd.done);
	client_must_work(c, 0);
	client_free(c);
	bench_free(&bench);
}

/* ---- losses on the fabric ---- */

static void test_dead_host_comes_back(void **state)
{
	struct rig_params p = bench_params();
	struct client *dead, *reborn;

	(void)state;
	make(&p);
	dead = login(0, 2);
	client_must_work(dead, 0);
	sim_fabric_silence(dead->f);
	sim_run_for(bench.rig.w, 30 * NS_PER_S);
	/* The same host after a reboot: its old channels are dead, its new login must not wait for them for long. */
	reborn = login(0, 2);
	assert_int_equal(client_info(reborn).multi_result, SRP_RSP_MULTI_TERMINATED);
	clear_unit_attention(reborn, 0);
	client_must_work(reborn, 0);
	assert_int_equal(rig_status(&bench.rig)->n_session, 1);
	client_free(reborn);
	client_free(dead);
	bench_free(&bench);
}

static void test_device_removal_under_load(void **state)
{
	struct rig_params p = bench_params();
	struct client *c;
	struct client_cmd cmd[8];

	(void)state;
	p.knobs.delay_ns = 5 * NS_PER_MS;
	make(&p);
	c = login(0, 3);
	for (uint32_t k = 0; k < 8; k++)
		client_rw(c, &cmd[k], k & 1, k & 2, k * 64, 64, 7, k * 32768);
	sim_run_for(bench.rig.w, 2 * NS_PER_MS);
	sim_fabric_remove_device(bench.rig.gw);
	for (uint32_t k = 0; k < 8; k++)
		bench_until(&bench, 5, cmd[k].done);
	assert_true(c->lost);
	bench_until(&bench, 10, rig_status(&bench.rig)->n_session == 0);
	client_free(c);
	bench_free(&bench);
}

static void test_i_logout_kick_and_drain(void **state)
{
	struct rig_params p = bench_params();
	struct client *c;

	(void)state;
	make(&p);
	c = login(0, 2);
	initiator_logout(c->i, true, NULL, NULL);
	sim_run_for(bench.rig.w, 100 * NS_PER_MS); /* far less than the second after which the initiator gives up waiting */
	assert_int_equal(client_info(c).n_live, 0);
	assert_int_equal(client_info(c).protocol_errors, 0);
	c->code = -1;
	client_free(c);

	c = login(1, 2);
	client_must_work(c, 0);
	assert_int_equal(core_kick(bench.rig.core, rig_status(&bench.rig)->session[0].id, NULL, NULL), 0);
	bench_until(&bench, 5, c->lost);
	assert_true(client_info(c).t_logouts >= 1);
	assert_int_equal(client_info(c).t_logout_reason, SRP_TLO_NONE);
	client_free(c);

	/* bench_free() drains: whoever is logged in is told. */
	c = login(2, 2);
	client_must_work(c, 1);
	core_drain(bench.rig.core, 5000, NULL, NULL);
	bench_until(&bench, 5, c->lost);
	assert_true(client_info(c).t_logouts >= 1);
	client_free(c);
	c = client_make(&bench, 3);
	assert_int_equal(client_login(c), -ECONNREFUSED);
	assert_int_equal(c->reject, SRP_REJ_INSUFFICIENT_RESOURCES);
	client_free(c);
	bench_free(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nexus_is_bound_to_its_address),
		cmocka_unit_test(test_hosts_without_an_identifier),
		cmocka_unit_test(test_channel_limits),
		cmocka_unit_test(test_single_login_replaces),
		cmocka_unit_test(test_login_storm),
		cmocka_unit_test(test_logins_at_once),
		cmocka_unit_test(test_task_management_answers_within_three_seconds),
		cmocka_unit_test(test_unknown_task_and_function),
		cmocka_unit_test(test_credits_of_aborted_commands_come_back),
		cmocka_unit_test(test_immediate_data_under_pressure),
		cmocka_unit_test(test_lost_session_is_built_anew),
		cmocka_unit_test(test_dead_host_comes_back),
		cmocka_unit_test(test_device_removal_under_load),
		cmocka_unit_test(test_i_logout_kick_and_drain),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
