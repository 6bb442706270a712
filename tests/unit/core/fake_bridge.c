/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The scripted bridge, see fake_bridge.h.
 */
#include "fake_bridge.h"

#include "cmocka_all.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct fake_path *path_of(struct srpgw_bridge_path *p)
{
	return (struct fake_path *)(void *)p;
}

static void tell(struct fake_path *p, enum srpgw_path_event kind, const char *text)
{
	struct srpgw_event ev = { .struct_size = sizeof(ev), .kind = kind, .text = text };

	p->target->host->event(p->ctx, &ev);
}

/* ---- commands ---- */

static void carry_out(struct fake_target *t, struct srpgw_io *io)
{
	uint64_t at = 512ull * ((uint32_t)io->cdb[2] << 24 | (uint32_t)io->cdb[3] << 16 | (uint32_t)io->cdb[4] << 8 |
				io->cdb[5]);
	uint32_t left = io->data_len;

	if (t->resid_kind == SRPGW_RESID_UNDER)
		left -= t->resid;
	for (uint32_t i = 0; i < io->n_iov && left > 0; i++) {
		uint32_t n = io->iov[i].iov_len < left ? (uint32_t)io->iov[i].iov_len : left;

		/*
		 * Beyond the end there is nothing: what a bridge would answer then is not what these tests are about.
		 */
		if (at + n > FAKE_DISK_BYTES)
			at = 0;
		if (n > FAKE_DISK_BYTES)
			n = FAKE_DISK_BYTES;
		if (io->dir == SRPGW_DIR_IN)
			memcpy(io->iov[i].iov_base, t->disk + at, n);
		else
			memcpy(t->disk + at, io->iov[i].iov_base, n);
		at += n;
		left -= n;
		/* The contract lets a bridge use the array up. */
		io->iov[i] = (struct iovec){ NULL, 0 };
	}
}

static struct fake_cmd *take(struct srpgw_io *io, struct fake_path *p)
{
	struct fake_cmd *c = io->scratch;

	c->io = io;
	c->path = p;
	c->aborted = false;
	list_push_back(&p->target->cmds, &c->node);
	p->target->n_cmds++;
	return c;
}

static void drop(struct fake_cmd *c)
{
	list_del(&c->node);
	c->path->target->n_cmds--;
}

void fake_answer(struct fake_cmd *c)
{
	struct fake_target *t = c->path->target;
	struct srpgw_io *io = c->io;

	drop(c);
	if (io->data_len > 0)
		carry_out(t, io);
	io->delivery = SRPGW_DELIVERY_ANSWERED;
	io->status = t->status;
	io->resid_kind = t->resid_kind;
	io->resid = t->resid;
	io->sense_len = t->sense_len;
	memcpy(io->sense, t->sense, t->sense_len);
	t->host->io_done(io);
}

void fake_lose(struct fake_cmd *c, enum srpgw_delivery delivery)
{
	struct fake_target *t = c->path->target;

	drop(c);
	c->io->delivery = (uint8_t)delivery;
	t->host->io_done(c->io);
}

static void br_submit(struct srpgw_bridge_path *bp, struct srpgw_io *io)
{
	struct fake_path *p = path_of(bp);
	struct fake_target *t = p->target;
	uint32_t sum = 0;

	for (uint32_t i = 0; i < io->n_iov; i++)
		sum += (uint32_t)io->iov[i].iov_len;
	assert_int_equal(sum, io->data_len);
	assert_false(p->gone);
	t->n_submits++;
	memcpy(t->last_cdb, io->cdb, 16);
	t->last_cdb_len = io->cdb_len;
	memcpy(t->last_lun, io->lun, 8);
	t->last_attr = io->task_attr;
	t->last_data_len = io->data_len;
	if (t->on_submit)
		t->on_submit(t->on_submit_arg);
	take(io, p);
	if (t->never || !p->up)
		fake_lose(io->scratch, SRPGW_DELIVERY_NEVER);
	else if (!t->hold)
		fake_answer(io->scratch);
}

static void br_abort(struct srpgw_bridge_path *bp, struct srpgw_io *io)
{
	struct fake_cmd *c = io->scratch;

	path_of(bp)->target->n_aborts++;
	c->aborted = true;
	if (path_of(bp)->target->abort_answers)
		fake_lose(c, SRPGW_DELIVERY_NEVER);
}

static void br_tmf(struct srpgw_bridge_path *bp, struct srpgw_tmf *tmf)
{
	struct fake_path *p = path_of(bp);
	struct fake_target *t = p->target;
	struct fake_tmf_cmd *c = tmf->scratch;

	t->n_tmf_total++;
	t->last_tmf = tmf->function;
	if (tmf->function == SRPGW_TMF_ABORT_TASK)
		assert_non_null(tmf->io);
	c->tmf = tmf;
	c->path = p;
	list_push_back(&t->tmfs, &c->node);
	t->n_tmfs++;
	if (!t->hold_tmf)
		fake_tmf_answer(t, t->tmf_result);
}

void fake_tmf_answer(struct fake_target *t, enum srpgw_tmf_result result)
{
	struct fake_tmf_cmd *c = list_entry(list_pop_front(&t->tmfs), struct fake_tmf_cmd, node);

	t->n_tmfs--;
	c->tmf->result = (uint8_t)result;
	t->host->tmf_done(c->tmf);
}

