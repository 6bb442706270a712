// SPDX-License-Identifier: BSD-3-Clause
/*
 * LOGIN_REQ, LOGIN_RSP, LOGIN_REJ: the information units that travel in the connection manager's private data.
 * Whether a login is welcome is decided above. Layer: proto. Knows base only.
 */
#include "srp_iu.h"
#include "srp_wire.h"

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Both forms copy what arrived over zeros, so that a short login still gives its tag to the reject. */
static uint8_t login_req_read_native(const void *buf, size_t len, struct srp_login_req *req)
{
	struct srp_login_req_wire w = { 0 };

	if (len)
		memcpy(&w, buf, min_size(len, sizeof(w)));
	req->tag = srp_tag_get(w.tag);
	req->req_it_iu_len = be32_get(w.req_it_iu_len);
	req->buf_fmt = be16_get(w.buf_fmt);
	req->req_flags = w.req_flags;
	req->imm_data_offset = be16_get(w.imm_data_offset);
	memcpy(req->i_port_id, w.i_port_id, sizeof(req->i_port_id));
	memcpy(req->t_port_id, w.t_port_id, sizeof(req->t_port_id));
	return w.opcode;
}

static uint8_t login_req_read_rdma(const void *buf, size_t len, struct srp_login_req *req)
{
	struct srp_login_req_rdma_wire w = { 0 };

	if (len)
		memcpy(&w, buf, min_size(len, sizeof(w)));
	req->tag = srp_tag_get(w.tag);
	req->req_it_iu_len = be32_get(w.req_it_iu_len);
	req->buf_fmt = be16_get(w.buf_fmt);
	req->req_flags = w.req_flags;
	/* half an offset is none: a 49-byte login is an old one with a stray byte */
	if (len >= offsetof(struct srp_login_req_rdma_wire, rsv50))
		req->imm_data_offset = be16_get(w.imm_data_offset);
	memcpy(req->i_port_id, w.i_port_id, sizeof(req->i_port_id));
	memcpy(req->t_port_id, w.t_port_id, sizeof(req->t_port_id));
	return w.opcode;
}

enum srp_error srp_login_req_decode(const void *buf, size_t len, enum srp_login_form form, struct srp_login_req *req)
{
	bool rdma = form == SRP_LOGIN_FORM_RDMA_CM;
	uint8_t opcode, multi;

	*req = (struct srp_login_req){ 0 };
	opcode = rdma ? login_req_read_rdma(buf, len, req) : login_req_read_native(buf, len, req);
	if (len < (rdma ? SRP_LOGIN_REQ_RDMA_OLD_LEN : SRP_LOGIN_REQ_LEN))
		return SRP_ERR_SHORT;
	if (opcode != SRP_LOGIN_REQ)
		return SRP_ERR_OPCODE;
	if (req->req_it_iu_len < SRP_IU_MIN)
		return SRP_ERR_IU_LEN_SMALL;
	multi = req->req_flags & SRP_MULTI_MASK;
	if (multi != SRP_MULTI_SINGLE && multi != SRP_MULTI_MULTI)
		return SRP_ERR_MULTI_ACTION;
	if (!(req->buf_fmt & (SRP_BUF_DIRECT | SRP_BUF_INDIRECT)))
		return SRP_ERR_BUF_FORMAT;
	return SRP_OK;
}

static size_t login_req_write_native(const struct srp_login_req *req, void *buf, size_t cap)
{
	struct srp_login_req_wire w = {
		.opcode = SRP_LOGIN_REQ,
		.req_it_iu_len = be32_make(req->req_it_iu_len),
		.buf_fmt = be16_make(req->buf_fmt),
		.req_flags = req->req_flags,
		.imm_data_offset = be16_make(req->imm_data_offset),
	};

	if (cap < sizeof(w))
		return 0;
	srp_tag_put(w.tag, req->tag);
	memcpy(w.i_port_id, req->i_port_id, sizeof(w.i_port_id));
	memcpy(w.t_port_id, req->t_port_id, sizeof(w.t_port_id));
	memcpy(buf, &w, sizeof(w));
	return sizeof(w);
}

