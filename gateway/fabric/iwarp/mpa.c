/* SPDX-License-Identifier: BSD-3-Clause */
/* MPA start-up frames, see mpa.h. Layer: fabric/iwarp, pure. */
#include "mpa.h"

#include "../../base/be.h"

#include <string.h>

enum { OFF_FLAGS = 16, OFF_REVISION = 17, OFF_PD_LEN = 18, KEY_LEN = 16 };
enum { WORD_A_OR_C = 0x8000, WORD_B_OR_D = 0x4000, WORD_DEPTH = 0x3fff };

static const char key[2][KEY_LEN + 1] = { "MPA ID Req Frame", "MPA ID Rep Frame" };

const char *mpa_verdict_text(enum mpa_verdict v)
{
	switch (v) {
	case MPA_OK:
		return "good";
	case MPA_BAD_KEY:
		return "it does not begin with the key of an MPA frame";
	case MPA_BAD_REVISION:
		return "its MPA revision is neither 1 nor 2";
	case MPA_BAD_LENGTH:
		return "its private data has an impossible length";
	}
	return "unknown";
}

enum mpa_verdict mpa_decode_header(const uint8_t hdr[MPA_HDR_LEN], enum mpa_kind kind, struct mpa_frame *f)
{
	*f = (struct mpa_frame){ .kind = kind };
	if (memcmp(hdr, key[kind], KEY_LEN) != 0)
		return MPA_BAD_KEY;
	f->revision = hdr[OFF_REVISION];
	if (f->revision != 1 && f->revision != 2)
		return MPA_BAD_REVISION;
	f->flags = hdr[OFF_FLAGS] & (MPA_MARKERS | MPA_CRC);
	if (kind == MPA_REPLY)
		f->flags |= hdr[OFF_FLAGS] & MPA_REJECTED;
	if (f->revision == 2)
		f->flags |= hdr[OFF_FLAGS] & MPA_ENHANCED;
	f->pd_len = be16_get((struct be16){ { hdr[OFF_PD_LEN], hdr[OFF_PD_LEN + 1] } });
	if (f->pd_len > MPA_PD_MAX)
		return MPA_BAD_LENGTH;
	return f->flags & MPA_ENHANCED && f->pd_len < MPA_ENHANCED_LEN ? MPA_BAD_LENGTH : MPA_OK;
}

void mpa_decode_private(const uint8_t *pd, struct mpa_frame *f)
{
	uint16_t ird, ord;

	f->priv = pd;
	f->priv_len = f->pd_len;
	if (!(f->flags & MPA_ENHANCED))
		return;
	ird = be16_get((struct be16){ { pd[0], pd[1] } });
	ord = be16_get((struct be16){ { pd[2], pd[3] } });
	f->ird = ird & WORD_DEPTH;
	f->ord = ord & WORD_DEPTH;
	f->p2p = ird & WORD_A_OR_C;
	if (f->p2p)
		f->rtr = (uint8_t)((ird & WORD_B_OR_D ? MPA_RTR_SEND : 0) | (ord & WORD_A_OR_C ? MPA_RTR_WRITE : 0) |
				   (ord & WORD_B_OR_D ? MPA_RTR_READ : 0));
	f->priv += MPA_ENHANCED_LEN;
	f->priv_len -= MPA_ENHANCED_LEN;
}

static void put_enhanced(const struct mpa_frame *f, uint8_t *p)
{
	uint16_t ird = f->ird & WORD_DEPTH, ord = f->ord & WORD_DEPTH;
	struct be16 w;

	if (f->p2p) {
		ird |= WORD_A_OR_C | (f->rtr & MPA_RTR_SEND ? WORD_B_OR_D : 0);
		ord |= (f->rtr & MPA_RTR_WRITE ? WORD_A_OR_C : 0) | (f->rtr & MPA_RTR_READ ? WORD_B_OR_D : 0);
	}
	w = be16_make(ird);
	memcpy(p, w.b, sizeof(w));
	w = be16_make(ord);
	memcpy(p + 2, w.b, sizeof(w));
}

size_t mpa_encode(const struct mpa_frame *f, uint8_t *out, size_t cap)
{
	size_t word = f->flags & MPA_ENHANCED ? MPA_ENHANCED_LEN : 0, pd_len = word + f->priv_len;
	struct be16 len;

	if (f->priv_len > MPA_PD_MAX || pd_len > MPA_PD_MAX || MPA_HDR_LEN + pd_len > cap)
		return 0;
	len = be16_make((uint16_t)pd_len);
	memcpy(out, key[f->kind], KEY_LEN);
	out[OFF_FLAGS] = f->flags;
	out[OFF_REVISION] = f->revision;
	memcpy(out + OFF_PD_LEN, len.b, sizeof(len));
	if (word)
		put_enhanced(f, out + MPA_HDR_LEN);
	if (f->priv_len)
		memcpy(out + MPA_HDR_LEN + word, f->priv, f->priv_len);
	return MPA_HDR_LEN + pd_len;
}
