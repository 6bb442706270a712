/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decoded information units as text, one "name: value" line per member with every borrowed byte; and the table of IU
 * kinds: for each name the decoder, printer and encoder. For the golden files in tests/golden.
 */
#ifndef TESTS_PROTO_IU_TEXT_H
#define TESTS_PROTO_IU_TEXT_H

#include "../../../gateway/proto/srp_iu.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const srp_error_ids[] = {
	[SRP_OK] = "SRP_OK",
	[SRP_ERR_SHORT] = "SRP_ERR_SHORT",
	[SRP_ERR_OPCODE] = "SRP_ERR_OPCODE",
	[SRP_ERR_IU_LEN_SMALL] = "SRP_ERR_IU_LEN_SMALL",
	[SRP_ERR_MULTI_ACTION] = "SRP_ERR_MULTI_ACTION",
	[SRP_ERR_BUF_FORMAT] = "SRP_ERR_BUF_FORMAT",
	[SRP_ERR_ADD_CDB_RESERVED] = "SRP_ERR_ADD_CDB_RESERVED",
	[SRP_ERR_DATA_OUT_FORMAT] = "SRP_ERR_DATA_OUT_FORMAT",
	[SRP_ERR_DATA_IN_FORMAT] = "SRP_ERR_DATA_IN_FORMAT",
	[SRP_ERR_DESC_BOUNDS] = "SRP_ERR_DESC_BOUNDS",
	[SRP_ERR_IMM_BOUNDS] = "SRP_ERR_IMM_BOUNDS",
	[SRP_ERR_TABLE_LEN] = "SRP_ERR_TABLE_LEN",
	[SRP_ERR_DESC_SUM] = "SRP_ERR_DESC_SUM",
};
#define N_SRP_ERRORS (sizeof(srp_error_ids) / sizeof(srp_error_ids[0]))

/* What one decode and one encode gave. */
struct iu_result {
	enum srp_error error;
	uint8_t encoded[8192];
	size_t encoded_len; /* 0 unless decoding succeeded */
};

static inline void text_bytes(FILE *f, const char *name, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	fprintf(f, "%s:%s", name, len ? " " : "");
	for (size_t i = 0; i < len; i++)
		fprintf(f, "%02x", p[i]);
	fputc('\n', f);
}

static inline bool text_error(FILE *f, enum srp_error e)
{
	if (e != SRP_OK)
		fprintf(f, "error: %s\n", srp_error_ids[e]);
	return e == SRP_OK;
}

static inline void text_mdesc(FILE *f, const char *name, struct srp_mdesc d)
{
	fprintf(f, "%s: va=%016" PRIx64 " rkey=%08" PRIx32 " len=%" PRIu32 "\n", name, d.va, d.rkey, d.len_bytes);
}

static inline void text_login_req(FILE *f, const uint8_t *buf, size_t len, enum srp_login_form form,
				  struct iu_result *r)
{
	struct srp_login_req q;

	r->error = srp_login_req_decode(buf, len, form, &q);
	text_error(f, r->error); /* the members are printed either way: they are promised */
	text_bytes(f, "tag", &q.tag, sizeof(q.tag));
	fprintf(f, "req_it_iu_len: %" PRIu32 "\nbuf_fmt: 0x%04x\nreq_flags: 0x%02x\nimm_data_offset: %u\n",
		q.req_it_iu_len, q.buf_fmt, q.req_flags, q.imm_data_offset);
	text_bytes(f, "i_port_id", q.i_port_id, sizeof(q.i_port_id));
	text_bytes(f, "t_port_id", q.t_port_id, sizeof(q.t_port_id));
	if (r->error == SRP_OK)
		r->encoded_len = srp_login_req_encode(&q, form, r->encoded, sizeof(r->encoded));
}

static inline void iu_login_req(FILE *f, const uint8_t *buf, size_t len, const struct srp_terms *t,
				struct iu_result *r)
{
	(void)t;
	text_login_req(f, buf, len, SRP_LOGIN_FORM_NATIVE, r);
}

static inline void iu_login_req_rdma(FILE *f, const uint8_t *buf, size_t len, const struct srp_terms *t,
				     struct iu_result *r)
{
	(void)t;
	text_login_req(f, buf, len, SRP_LOGIN_FORM_RDMA_CM, r);
}

static inline void iu_login_rsp(FILE *f, const uint8_t *buf, size_t len, const struct srp_terms *t,
				struct iu_result *r)
{
	struct srp_login_rsp q;

	(void)t;
	r->error = srp_login_rsp_decode(buf, len, &q);
	if (!text_error(f, r->error))
		return;
	fprintf(f, "req_lim_delta: %" PRIu32 "\n", q.req_lim_delta);
	text_bytes(f, "tag", &q.tag, sizeof(q.tag));
	fprintf(f, "max_it_iu_len: %" PRIu32 "\nmax_ti_iu_len: %" PRIu32 "\nbuf_fmt: 0x%04x\nrsp_flags: 0x%02x\n",
		q.max_it_iu_len, q.max_ti_iu_len, q.buf_fmt, q.rsp_flags);
	r->encoded_len = srp_login_rsp_encode(&q, r->encoded, sizeof(r->encoded));
}

