/* SPDX-License-Identifier: BSD-3-Clause */
/* Terminate messages, see term.h. Layer: fabric/iwarp, pure. */
#include "term.h"

#include "../../base/be.h"
#include "ddp.h"
#include "rdmap.h"

#include <string.h>

enum { CTRL_LEN = 4, HDR_M = 0x80, HDR_D = 0x40, HDR_R = 0x20 };
/* Linux' siw fills in C bit fields, which lie the other way round on little-endian machines. */
enum { SIW_HDR_BITS = 0x07 };

struct cause_row {
	uint8_t layer, etype, code, hdr;
	const char *text;
};

static const struct cause_row rows[TERM_N_CAUSES] = {
	[TERM_NONE] = { 0, 0, 0, TERM_HDR_NONE, "no error" },
#define X(name, layer, etype, code, hdr, text) [TERM_##name] = { layer, etype, code, hdr, text },
	TERM_CAUSES(X)
#undef X
};

const char *term_text(enum term_cause cause)
{
	return (unsigned)cause < TERM_N_CAUSES ? rows[cause].text : "unknown";
}

size_t term_encode(enum term_cause cause, uint16_t ulpdu_len, const uint8_t *ddp, size_t ddp_len, const uint8_t *read,
		   uint8_t out[TERM_BODY_MAX])
{
	const struct cause_row *row = &rows[cause];
	size_t len = CTRL_LEN;
	struct be16 seg_len = be16_make(ulpdu_len);

	memset(out, 0, TERM_BODY_MAX);
	out[0] = (uint8_t)(row->layer << 4 | row->etype);
	out[1] = row->code;
	if (row->hdr == TERM_HDR_NONE || !ddp || ddp_len > DDP_UNTAGGED_LEN)
		return len;
	out[2] = HDR_M | HDR_D;
	memcpy(out + len, seg_len.b, sizeof(seg_len));
	len += sizeof(seg_len);
	memcpy(out + len, ddp, ddp_len);
	len += ddp_len;
	if (row->hdr == TERM_HDR_READ && read) {
		out[2] |= HDR_R;
		memcpy(out + len, read, RDMAP_READ_REQ_LEN);
		len += RDMAP_READ_REQ_LEN;
	}
	return len;
}

static enum term_cause cause_of(uint8_t layer, uint8_t etype, uint8_t code)
{
	for (int i = TERM_NONE + 1; i < TERM_N_CAUSES; i++) {
		if (rows[i].layer == layer && rows[i].etype == etype && rows[i].code == code)
			return (enum term_cause)i;
	}
	return TERM_NONE;
}

bool term_decode(const uint8_t *body, size_t len, struct term_msg *m)
{
	if (len < CTRL_LEN)
		return false;
	m->layer = body[0] >> 4;
	m->etype = body[0] & 0x0f;
	m->code = body[1];
	m->cause = cause_of(m->layer, m->etype, m->code);
	/* Without headers nothing betrays the order but that it makes no sense. */
	m->swapped = body[2] & SIW_HDR_BITS;
	if (m->cause == TERM_NONE && cause_of(m->etype, m->layer, m->code) != TERM_NONE)
		m->swapped = true;
	if (m->swapped) {
		m->layer = body[0] & 0x0f;
		m->etype = body[0] >> 4;
		m->cause = cause_of(m->layer, m->etype, m->code);
	}
	m->text = m->cause == TERM_NONE ? "unknown" : term_text(m->cause);
	return true;
}

bool term_is_remote_access(const struct term_msg *m)
{
	return (m->layer == 0 || m->layer == 1) && m->etype == 1;
}
