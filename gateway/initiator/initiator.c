/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The initiator object: its memory, its defaults, and what it tells about itself.
 * Layer: initiator. Knows base, proto and rt.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static int region_map(struct mem_region *r, size_t len_bytes)
{
	void *p = mmap(NULL, len_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -ENOMEM;
	r->base = p;
	r->len_bytes = len_bytes;
	return 0;
}

static void region_unmap(struct mem_region *r)
{
	if (r->base)
		munmap(r->base, r->len_bytes);
	r->base = NULL;
}

static void set_defaults(struct initiator_params *p)
{
	if (!p->n_channels)
		p->n_channels = 1;
	if (!p->req_it_iu_len)
		p->req_it_iu_len = 8260;
	if (!p->cmd_descs)
		p->cmd_descs = 12;
	if (!p->max_imm_bytes)
		p->max_imm_bytes = 8192;
	if (!p->queue_size)
		p->queue_size = 64;
	if (!p->timeout_ms)
		p->timeout_ms = 10000;
	if (!p->max_descs)
		p->max_descs = 256;
}

static int check_params(const struct initiator_params *p, struct err *e)
{
	if (p->n_channels > 255 || p->queue_size > 16384 || p->max_descs > 65536)
		return err_set(e, -EINVAL, "%u channels, %u commands, %u descriptors: more than an initiator can have", p->n_channels,
			       p->queue_size, p->max_descs);
	if (p->arena_bytes && !p->arena)
		return err_set(e, -EINVAL, "%zu bytes of command memory, but no address", p->arena_bytes);
	if (!p->fabric || !p->reactor || !p->login_done)
		return err_set(e, -EINVAL, "a fabric, a reactor and login_done are needed");
	return 0;
}

/* IUs and tables in one mapping each, registered once: the send path never allocates. */
static int alloc_memory(struct initiator *i, struct err *e)
{
	const struct fabric_ops *ops = i->fabric->ops;
	size_t iu_bytes = i->p.req_it_iu_len < 64 ? 64 : i->p.req_it_iu_len;
	size_t n_slots = (size_t)i->n_wanted * i->n_slots;
	size_t n_tables = (size_t)i->n_wanted * i->p.queue_size;
	int rc;

	/* Raw IUs may be longer than what was asked for: that is what they are for. */
	if (iu_bytes < 65536 && n_slots * 65536 <= (16u << 20))
		iu_bytes = 65536;
	iu_bytes = (iu_bytes + 63) & ~(size_t)63;
	rc = region_map(&i->iu_region, n_slots * iu_bytes);
	if (!rc)
		rc = region_map(&i->table_region, n_tables * i->p.max_descs * SRP_MDESC_LEN);
	if (rc)
		return err_set(e, rc, "no memory for %zu information units of %zu bytes", n_slots, iu_bytes);
	rc = ops->mem_add(i->fabric, &i->iu_region);
	if (rc)
		return err_set(e, rc, "cannot register the memory of the information units: %s", strerror(-rc));
	i->iu_added = true;
	rc = ops->mem_add(i->fabric, &i->table_region);
	if (rc)
		return err_set(e, rc, "cannot register the memory of the indirect tables: %s", strerror(-rc));
	i->table_added = true;
	if (i->p.arena_bytes) {
		i->arena_region.base = i->p.arena;
		i->arena_region.len_bytes = i->p.arena_bytes;
		rc = ops->mem_add(i->fabric, &i->arena_region);
		if (rc)
			return err_set(e, rc, "cannot register the commands' memory: %s", strerror(-rc));
		i->arena_added = true;
	}
	for (uint32_t n = 0; n < i->n_wanted; n++) {
		struct chan *ch = &i->chan[n];

		rc = chan_init(ch, i, n);
		if (rc)
			return err_set(e, rc, "no memory for channel %u", n);
		for (uint32_t k = 0; k < i->n_slots; k++) {
			ch->slot[k].iu = (uint8_t *)i->iu_region.base + ((size_t)n * i->n_slots + k) * iu_bytes;
			if (k < i->p.queue_size)
				ch->slot[k].table = (uint8_t *)i->table_region.base +
						    ((size_t)n * i->p.queue_size + k) * i->p.max_descs * SRP_MDESC_LEN;
		}
	}
	return 0;
}

static void tell_ended(struct reactor_timer *t)
{
	struct initiator *i = container_of(t, struct initiator, later);
	struct list cmds, tmfs;
	struct list_node *n;

	/* What the callbacks end in their turn waits for the next round. */
	list_init(&cmds);
	list_init(&tmfs);
	list_splice_back(&cmds, &i->ended);
	list_splice_back(&tmfs, &i->ended_tmfs);
	while ((n = list_pop_front(&cmds))) {
		struct initiator_cmd *c = list_entry(n, struct initiator_cmd, node);

		c->done(c);
	}
	while ((n = list_pop_front(&tmfs)))
		tmf_end(list_entry(n, struct slot, node), 0, SRP_RSP_CODE_OK);
	logout_check(i);
}

void end_later(struct initiator *i)
{
	if (!timer_armed(&i->later))
		timer_arm_in(i->p.reactor, &i->later, 0);
}

int initiator_create(const struct initiator_params *p, struct initiator **out, struct err *e)
{
	struct initiator *i = calloc(1, sizeof(*i));
	int rc;

	if (!i)
		return err_set(e, -ENOMEM, "no memory for an initiator");
	i->p = *p;
	set_defaults(&i->p);
	i->fabric = p->fabric;
	i->n_wanted = i->p.n_channels;
	i->n_slots = i->p.queue_size + N_TMF_SLOTS + N_REPLY_SLOTS + N_RAW_SLOTS;
	list_init(&i->ended);
	list_init(&i->ended_tmfs);
	timer_init(&i->later, tell_ended);
	i->info.protocol_error = i->first_error;
	rc = check_params(&i->p, e);
	if (!rc) {
		i->chan = calloc(i->n_wanted, sizeof(*i->chan));
		rc = i->chan ? alloc_memory(i, e) : err_set(e, -ENOMEM, "no memory for %u channels", i->n_wanted);
	}
	if (rc) {
		initiator_destroy(i);
		return rc;
	}
	*out = i;
	return 0;
}

void initiator_destroy(struct initiator *i)
{
	if (!i)
		return;
	timer_cancel(i->p.reactor, &i->later);
	if (i->logging_out)
		timer_cancel(i->p.reactor, &i->logout_timer);
	if (i->iu_added)
		i->fabric->ops->mem_del(i->fabric, &i->iu_region);
	if (i->table_added)
		i->fabric->ops->mem_del(i->fabric, &i->table_region);
	if (i->arena_added)
		i->fabric->ops->mem_del(i->fabric, &i->arena_region);
	for (uint32_t n = 0; i->chan && n < i->n_wanted; n++)
		chan_fini(&i->chan[n]);
	free(i->chan);
	region_unmap(&i->iu_region);
	region_unmap(&i->table_region);
	free(i);
}

void initiator_info(const struct initiator *i, struct initiator_info *out)
{
	*out = i->info;
	for (uint32_t n = 0; n < i->n_wanted; n++) {
		const struct chan *ch = &i->chan[n];

		if (ch->state != CHAN_LIVE && ch->state != CHAN_CLOSING)
			continue;
		out->n_live += ch->state == CHAN_LIVE;
		out->req_lim_initial += ch->terms.req_lim_delta;
		out->req_lim += ch->req_lim;
		out->n_outstanding += ch->n_live;
		list_for_each (node, &ch->waiting)
			out->n_waiting++;
	}
}