static inline void iu_login_rej(FILE *f, const uint8_t *buf, size_t len, const struct srp_terms *t,
				struct iu_result *r)
{
	struct srp_login_rej q;

	(void)t;
	r->error = srp_login_rej_decode(buf, len, &q);
	if (!text_error(f, r->error))
		return;
	fprintf(f, "reason: 0x%08" PRIx32 " %s\n", q.reason, srp_rej_reason_name(q.reason));
	text_bytes(f, "tag", &q.tag, sizeof(q.tag));
	fprintf(f, "buf_fmt: 0x%04x\n", q.buf_fmt);
	r->encoded_len = srp_login_rej_encode(&q, r->encoded, sizeof(r->encoded));
}

static inline void text_data(FILE *f, const char *name, const struct srp_data *d)
{
	static const char *const formats[] = {
		[SRP_FMT_NONE] = "none",
		[SRP_FMT_DIRECT] = "direct",
		[SRP_FMT_INDIRECT] = "indirect",
		[SRP_FMT_IMMEDIATE] = "immediate",
	};
	char member[64];

	fprintf(f, "%s: %s\n", name, formats[d->fmt]);
	if (d->fmt == SRP_FMT_NONE)
		return;
	fprintf(f, "%s.len_bytes: %" PRIu32 "\n%s.n_desc: %" PRIu32 "\n", name, d->len_bytes, name, d->n_desc);
	for (uint32_t i = 0; i < d->n_desc; i++) {
		snprintf(member, sizeof(member), "%s.desc[%" PRIu32 "]", name, i);
		text_mdesc(f, member, srp_mdesc_get(d->desc + (size_t)i * SRP_MDESC_LEN));
	}
	if (d->fmt == SRP_FMT_INDIRECT) {
		snprintf(member, sizeof(member), "%s.table", name);
		text_mdesc(f, member, d->table);
		fprintf(f, "%s.n_table: %" PRIu32 "\n", name, d->n_table);
	}
	if (d->fmt == SRP_FMT_IMMEDIATE) {
		snprintf(member, sizeof(member), "%s.imm", name);
		text_bytes(f, member, d->imm, d->len_bytes);
	}
}

static inline bool answered_by_rsp(enum srp_error e)
{
	return e == SRP_ERR_ADD_CDB_RESERVED || e == SRP_ERR_TABLE_LEN || e == SRP_ERR_DESC_SUM;
}

static inline void iu_cmd(FILE *f, const uint8_t *buf, size_t len, const struct srp_terms *t, struct iu_result *r)
{
	struct srp_cmd q;

	r->error = srp_cmd_decode(buf, len, t, &q);
	if (!text_error(f, r->error) && !answered_by_rsp(r->error))
		return;
	text_bytes(f, "tag", &q.tag, sizeof(q.tag));
	fprintf(f, "sol_not: 0x%02x\n", q.sol_not);
	text_bytes(f, "lun", q.lun, sizeof(q.lun));
	if (r->error != SRP_OK)
		return;
	fprintf(f, "task_attr: %u\ncdb_len: %u\n", q.task_attr, q.cdb_len);
	text_bytes(f, "cdb", q.cdb, q.cdb_len);
	text_data(f, "data_out", &q.data_out);
	text_data(f, "data_in", &q.data_in);
	r->encoded_len = srp_cmd_encode(&q, t->imm_data_offset, true, r->encoded, sizeof(r->encoded));
}

static inline void iu_tsk_mgmt(FILE *f, const uint8_t *buf, size_t len, const struct srp_terms *t,
			       struct iu_result *r)
{
	struct srp_tsk_mgmt q;

	(void)t;
	r->error = srp_tsk_mgmt_decode(buf, len, &q);
	if (!text_error(f, r->error))
		return;
	text_bytes(f, "tag", &q.tag, sizeof(q.tag));
	fprintf(f, "sol_not: 0x%02x\n", q.sol_not);
	text_bytes(f, "lun", q.lun, sizeof(q.lun));
	fprintf(f, "function: 0x%02x\n", q.function);
	text_bytes(f, "task_tag", &q.task_tag, sizeof(q.task_tag));
	r->encoded_len = srp_tsk_mgmt_encode(&q, r->encoded, sizeof(r->encoded));
}

static inline void iu_rsp(FILE *f, const uint8_t *buf, size_t len, const struct srp_terms *t, struct iu_result *r)
{
	struct srp_rsp q;

	(void)t;
	r->error = srp_rsp_decode(buf, len, &q);
	if (!text_error(f, r->error))
		return;
	text_bytes(f, "tag", &q.tag, sizeof(q.tag));
	fprintf(f, "sol_not: %u\nreq_lim_delta: %" PRId32 "\nflags: 0x%02x\nstatus: 0x%02x\n", q.sol_not,
		q.req_lim_delta, q.flags, q.status);
	fprintf(f, "data_out_resid: %" PRIu32 "\ndata_in_resid: %" PRIu32 "\n", q.data_out_resid, q.data_in_resid);
	if (q.has_rsp_code)
		fprintf(f, "rsp_code: %u\n", q.rsp_code);
	else
		fprintf(f, "rsp_code: none\n");
	fprintf(f, "sense_len: %" PRIu32 "\n", q.sense_len);
	if (q.sense_len)
		text_bytes(f, "sense", q.sense, q.sense_len);
	r->encoded_len = srp_rsp_encode(&q, r->encoded, sizeof(r->encoded));
}

