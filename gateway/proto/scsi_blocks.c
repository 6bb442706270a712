/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which logical blocks a command names, see scsi.h.
 * Layer: proto. Source: SBC-4 5.
 */
#include "scsi.h"

enum of_zero {
	ZERO_IS_NONE,
	ZERO_IS_256,
	ZERO_IS_REST, /* up to the last block */
};

/* Where a CDB has its logical block address and its number of blocks. */
static const struct form {
	uint8_t opcode, lba_at, lba_bytes, n_at, n_bytes, of_zero;
} forms[] = {
	{ 0x08, 1, 3, 4, 1, ZERO_IS_256 },    /* READ(6) */
	{ 0x0a, 1, 3, 4, 1, ZERO_IS_256 },    /* WRITE(6) */
	{ 0x28, 2, 4, 7, 2, ZERO_IS_NONE },   /* READ(10) */
	{ 0x2a, 2, 4, 7, 2, ZERO_IS_NONE },   /* WRITE(10) */
	{ 0x2e, 2, 4, 7, 2, ZERO_IS_NONE },   /* WRITE AND VERIFY(10) */
	{ 0x2f, 2, 4, 7, 2, ZERO_IS_NONE },   /* VERIFY(10) */
	{ 0x41, 2, 4, 7, 2, ZERO_IS_REST },   /* WRITE SAME(10) */
	{ 0x51, 2, 4, 7, 2, ZERO_IS_NONE },   /* XPWRITE(10) */
	{ 0x88, 2, 8, 10, 4, ZERO_IS_NONE },  /* READ(16) */
	{ 0x89, 2, 8, 13, 1, ZERO_IS_NONE },  /* COMPARE AND WRITE */
	{ 0x8a, 2, 8, 10, 4, ZERO_IS_NONE },  /* WRITE(16) */
	{ 0x8b, 2, 8, 10, 4, ZERO_IS_NONE },  /* ORWRITE(16) */
	{ 0x8e, 2, 8, 10, 4, ZERO_IS_NONE },  /* WRITE AND VERIFY(16) */
	{ 0x8f, 2, 8, 10, 4, ZERO_IS_NONE },  /* VERIFY(16) */
	{ 0x93, 2, 8, 10, 4, ZERO_IS_REST },  /* WRITE SAME(16) */
	{ 0x9c, 2, 8, 12, 2, ZERO_IS_NONE },  /* WRITE ATOMIC(16) */
	{ 0xa8, 2, 4, 6, 4, ZERO_IS_NONE },   /* READ(12) */
	{ 0xaa, 2, 4, 6, 4, ZERO_IS_NONE },   /* WRITE(12) */
	{ 0xae, 2, 4, 6, 4, ZERO_IS_NONE },   /* WRITE AND VERIFY(12) */
	{ 0xaf, 2, 4, 6, 4, ZERO_IS_NONE },   /* VERIFY(12) */
};

static const struct form *form_of(uint8_t opcode)
{
	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].opcode == opcode)
			return &forms[i];
	return NULL;
}

static uint64_t get(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

bool scsi_blocks(const uint8_t *cdb, struct scsi_blocks *out)
{
	const struct form *f = form_of(cdb[0]);
	uint64_t lba, n;

	if (!f)
		return false;
	lba = get(cdb + f->lba_at, f->lba_bytes);
	/* Of six bytes: the address has 21 bits. */
	if (f->lba_bytes == 3)
		lba &= 0x1fffff;
	n = get(cdb + f->n_at, f->n_bytes);
	if (n == 0 && f->of_zero == ZERO_IS_256)
		n = 256;
	*out = (struct scsi_blocks){ .any = n > 0 || f->of_zero == ZERO_IS_REST, .first = lba, .last = UINT64_MAX };
	/* What is beyond the highest address is beyond the end of every device, too. */
	if (n > 0 && n - 1 <= UINT64_MAX - lba)
		out->last = lba + n - 1;
	return true;
}
