/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finding and counting shares, see share.h.
 * Layer: core.
 */
#include "share.h"

#include "shard.h"

#include <stdlib.h>

struct share *share_get(struct shard *s, struct backend *b)
{
	struct share *sh;

	list_for_each(pos, &s->shares) {
		sh = list_entry(pos, struct share, node);
		if (sh->backend == b) {
			sh->n_paths++;
			return sh;
		}
	}
	sh = calloc(1, sizeof(*sh));
	if (!sh)
		return NULL;
	sh->backend = b;
	sh->n_paths = 1;
	gate_side_init(&sh->gate_side, s, &b->gate);
	list_push_back(&s->shares, &sh->node);
	return sh;
}

void share_put(struct share *sh)
{
	if (--sh->n_paths > 0)
		return;
	list_del(&sh->node);
	free(sh);
}
