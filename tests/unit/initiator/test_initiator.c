/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The initiator library against a scripted target: login, credits, every form of data buffer, task management, logout.
 */
#include "target.h"

static struct initiator_cmd make_cmd(struct target *t, int dir, uint32_t len, uint32_t n_frag)
{
	struct initiator_cmd c = { .dir = dir, .buf = t->arena + 512, .len_bytes = len, .n_frag = n_frag, .done = cmd_done, .ctx = t };

	c.lun[1] = 3;
	c.cdb[0] = dir == INITIATOR_WRITE ? 0x2a : 0x28;
	return c;
}

static void answer(struct target *t, uint32_t ch, uint32_t iu, uint8_t status)
{
	struct srp_rsp rsp = { .req_lim_delta = 1, .status = status };

	memcpy(&rsp.tag, t->ch[ch].iu[iu] + 8, 8);
	target_rsp(t, ch, &rsp);
}

static void answer_tmf(struct target *t, uint32_t ch, uint32_t iu, uint8_t code)
{
	struct srp_rsp rsp = { .req_lim_delta = 1, .has_rsp_code = true, .rsp_code = code };

	memcpy(&rsp.tag, t->ch[ch].iu[iu] + 8, 8);
	target_rsp(t, ch, &rsp);
}

static void test_login_asks_for_what_it_should(void **state)
{
	struct target *t = target_make(1);
	struct initiator_params p = params_of(t);
	struct initiator_info info;

	(void)state;
	p.n_channels = 3;
	p.immediate_data = true;
	t->rsp_flags = SRP_RSP_IMMED_SUPP;
	target_login(t, &p);
	assert_int_equal(t->login_code, 0);
	assert_int_equal(t->n_ch, 3);
	for (uint32_t k = 0; k < 3; k++) {
		const struct srp_login_req *q = &t->ch[k].login;

		assert_int_equal(q->req_flags, SRP_LOGIN_IMMED_REQ | (k ? SRP_MULTI_MULTI : SRP_MULTI_SINGLE));
		assert_int_equal(q->imm_data_offset, 68);
		assert_int_equal(q->req_it_iu_len, 8260);
		assert_int_equal(q->buf_fmt, 6);
		assert_memory_equal(q->i_port_id, p.i_port_id, 16);
		assert_memory_equal(q->t_port_id, p.t_port_id, 16);
	}
	initiator_info(t->i, &info);
	assert_int_equal(info.n_channels, 3);
	assert_int_equal(info.req_lim_initial, 12);
	assert_int_equal(info.req_lim, 12);
	assert_true(info.immediate_data);
	assert_int_equal(info.max_ti_iu_len, 256);
	target_free(t, 0);
}

static void test_login_refused(void **state)
{
	struct target *t = target_make(2);
	struct initiator_params p = params_of(t);

	(void)state;
	t->refuse_from = 0;
	t->reject_reason = SRP_REJ_NO_NEXUS;
	target_login(t, &p);
	assert_int_equal(t->login_code, -ECONNREFUSED);
	assert_int_equal(t->login_reject, SRP_REJ_NO_NEXUS);
	assert_non_null(strstr(t->why, "00010003"));
	target_free(t, 0);

	/* A later channel: the nexus lives on with fewer. */
	t = target_make(3);
	p = params_of(t);
	p.n_channels = 4;
	t->refuse_from = 2;
	t->reject_reason = SRP_REJ_CHANNEL_LIMIT;
	target_login(t, &p);
	assert_int_equal(t->login_code, 0);
	assert_int_equal(t->login_reject, SRP_REJ_CHANNEL_LIMIT);
	target_free(t, 0);

	/* Nobody there at all. */
	t = target_make(4);
	p = params_of(t);
	p.dst = sim_addr(9, 1);
	target_login(t, &p);
	assert_int_equal(t->login_code, -ECONNREFUSED);
	assert_int_equal(t->login_reject, 0);
	target_free(t, 0);

	/* One request would leave none for task management. */
	t = target_make(5);
	p = params_of(t);
	t->grant = 1;
	target_login(t, &p);
	assert_int_equal(t->login_code, -EPROTO);
	target_free(t, 0);
}