static size_t login_req_write_rdma(const struct srp_login_req *req, void *buf, size_t cap)
{
	struct srp_login_req_rdma_wire w = {
		.buf_fmt = be16_make(req->buf_fmt),
		.req_flags = req->req_flags,
		.opcode = SRP_LOGIN_REQ,
		.req_it_iu_len = be32_make(req->req_it_iu_len),
		.imm_data_offset = be16_make(req->imm_data_offset),
	};

	if (cap < sizeof(w))
		return 0;
	srp_tag_put(w.tag, req->tag);
	memcpy(w.i_port_id, req->i_port_id, sizeof(w.i_port_id));
	memcpy(w.t_port_id, req->t_port_id, sizeof(w.t_port_id));
	memcpy(buf, &w, sizeof(w));
	return sizeof(w);
}

size_t srp_login_req_encode(const struct srp_login_req *req, enum srp_login_form form, void *buf, size_t cap)
{
	return form == SRP_LOGIN_FORM_RDMA_CM ? login_req_write_rdma(req, buf, cap)
					      : login_req_write_native(req, buf, cap);
}

enum srp_error srp_login_rsp_decode(const void *buf, size_t len, struct srp_login_rsp *rsp)
{
	const struct srp_login_rsp_wire *w = buf;

	*rsp = (struct srp_login_rsp){ 0 };
	if (len < sizeof(*w))
		return SRP_ERR_SHORT;
	if (w->opcode != SRP_LOGIN_RSP)
		return SRP_ERR_OPCODE;
	rsp->req_lim_delta = be32_get(w->req_lim_delta);
	rsp->tag = srp_tag_get(w->tag);
	rsp->max_it_iu_len = be32_get(w->max_it_iu_len);
	rsp->max_ti_iu_len = be32_get(w->max_ti_iu_len);
	rsp->buf_fmt = be16_get(w->buf_fmt);
	rsp->rsp_flags = w->rsp_flags;
	return SRP_OK;
}

size_t srp_login_rsp_encode(const struct srp_login_rsp *rsp, void *buf, size_t cap)
{
	struct srp_login_rsp_wire w = {
		.opcode = SRP_LOGIN_RSP,
		.req_lim_delta = be32_make(rsp->req_lim_delta),
		.max_it_iu_len = be32_make(rsp->max_it_iu_len),
		.max_ti_iu_len = be32_make(rsp->max_ti_iu_len),
		.buf_fmt = be16_make(rsp->buf_fmt),
		.rsp_flags = rsp->rsp_flags,
	};

	if (cap < sizeof(w))
		return 0;
	srp_tag_put(w.tag, rsp->tag);
	memcpy(buf, &w, sizeof(w));
	return sizeof(w);
}

enum srp_error srp_login_rej_decode(const void *buf, size_t len, struct srp_login_rej *rej)
{
	const struct srp_login_rej_wire *w = buf;

	*rej = (struct srp_login_rej){ 0 };
	if (len < sizeof(*w))
		return SRP_ERR_SHORT;
	if (w->opcode != SRP_LOGIN_REJ)
		return SRP_ERR_OPCODE;
	rej->reason = be32_get(w->reason);
	rej->tag = srp_tag_get(w->tag);
	rej->buf_fmt = be16_get(w->buf_fmt);
	return SRP_OK;
}

size_t srp_login_rej_encode(const struct srp_login_rej *rej, void *buf, size_t cap)
{
	struct srp_login_rej_wire w = {
		.opcode = SRP_LOGIN_REJ,
		.reason = be32_make(rej->reason),
		.buf_fmt = be16_make(rej->buf_fmt),
	};

	if (cap < sizeof(w))
		return 0;
	srp_tag_put(w.tag, rej->tag);
	memcpy(buf, &w, sizeof(w));
	return sizeof(w);
}
