/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * No ACA, see aca.h.
 * Layer: core.
 */
#include "aca.h"

#include "io.h"

#define INQUIRY_EVPD_OR_CMDDT 0x03u
#define INQUIRY_NORMACA_AT 3u
#define INQUIRY_NORMACA 0x20u

void aca_hide(struct task *t, uint32_t len)
{
	if (!(t->cdb[1] & INQUIRY_EVPD_OR_CMDDT) && len > INQUIRY_NORMACA_AT)
		t->io->data->addr[INQUIRY_NORMACA_AT] &= (uint8_t)~INQUIRY_NORMACA;
}
