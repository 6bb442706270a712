// SPDX-License-Identifier: BSD-3-Clause
/*
 * The small information units: task management, logouts, credit requests, asynchronous events.
 * Layer: proto. Knows base only.
 */
#include "srp_iu.h"
#include "srp_wire.h"

enum srp_error srp_tsk_mgmt_decode(const void *buf, size_t len, struct srp_tsk_mgmt *tm)
{
	const struct srp_tsk_mgmt_wire *w = buf;

	*tm = (struct srp_tsk_mgmt){ 0 };
	if (len < sizeof(*w))
		return SRP_ERR_SHORT;
	if (w->opcode != SRP_TSK_MGMT)
		return SRP_ERR_OPCODE;
	tm->tag = srp_tag_get(w->tag);
	tm->sol_not = w->sol_not & (SRP_SCSOLNT | SRP_UCSOLNT);
	memcpy(tm->lun, w->lun, sizeof(tm->lun));
	tm->function = w->function;
	tm->task_tag = srp_tag_get(w->task_tag);
	return SRP_OK;
}

size_t srp_tsk_mgmt_encode(const struct srp_tsk_mgmt *tm, void *buf, size_t cap)
{
	struct srp_tsk_mgmt_wire w = {
		.opcode = SRP_TSK_MGMT,
		.sol_not = tm->sol_not & (SRP_SCSOLNT | SRP_UCSOLNT),
		.function = tm->function,
	};

	if (cap < sizeof(w))
		return 0;
	srp_tag_put(w.tag, tm->tag);
	memcpy(w.lun, tm->lun, sizeof(w.lun));
	srp_tag_put(w.task_tag, tm->task_tag);
	memcpy(buf, &w, sizeof(w));
	return sizeof(w);
}

/* Return: SRP_OK when @buf holds a 16-byte IU with that opcode. */
static enum srp_error short_check(const struct srp_short_wire *w, size_t len, uint8_t opcode)
{
	if (len < sizeof(*w))
		return SRP_ERR_SHORT;
	return w->opcode == opcode ? SRP_OK : SRP_ERR_OPCODE;
}

static size_t short_encode(uint8_t opcode, uint8_t sol_not, uint32_t value, uint64_t tag, void *buf, size_t cap)
{
	struct srp_short_wire w = { .opcode = opcode, .sol_not = sol_not & SRP_SOLNT, .value = be32_make(value) };

	if (cap < sizeof(w))
		return 0;
	srp_tag_put(w.tag, tag);
	memcpy(buf, &w, sizeof(w));
	return sizeof(w);
}

enum srp_error srp_simple_decode(const void *buf, size_t len, uint8_t opcode, uint64_t *tag)
{
	const struct srp_short_wire *w = buf;
	enum srp_error e = short_check(w, len, opcode);

	*tag = e == SRP_OK ? srp_tag_get(w->tag) : 0;
	return e;
}

size_t srp_simple_encode(uint8_t opcode, uint64_t tag, void *buf, size_t cap)
{
	return short_encode(opcode, 0, 0, tag, buf, cap);
}

enum srp_error srp_t_logout_decode(const void *buf, size_t len, struct srp_t_logout *lo)
{
	const struct srp_short_wire *w = buf;
	enum srp_error e = short_check(w, len, SRP_T_LOGOUT);

	*lo = (struct srp_t_logout){ 0 };
	if (e != SRP_OK)
		return e;
	lo->tag = srp_tag_get(w->tag);
	lo->sol_not = w->sol_not & SRP_SOLNT;
	lo->reason = be32_get(w->value);
	return SRP_OK;
}

size_t srp_t_logout_encode(const struct srp_t_logout *lo, void *buf, size_t cap)
{
	return short_encode(SRP_T_LOGOUT, lo->sol_not, lo->reason, lo->tag, buf, cap);
}

enum srp_error srp_cred_req_decode(const void *buf, size_t len, struct srp_cred_req *cr)
{
	const struct srp_short_wire *w = buf;
	enum srp_error e = short_check(w, len, SRP_CRED_REQ);

	*cr = (struct srp_cred_req){ 0 };
	if (e != SRP_OK)
		return e;
	cr->tag = srp_tag_get(w->tag);
	cr->sol_not = w->sol_not & SRP_SOLNT;
	cr->req_lim_delta = (int32_t)be32_get(w->value);
	return SRP_OK;
}

size_t srp_cred_req_encode(const struct srp_cred_req *cr, void *buf, size_t cap)
{
	return short_encode(SRP_CRED_REQ, cr->sol_not, (uint32_t)cr->req_lim_delta, cr->tag, buf, cap);
}

enum srp_error srp_aer_req_decode(const void *buf, size_t len, struct srp_aer_req *ar)
{
	const struct srp_aer_req_wire *w = buf;
	uint32_t sense_len;

	*ar = (struct srp_aer_req){ 0 };
	if (len < sizeof(*w))
		return SRP_ERR_SHORT;
	if (w->opcode != SRP_AER_REQ)
		return SRP_ERR_OPCODE;
	ar->tag = srp_tag_get(w->tag);
	ar->sol_not = w->sol_not & SRP_SOLNT;
	ar->req_lim_delta = (int32_t)be32_get(w->req_lim_delta);
	memcpy(ar->lun, w->lun, sizeof(ar->lun));
	sense_len = be32_get(w->sense_len);
	if (sense_len > len - sizeof(*w))
		return SRP_ERR_SHORT;
	if (sense_len) {
		ar->sense = (const uint8_t *)buf + sizeof(*w);
		ar->sense_len = sense_len;
	}
	return SRP_OK;
}

size_t srp_aer_req_encode(const struct srp_aer_req *ar, void *buf, size_t cap)
{
	size_t sense_len = ar->sense ? ar->sense_len : 0;
	struct srp_aer_req_wire w = {
		.opcode = SRP_AER_REQ,
		.sol_not = ar->sol_not & SRP_SOLNT,
		.req_lim_delta = be32_make((uint32_t)ar->req_lim_delta),
		.sense_len = be32_make((uint32_t)sense_len),
	};

	if (cap < sizeof(w) || sense_len > cap - sizeof(w))
		return 0;
	srp_tag_put(w.tag, ar->tag);
	memcpy(w.lun, ar->lun, sizeof(w.lun));
	memcpy(buf, &w, sizeof(w));
	if (sense_len)
		memcpy((uint8_t *)buf + sizeof(w), ar->sense, sense_len);
	return sizeof(w) + sense_len;
}
