/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device tells its one nexus of an event once; here every host is told. A path's own events reach its host in the
 * answer that they came with.
 */
#include "sg.h"

/* Return: ASC << 8 | ASCQ when @sense is a unit attention, else 0. SPC-4 4.5. */
static uint16_t attention_of(const uint8_t *s, uint32_t len)
{
	bool descriptor = len >= 4 && (s[0] & 0x7f) == 0x72;

	if (descriptor && (s[1] & 0xf) == 6)
		return (uint16_t)(s[2] << 8 | s[3]);
	if (len >= 14 && (s[0] & 0x7f) == 0x70 && (s[2] & 0xf) == 6)
		return (uint16_t)(s[12] << 8 | s[13]);
	return 0;
}

static void add(struct srpgw_bridge_path *path, uint16_t asc)
{
	uint32_t n = atomic_load_explicit(&path->n_attentions, memory_order_relaxed);

	for (uint32_t i = 0; i < n; i++)
		if (path->attention[i] == asc)
			return;
	/* What does not fit was preceded by eight others: the host looks at everything anew anyway. */
	if (n < SG_ATTENTIONS) {
		path->attention[n] = asc;
		atomic_store(&path->n_attentions, n + 1);
	}
}

void sg_attention_raise(struct srpgw_bridge_path *from, const uint8_t *sense, uint32_t sense_len)
{
	struct srpgw_bridge_target *t = from->target;
	uint16_t asc = attention_of(sense, sense_len);
	struct srpgw_bridge_path *p;

	if (!asc)
		return;
	pthread_mutex_lock(&t->lock);
	LIST_FOREACH(p, &t->paths, node)
	if (p != from)
		add(p, asc);
	pthread_mutex_unlock(&t->lock);
}

uint16_t sg_attention_take(struct srpgw_bridge_path *path)
{
	struct srpgw_bridge_target *t = path->target;
	uint16_t asc = 0;
	uint32_t n;

	pthread_mutex_lock(&t->lock);
	n = atomic_load_explicit(&path->n_attentions, memory_order_relaxed);
	if (n) {
		asc = path->attention[0];
		for (uint32_t i = 1; i < n; i++)
			path->attention[i - 1] = path->attention[i];
		atomic_store(&path->n_attentions, n - 1);
	}
	pthread_mutex_unlock(&t->lock);
	return asc;
}