struct fake_cmd *fake_first(struct fake_target *t)
{
	struct list_node *n = list_first(&t->cmds);

	return n ? list_entry(n, struct fake_cmd, node) : NULL;
}

/* ---- sessions ---- */

static int br_attach(struct srpgw_bridge_target *bt, struct srpgw_reactor *r, const struct srpgw_nexus_id *nexus,
		     struct srpgw_path_ctx *ctx, struct srpgw_bridge_path **out)
{
	struct fake_target *t = (struct fake_target *)(void *)bt;
	struct fake_path *p;

	t->n_attaches++;
	if (t->attach_rc < 0)
		return t->attach_rc;
	p = calloc(1, sizeof(*p));
	assert_non_null(p);
	p->target = t;
	p->ctx = ctx;
	p->reactor = r;
	strncpy(p->initiator_name, nexus->initiator_name, sizeof(p->initiator_name) - 1);
	memcpy(p->isid, nexus->isid, sizeof(p->isid));
	list_push_back(&t->paths, &p->node);
	t->n_paths++;
	*out = (struct srpgw_bridge_path *)(void *)p;
	return 0;
}

static void end_commands(struct fake_path *p, enum srpgw_delivery delivery)
{
	struct fake_target *t = p->target;

	list_for_each_safe(pos, &t->cmds) {
		struct fake_cmd *c = list_entry(pos, struct fake_cmd, node);

		if (c->path == p)
			fake_lose(c, delivery);
	}
	while (!list_empty(&t->tmfs))
		fake_tmf_answer(t, SRPGW_TMF_FAILED);
}

static void path_gone(struct fake_path *p)
{
	void (*done)(void *arg) = p->detach_done;
	void *arg = p->detach_arg;

	list_del(&p->node);
	p->target->n_paths--;
	free(p);
	done(arg);
}

static void br_detach(struct srpgw_bridge_path *bp, void (*done)(void *arg), void *arg)
{
	struct fake_path *p = path_of(bp);

	assert_false(p->gone);
	p->gone = true;
	p->up = false;
	p->target->n_detaches++;
	p->detach_done = done;
	p->detach_arg = arg;
	if (p->target->hold_detach)
		return;
	end_commands(p, p->target->detach_delivery);
	path_gone(p);
}

void fake_detached(struct fake_target *t)
{
	list_for_each_safe(pos, &t->paths) {
		struct fake_path *p = list_entry(pos, struct fake_path, node);

		if (!p->gone)
			continue;
		end_commands(p, t->detach_delivery);
		path_gone(p);
	}
}

struct fake_path *fake_path(struct fake_target *t)
{
	struct fake_path *last = NULL;

	list_for_each(pos, &t->paths) {
		last = list_entry(pos, struct fake_path, node);
		if (last->up)
			return last;
	}
	return last;
}

void fake_up(struct fake_target *t)
{
	list_for_each_safe(pos, &t->paths) {
		struct fake_path *p = list_entry(pos, struct fake_path, node);

		if (p->up || p->gone)
			continue;
		p->up = true;
		tell(p, SRPGW_PATH_UP, "fake");
	}
}

void fake_say(struct fake_target *t, enum srpgw_path_event kind, const char *text)
{
	tell(fake_path(t), kind, text);
}

void fake_down(struct fake_target *t, enum srpgw_delivery delivery, const char *why)
{
	struct fake_path *p = fake_path(t);

	p->up = false;
	end_commands(p, delivery);
	tell(p, SRPGW_PATH_DOWN, why);
}

struct fake_target *fake_target_new(const struct srpgw_host *host)
{
	struct fake_target *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->host = host;
	t->detach_delivery = SRPGW_DELIVERY_MAYBE;
	list_init(&t->paths);
	list_init(&t->cmds);
	list_init(&t->tmfs);
	return t;
}

void fake_target_free(struct fake_target *t)
{
	list_for_each_safe(pos, &t->paths) {
		assert_true(t->hold_detach); /* what a drain had to abandon */
		free(list_entry(pos, struct fake_path, node));
	}
	free(t);
}

static int br_open(const struct srpgw_host *host, const char *uri, const struct srpgw_setting *s, size_t n,
		   struct srpgw_bridge_target **out, char *why, size_t cap)
{
	(void)host, (void)uri, (void)s, (void)n, (void)out, (void)why, (void)cap;
	return -ENOSYS;
}

static void br_close(struct srpgw_bridge_target *t)
{
	(void)t;
}

const struct srpgw_bridge fake_bridge = {
	.struct_size = sizeof(struct srpgw_bridge),
	.abi = SRPGW_BRIDGE_ABI,
	.name = "fake",
	.version = "1",
	.description = "for tests",
	.schemes = "fake",
	.scratch_size = sizeof(struct fake_cmd),
	.tmf_scratch_size = sizeof(struct fake_tmf_cmd),
	.open = br_open,
	.close = br_close,
	.attach = br_attach,
	.detach = br_detach,
	.submit = br_submit,
	.abort = br_abort,
	.tmf = br_tmf,
};