static void test_one_credit_is_kept_for_task_management(void **state)
{
	struct target *t = target_make(6);
	struct initiator_params p = params_of(t);
	struct initiator_cmd c[6];
	struct initiator_info info;
	uint64_t task_tag;

	(void)state;
	target_login(t, &p);
	for (int k = 0; k < 6; k++) {
		c[k] = make_cmd(t, INITIATOR_READ, 512, 1);
		initiator_submit(t->i, &c[k]);
	}
	run(t);
	assert_int_equal(t->ch[0].n_iu, 3);
	initiator_info(t->i, &info);
	assert_int_equal(info.req_lim, 1);
	assert_int_equal(info.n_outstanding, 3);
	assert_int_equal(info.n_waiting, 3);
	assert_int_equal(initiator_tmf(t->i, 0, SRP_TMF_ABORT_TASK, c[1].lun, &c[1], tmf_done, t), 0);
	assert_int_equal(initiator_tmf(t->i, 0, SRP_TMF_LUN_RESET, c[1].lun, NULL, tmf_done, t), -EAGAIN);
	run(t);
	assert_int_equal(t->ch[0].n_iu, 4);
	assert_int_equal(t->ch[0].iu[3][0], SRP_TSK_MGMT);
	memcpy(&task_tag, t->ch[0].iu[3] + 32, 8);
	assert_memory_equal(&task_tag, t->ch[0].iu[1] + 8, 8);
	answer_tmf(t, 0, 3, SRP_RSP_CODE_OK);
	run(t);
	assert_int_equal(t->n_tmf, 1);
	assert_int_equal(t->tmf_rsp, SRP_RSP_CODE_OK);
	assert_int_equal(t->n_done, 1);
	assert_int_equal(c[1].code, -ECANCELED);
	answer(t, 0, 0, 0);
	answer(t, 0, 2, 2); /* CHECK CONDITION without sense: a protocol error */
	run(t);
	assert_int_equal(t->n_done, 3);
	assert_int_equal(c[2].status, 2);
	/* One credit of the aborted command is still owed: four in all, two are out, one is kept. */
	assert_int_equal(t->ch[0].n_iu, 6);
	target_free(t, 1);
}

static void test_every_form_of_data_buffer(void **state)
{
	struct target *t = target_make(7);
	struct initiator_params p = params_of(t);
	struct srp_terms terms = { .imm_granted = true, .imm_data_offset = 68, .max_table_entries = 2048, .formats_direct = true,
				   .formats_indirect = true };
	struct initiator_cmd c[6];
	struct srp_cmd cmd;

	(void)state;
	p.immediate_data = true;
	p.cmd_descs = 4;
	t->rsp_flags = SRP_RSP_IMMED_SUPP;
	t->grant = 32;
	target_login(t, &p);
	memset(t->arena + 512, 0x5a, 300);
	c[0] = make_cmd(t, INITIATOR_NONE, 0, 0);
	c[1] = make_cmd(t, INITIATOR_READ, 4096, 1);
	c[2] = make_cmd(t, INITIATOR_WRITE, 300, 1);   /* immediate */
	c[3] = make_cmd(t, INITIATOR_WRITE, 12000, 1); /* too long for that */
	c[4] = make_cmd(t, INITIATOR_READ, 1001, 3);   /* all in the IU */
	c[5] = make_cmd(t, INITIATOR_WRITE, 3000, 9);  /* four in the IU, all in the table */
	for (int k = 0; k < 6; k++)
		initiator_submit(t->i, &c[k]);
	run(t);
	assert_int_equal(t->ch[0].n_iu, 6);
	for (uint32_t k = 0; k < 6; k++) {
		assert_int_equal(srp_cmd_decode(t->ch[0].iu[k], t->ch[0].len[k], &terms, &cmd), SRP_OK);
		const struct srp_data *d = c[k].dir == INITIATOR_WRITE ? &cmd.data_out : &cmd.data_in;
		static const enum srp_fmt fmt[] = { SRP_FMT_NONE, SRP_FMT_DIRECT, SRP_FMT_IMMEDIATE, SRP_FMT_DIRECT, SRP_FMT_INDIRECT,
						    SRP_FMT_INDIRECT };
		static const uint32_t n_desc[] = { 0, 1, 0, 1, 3, 4 };

		assert_int_equal(d->fmt, fmt[k]);
		assert_int_equal(d->len_bytes, c[k].dir ? c[k].len_bytes : 0);
		assert_int_equal(d->n_desc, n_desc[k]);
		assert_memory_equal(cmd.lun, c[k].lun, 8);
		if (k == 2) {
			assert_int_equal(t->ch[0].len[k], 68 + 300);
			assert_memory_equal(d->imm, t->arena + 512, 300);
		}
		if (k == 5) {
			/* The table is there to be fetched, and describes it all. */
			assert_int_equal(d->n_table, 9);
			target_send_rdma(t, 0, NULL, 0, FABRIC_READ, d->table, 0);
			run(t);
			assert_int_equal(srp_table_check(t->mem, 9, 3000), SRP_OK);
			assert_int_equal(srp_mdesc_get(t->mem).va, (uint64_t)(uintptr_t)t->arena + 512);
		}
	}
	for (uint32_t k = 0; k < 6; k++)
		answer(t, 0, k, 0);
	run(t);
	assert_int_equal(t->n_done, 6);
	target_free(t, 0);
}

