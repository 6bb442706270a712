/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of outcome.h as data, and its rows as text.
 * Layer: core. Knows proto.
 */
#include "outcome.h"

#include "../proto/srp_iu.h"

#include <stdio.h>

#define VALUE_REJECT(v) (v)
#define VALUE_LOGOUT(v) (v)
#define VALUE_CLOSE(v) (v)
#define VALUE_CODE(v) (v)
#define VALUE_STATUS(v) (v)
#define VALUE_SENSE(v) SCSI_CHECK_CONDITION
#define KEY_REJECT(v) 0
#define KEY_LOGOUT(v) 0
#define KEY_CLOSE(v) 0
#define KEY_CODE(v) 0
#define KEY_STATUS(v) 0
#define KEY_SENSE(v) (v)

static const struct outcome_row rows[OUTCOME_COUNT] = {
	[OUTCOME_OK] = { "OK", OUTCOME_STATUS, SCSI_GOOD, { 0, 0, 0 }, "nothing to refuse", "" },
#define ROW(n, k, v, asc, ascq, what, src) \
	[OUTCOME_##n] = { #n, OUTCOME_##k, VALUE_##k(v), { KEY_##k(v), asc, ascq }, what, src },
	OUTCOMES(ROW)
#undef ROW
};

const struct outcome_row *outcome_row(enum outcome o)
{
	return &rows[(unsigned)o < OUTCOME_COUNT ? o : OUTCOME_INTERNAL];
}

const char *outcome_answer(enum outcome o, char *buf, size_t cap)
{
	const struct outcome_row *r = outcome_row(o);

	switch (r->kind) {
	case OUTCOME_REJECT:
		snprintf(buf, cap, "LOGIN_REJ 0x%08x", r->value);
		break;
	case OUTCOME_LOGOUT:
		snprintf(buf, cap, "T_LOGOUT %u, disconnect", r->value);
		break;
	case OUTCOME_CLOSE:
		snprintf(buf, cap, "disconnect");
		break;
	case OUTCOME_CODE:
		snprintf(buf, cap, "RSP, response code %u", r->value);
		break;
	case OUTCOME_STATUS:
		snprintf(buf, cap, "RSP, status %02Xh", r->value);
		break;
	case OUTCOME_SENSE:
		snprintf(buf, cap, "RSP, CHECK CONDITION %02X/%02X/%02X", r->sense.key, r->sense.asc, r->sense.ascq);
		break;
	}
	return buf;
}
