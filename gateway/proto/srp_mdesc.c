// SPDX-License-Identifier: BSD-3-Clause
/*
 * Memory descriptors and tables of them. Layer: proto. Knows base only.
 */
#include "srp_iu.h"
#include "srp_wire.h"

struct srp_mdesc srp_mdesc_get(const uint8_t *p)
{
	const struct srp_mdesc_wire *w = (const void *)p;

	return (struct srp_mdesc){
		.va = be64_get(w->va),
		.rkey = be32_get(w->rkey),
		.len_bytes = be32_get(w->len_bytes),
	};
}

void srp_mdesc_put(uint8_t *p, struct srp_mdesc d)
{
	struct srp_mdesc_wire w = {
		.va = be64_make(d.va),
		.rkey = be32_make(d.rkey),
		.len_bytes = be32_make(d.len_bytes),
	};

	memcpy(p, &w, sizeof(w));
}

enum srp_error srp_table_check(const uint8_t *table, uint32_t n, uint32_t total_bytes)
{
	uint64_t sum = 0; /* n < 2^32 lengths < 2^32 each: cannot wrap */

	for (size_t i = 0; i < n; i++)
		sum += srp_mdesc_get(table + i * SRP_MDESC_LEN).len_bytes;
	return sum >= total_bytes && sum <= UINT32_MAX ? SRP_OK : SRP_ERR_DESC_SUM;
}
