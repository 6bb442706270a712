/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Do two decoded information units say the same, with the bytes that they borrow? For the tests and fuzzers of proto.
 */
#ifndef TESTS_PROTO_IU_EQUAL_H
#define TESTS_PROTO_IU_EQUAL_H

#include "../../../gateway/proto/srp_iu.h"

#include <string.h>

static inline bool bytes_equal(const void *a, const void *b, size_t len)
{
	return !len || (a && b && memcmp(a, b, len) == 0);
}

static inline bool login_req_equal(const struct srp_login_req *a, const struct srp_login_req *b)
{
	return a->tag == b->tag && a->req_it_iu_len == b->req_it_iu_len && a->buf_fmt == b->buf_fmt &&
	       a->req_flags == b->req_flags && a->imm_data_offset == b->imm_data_offset &&
	       bytes_equal(a->i_port_id, b->i_port_id, sizeof(a->i_port_id)) &&
	       bytes_equal(a->t_port_id, b->t_port_id, sizeof(a->t_port_id));
}

static inline bool login_rsp_equal(const struct srp_login_rsp *a, const struct srp_login_rsp *b)
{
	return a->req_lim_delta == b->req_lim_delta && a->tag == b->tag && a->max_it_iu_len == b->max_it_iu_len &&
	       a->max_ti_iu_len == b->max_ti_iu_len && a->buf_fmt == b->buf_fmt && a->rsp_flags == b->rsp_flags;
}

static inline bool login_rej_equal(const struct srp_login_rej *a, const struct srp_login_rej *b)
{
	return a->reason == b->reason && a->tag == b->tag && a->buf_fmt == b->buf_fmt;
}

static inline bool data_equal(const struct srp_data *a, const struct srp_data *b)
{
	if (a->fmt != b->fmt || a->len_bytes != b->len_bytes || a->n_desc != b->n_desc || a->n_table != b->n_table)
		return false;
	if (a->table.va != b->table.va || a->table.rkey != b->table.rkey || a->table.len_bytes != b->table.len_bytes)
		return false;
	return bytes_equal(a->desc, b->desc, (size_t)a->n_desc * SRP_MDESC_LEN) &&
	       (a->fmt != SRP_FMT_IMMEDIATE || bytes_equal(a->imm, b->imm, a->len_bytes));
}

static inline bool cmd_equal(const struct srp_cmd *a, const struct srp_cmd *b)
{
	return a->tag == b->tag && a->sol_not == b->sol_not && bytes_equal(a->lun, b->lun, sizeof(a->lun)) &&
	       a->task_attr == b->task_attr && a->cdb_len == b->cdb_len && bytes_equal(a->cdb, b->cdb, a->cdb_len) &&
	       data_equal(&a->data_out, &b->data_out) && data_equal(&a->data_in, &b->data_in);
}

static inline bool tsk_mgmt_equal(const struct srp_tsk_mgmt *a, const struct srp_tsk_mgmt *b)
{
	return a->tag == b->tag && a->sol_not == b->sol_not && bytes_equal(a->lun, b->lun, sizeof(a->lun)) &&
	       a->function == b->function && a->task_tag == b->task_tag;
}

static inline bool rsp_equal(const struct srp_rsp *a, const struct srp_rsp *b)
{
	return a->tag == b->tag && a->sol_not == b->sol_not && a->req_lim_delta == b->req_lim_delta &&
	       a->flags == b->flags && a->status == b->status && a->data_out_resid == b->data_out_resid &&
	       a->data_in_resid == b->data_in_resid && a->has_rsp_code == b->has_rsp_code &&
	       a->rsp_code == b->rsp_code && a->sense_len == b->sense_len &&
	       bytes_equal(a->sense, b->sense, a->sense_len);
}

static inline bool t_logout_equal(const struct srp_t_logout *a, const struct srp_t_logout *b)
{
	return a->tag == b->tag && a->sol_not == b->sol_not && a->reason == b->reason;
}

static inline bool cred_req_equal(const struct srp_cred_req *a, const struct srp_cred_req *b)
{
	return a->tag == b->tag && a->sol_not == b->sol_not && a->req_lim_delta == b->req_lim_delta;
}

static inline bool aer_req_equal(const struct srp_aer_req *a, const struct srp_aer_req *b)
{
	return a->tag == b->tag && a->sol_not == b->sol_not && a->req_lim_delta == b->req_lim_delta &&
	       bytes_equal(a->lun, b->lun, sizeof(a->lun)) && a->sense_len == b->sense_len &&
	       bytes_equal(a->sense, b->sense, a->sense_len);
}

#endif
