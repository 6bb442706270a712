/* SPDX-License-Identifier: BSD-3-Clause */
/* The fabric for the status document. Layer: fabric/iwarp. Control reactor. */
#include "crc32c.h"
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>

struct total {
	const char *key;
	size_t offset;
};

#define TOTAL(member) { #member, offsetof(struct iwarp_counters, member) }

static const struct total totals[] = {
	TOTAL(conns),
	TOTAL(rx_held),
	TOTAL(send_calls_total),
	TOTAL(send_bytes_total),
	TOTAL(recv_calls_total),
	TOTAL(recv_bytes_total),
	TOTAL(terminates_sent_total),
	TOTAL(terminates_received_total),
	TOTAL(cut_off_total),
	TOTAL(starved_total),
};

static uint64_t sum_of(const struct iwarp_fabric *f, size_t offset)
{
	uint64_t sum = 0;

	list_for_each(n, &f->lanes) {
		const struct iwarp_lane *l = list_entry(n, struct iwarp_lane, node);

		sum += atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)((const uint8_t *)&l->count + offset),
					    memory_order_relaxed);
	}
	return sum;
}

void iwarp_describe(struct fabric *fabric,
		    void (*emit)(void *arg, const char *device, const char *key, const char *value), void *arg)
{
	struct iwarp_fabric *f = iwarp_fabric_of(fabric);
	char value[FABRIC_ADDR_STRLEN];

	emit(arg, "tcp", "transport", "iWARP in user space");
	emit(arg, "tcp", "crc", f->params.no_crc ? "when the peer asks" : "always");
	emit(arg, "tcp", "crc_instruction", crc32c_is_fast() ? "yes" : "no");
	list_for_each(n, &f->listeners)
		emit(arg, "tcp", "listening",
		     fabric_addr_str(&list_entry(n, struct fabric_listener, node)->addr, value));
	snprintf(value, sizeof(value), "%" PRIu32, f->n_half_open);
	emit(arg, "tcp", "half_open", value);
	snprintf(value, sizeof(value), "%" PRIu64, f->starts_refused_total);
	emit(arg, "tcp", "starts_refused_total", value);
	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		snprintf(value, sizeof(value), "%" PRIu64, sum_of(f, totals[i].offset));
		emit(arg, "tcp", totals[i].key, value);
	}
}