static inline void text_simple(FILE *f, const uint8_t *buf, size_t len, uint8_t opcode, struct iu_result *r)
{
	uint64_t tag;

	r->error = srp_simple_decode(buf, len, opcode, &tag);
	if (!text_error(f, r->error))
		return;
	text_bytes(f, "tag", &tag, sizeof(tag));
	r->encoded_len = srp_simple_encode(opcode, tag, r->encoded, sizeof(r->encoded));
}

static inline void iu_i_logout(FILE *f, const uint8_t *buf, size_t len, const struct srp_terms *t,
			       struct iu_result *r)
{
	(void)t;
	text_simple(f, buf, len, SRP_I_LOGOUT, r);
}

static inline void iu_cred_rsp(FILE *f, const uint8_t *buf, size_t len, const struct srp_terms *t,
			       struct iu_result *r)
{
	(void)t;
	text_simple(f, buf, len, SRP_CRED_RSP, r);
}

static inline void iu_aer_rsp(FILE *f, const uint8_t *buf, size_t len, const struct srp_terms *t, struct iu_result *r)
{
	(void)t;
	text_simple(f, buf, len, SRP_AER_RSP, r);
}

static inline void iu_t_logout(FILE *f, const uint8_t *buf, size_t len, const struct srp_terms *t,
			       struct iu_result *r)
{
	struct srp_t_logout q;

	(void)t;
	r->error = srp_t_logout_decode(buf, len, &q);
	if (!text_error(f, r->error))
		return;
	text_bytes(f, "tag", &q.tag, sizeof(q.tag));
	fprintf(f, "sol_not: %u\nreason: %" PRIu32 " %s\n", q.sol_not, q.reason, srp_t_logout_reason_name(q.reason));
	r->encoded_len = srp_t_logout_encode(&q, r->encoded, sizeof(r->encoded));
}

static inline void iu_cred_req(FILE *f, const uint8_t *buf, size_t len, const struct srp_terms *t,
			       struct iu_result *r)
{
	struct srp_cred_req q;

	(void)t;
	r->error = srp_cred_req_decode(buf, len, &q);
	if (!text_error(f, r->error))
		return;
	text_bytes(f, "tag", &q.tag, sizeof(q.tag));
	fprintf(f, "sol_not: %u\nreq_lim_delta: %" PRId32 "\n", q.sol_not, q.req_lim_delta);
	r->encoded_len = srp_cred_req_encode(&q, r->encoded, sizeof(r->encoded));
}

static inline void iu_aer_req(FILE *f, const uint8_t *buf, size_t len, const struct srp_terms *t, struct iu_result *r)
{
	struct srp_aer_req q;

	(void)t;
	r->error = srp_aer_req_decode(buf, len, &q);
	if (!text_error(f, r->error))
		return;
	text_bytes(f, "tag", &q.tag, sizeof(q.tag));
	fprintf(f, "sol_not: %u\nreq_lim_delta: %" PRId32 "\n", q.sol_not, q.req_lim_delta);
	text_bytes(f, "lun", q.lun, sizeof(q.lun));
	fprintf(f, "sense_len: %" PRIu32 "\n", q.sense_len);
	if (q.sense_len)
		text_bytes(f, "sense", q.sense, q.sense_len);
	r->encoded_len = srp_aer_req_encode(&q, r->encoded, sizeof(r->encoded));
}

/* Decodes @buf, prints to @f what came of it and encodes it again. @terms counts for a CMD only. */
struct iu_kind {
	const char *name; /* folder below tests/golden */
	void (*run)(FILE *f, const uint8_t *buf, size_t len, const struct srp_terms *terms, struct iu_result *r);
};

static const struct iu_kind iu_kinds[] = {
	{ "login_req", iu_login_req },
	{ "login_req_rdma", iu_login_req_rdma },
	{ "login_rsp", iu_login_rsp },
	{ "login_rej", iu_login_rej },
	{ "tsk_mgmt", iu_tsk_mgmt },
	{ "cmd", iu_cmd },
	{ "rsp", iu_rsp },
	{ "i_logout", iu_i_logout },
	{ "cred_rsp", iu_cred_rsp },
	{ "aer_rsp", iu_aer_rsp },
	{ "t_logout", iu_t_logout },
	{ "cred_req", iu_cred_req },
	{ "aer_req", iu_aer_req },
};
#define N_IU_KINDS (sizeof(iu_kinds) / sizeof(iu_kinds[0]))

#endif