static void test_requests_of_the_target_are_answered(void **state)
{
	struct target *t = target_make(8);
	struct initiator_params p = params_of(t);
	struct srp_cred_req cr = { .tag = 0x1234, .req_lim_delta = 7 };
	struct srp_aer_req ar = { .tag = 0x5678, .req_lim_delta = -2, .sense = (const uint8_t *)"abc", .sense_len = 3 };
	struct srp_t_logout lo = { .tag = 1, .reason = SRP_TLO_INVALID_IU_LEN };
	struct initiator_info info;
	uint64_t tag;
	uint8_t iu[64];

	(void)state;
	target_login(t, &p);
	target_send(t, 0, iu, (uint32_t)srp_cred_req_encode(&cr, iu, sizeof(iu)));
	run(t);
	assert_int_equal(srp_simple_decode(t->ch[0].iu[0], t->ch[0].len[0], SRP_CRED_RSP, &tag), SRP_OK);
	assert_true(tag == 0x1234);
	target_send(t, 0, iu, (uint32_t)srp_aer_req_encode(&ar, iu, sizeof(iu)));
	run(t);
	assert_int_equal(srp_simple_decode(t->ch[0].iu[1], t->ch[0].len[1], SRP_AER_RSP, &tag), SRP_OK);
	assert_true(tag == 0x5678);
	initiator_info(t->i, &info);
	assert_int_equal(info.req_lim, 4 + 7 - 2);
	target_send(t, 0, iu, (uint32_t)srp_t_logout_encode(&lo, iu, sizeof(iu)));
	run(t);
	t->ch[0].conn->ops->close(t->ch[0].conn);
	run(t);
	initiator_info(t->i, &info);
	assert_int_equal(info.t_logouts, 1);
	assert_int_equal(info.t_logout_reason, SRP_TLO_INVALID_IU_LEN);
	assert_int_equal(t->n_lost, 1);
	target_free(t, 0);
}

/* LUN RESET ends what was sent before it on its channel. On the others it may have overtaken commands: they go on. */
static void test_lun_reset_over_channels(void **state)
{
	struct target *t = target_make(9);
	struct initiator_params p = params_of(t);
	struct initiator_cmd c[4];
	struct initiator_info info;

	(void)state;
	p.n_channels = 2;
	target_login(t, &p);
	for (int k = 0; k < 4; k++) {
		c[k] = make_cmd(t, INITIATOR_READ, 512, 1);
		c[k].channel = (uint32_t)k & 1;
		if (k == 2)
			c[k].lun[1] = 4;
		if (k == 3) {
			run(t);
			assert_int_equal(initiator_tmf(t->i, 0, SRP_TMF_LUN_RESET, c[0].lun, NULL, tmf_done, t), 0);
		}
		initiator_submit(t->i, &c[k]);
	}
	run(t);
	answer_tmf(t, 0, 2, SRP_RSP_CODE_OK);
	run(t);
	assert_int_equal(c[0].code, -ECANCELED);
	assert_int_equal(t->n_done, 1);
	answer(t, 1, 0, 0);
	run(t);
	assert_int_equal(c[1].code, 0);
	assert_int_equal(t->n_done, 2);
	initiator_info(t->i, &info);
	assert_int_equal(info.protocol_errors, 0);
	answer(t, 0, 1, 0);
	answer(t, 1, 1, 0);
	run(t);
	assert_int_equal(t->n_done, 4);
	assert_int_equal(c[2].code, 0);
	assert_int_equal(c[3].code, 0);
	answer(t, 0, 0, 0); /* it was told that this one can no longer act */
	run(t);
	target_free(t, 1);
}

