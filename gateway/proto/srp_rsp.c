// SPDX-License-Identifier: BSD-3-Clause
/*
 * RSP: status, residuals, response data, sense data, and the credits that come with them.
 * Layer: proto. Knows base only.
 */
#include "srp_iu.h"
#include "srp_wire.h"

#define RESID_FLAGS (SRP_RSP_DOOVER | SRP_RSP_DOUNDER | SRP_RSP_DIOVER | SRP_RSP_DIUNDER)

enum srp_error srp_rsp_decode(const void *buf, size_t len, struct srp_rsp *rsp)
{
	const struct srp_rsp_wire *w = buf;
	const uint8_t *data;
	uint32_t rsp_data_len, sense_len;

	*rsp = (struct srp_rsp){ 0 };
	if (len < sizeof(*w))
		return SRP_ERR_SHORT;
	if (w->opcode != SRP_RSP)
		return SRP_ERR_OPCODE;
	rsp->tag = srp_tag_get(w->tag);
	rsp->sol_not = w->sol_not & SRP_SOLNT;
	rsp->req_lim_delta = (int32_t)be32_get(w->req_lim_delta);
	rsp->flags = w->flags & RESID_FLAGS;
	rsp->status = w->status;
	rsp->data_out_resid = be32_get(w->data_out_resid);
	rsp->data_in_resid = be32_get(w->data_in_resid);

	/* A length counts only when its VALID bit is set. */
	rsp_data_len = w->flags & SRP_RSP_RSPVALID ? be32_get(w->rsp_data_len) : 0;
	sense_len = w->flags & SRP_RSP_SNSVALID ? be32_get(w->sense_len) : 0;
	if ((w->flags & SRP_RSP_RSPVALID && rsp_data_len < SRP_RSP_DATA_LEN) ||
	    (uint64_t)rsp_data_len + sense_len > len - sizeof(*w))
		return SRP_ERR_SHORT;
	data = (const uint8_t *)buf + sizeof(*w);
	if (rsp_data_len) {
		rsp->has_rsp_code = true;
		rsp->rsp_code = data[3];
	}
	if (sense_len) {
		rsp->sense = data + rsp_data_len;
		rsp->sense_len = sense_len;
	}
	return SRP_OK;
}

size_t srp_rsp_encode(const struct srp_rsp *rsp, void *buf, size_t cap)
{
	size_t rsp_data_len = rsp->has_rsp_code ? SRP_RSP_DATA_LEN : 0;
	size_t sense_at = SRP_RSP_LEN + rsp_data_len;
	size_t sense_len = rsp->sense ? rsp->sense_len : 0;
	struct srp_rsp_wire w = { .opcode = SRP_RSP };
	uint8_t *iu = buf;

	if (cap < sense_at)
		return 0;
	if (sense_len > cap - sense_at)
		sense_len = cap - sense_at;

	w.sol_not = rsp->sol_not & SRP_SOLNT;
	w.req_lim_delta = be32_make((uint32_t)rsp->req_lim_delta);
	srp_tag_put(w.tag, rsp->tag);
	w.flags = (uint8_t)((rsp->flags & RESID_FLAGS) | (rsp_data_len ? SRP_RSP_RSPVALID : 0) |
			    (sense_len ? SRP_RSP_SNSVALID : 0));
	w.status = rsp->status;
	w.data_out_resid = be32_make(rsp->data_out_resid);
	w.data_in_resid = be32_make(rsp->data_in_resid);
	w.sense_len = be32_make((uint32_t)sense_len);
	w.rsp_data_len = be32_make((uint32_t)rsp_data_len);

	memcpy(iu, &w, sizeof(w));
	if (rsp_data_len) {
		uint8_t rsp_data[SRP_RSP_DATA_LEN] = { 0, 0, 0, rsp->rsp_code };

		memcpy(iu + sizeof(w), rsp_data, sizeof(rsp_data));
	}
	if (sense_len)
		memcpy(iu + sense_at, rsp->sense, sense_len);
	return sense_at + sense_len;
}