static void test_abort_of_what_still_waits(void **state)
{
	struct target *t = target_make(10);
	struct initiator_params p = params_of(t);
	struct initiator_cmd c[5];

	(void)state;
	target_login(t, &p);
	for (int k = 0; k < 5; k++) {
		c[k] = make_cmd(t, INITIATOR_READ, 512, 1);
		initiator_submit(t->i, &c[k]);
	}
	assert_int_equal(initiator_tmf(t->i, 0, SRP_TMF_ABORT_TASK, c[4].lun, &c[4], tmf_done, t), 0);
	assert_int_equal(t->n_tmf, 0); /* never from inside */
	run(t);
	assert_int_equal(t->n_tmf, 1);
	assert_int_equal(t->n_done, 1);
	assert_int_equal(c[4].code, -ECANCELED);
	assert_int_equal(t->ch[0].n_iu, 3);
	target_free(t, 0);
	assert_int_equal(c[0].code, -ENOTCONN);
	assert_int_equal(c[3].code, -ENOTCONN);
}

static void test_logout_both_ways(void **state)
{
	(void)state;
	for (int polite = 0; polite < 2; polite++) {
		struct target *t = target_make(11 + (uint64_t)polite);
		struct initiator_params p = params_of(t);
		struct initiator_cmd c[8];

		p.n_channels = 2;
		target_login(t, &p);
		for (int k = 0; k < 8; k++) {
			c[k] = make_cmd(t, INITIATOR_READ, 512, 1);
			c[k].channel = UINT32_MAX;
			initiator_submit(t->i, &c[k]);
		}
		sim_run_for(t->w, sim_rand_below(t->w, 200000));
		initiator_logout(t->i, polite, logout_done, t);
		assert_int_equal(t->n_done, 0);
		run(t);
		assert_int_equal(t->n_out, 1);
		assert_int_equal(t->n_done, 8);
		for (int k = 0; k < 8; k++)
			assert_int_equal(c[k].code, -ENOTCONN);
		assert_int_equal(t->n_lost, 0);
		if (polite)
			assert_int_equal(t->ch[0].iu[t->ch[0].n_iu - 1][0], SRP_I_LOGOUT);
		t->login_code = -1; /* logged out already */
		target_free(t, 0);
	}
}

static void test_immediate_end_of_a_login(void **state)
{
	struct target *t = target_make(13);
	struct initiator_params p = params_of(t);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(initiator_create(&p, &t->i, &e), 0);
	assert_int_equal(initiator_login(t->i, &e), 0);
	initiator_logout(t->i, true, logout_done, t);
	run(t);
	assert_int_equal(t->n_logins, 1);
	assert_int_equal(t->login_code, -ECANCELED);
	assert_int_equal(t->n_out, 1);
	target_free(t, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login_asks_for_what_it_should),
		cmocka_unit_test(test_login_refused),
		cmocka_unit_test(test_one_credit_is_kept_for_task_management),
		cmocka_unit_test(test_every_form_of_data_buffer),
		cmocka_unit_test(test_requests_of_the_target_are_answered),
		cmocka_unit_test(test_lun_reset_over_channels),
		cmocka_unit_test(test_abort_of_what_still_waits),
		cmocka_unit_test(test_logout_both_ways),
		cmocka_unit_test(test_immediate_end_of_a_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
