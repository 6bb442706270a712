/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RAM disk as a bridge: opens the store, makes paths, hands commands to ops.c. Nothing here waits, so every command
 * ends inside submit(); events, task management answers and the end of detach() go through a timer, never from inside
 * the host's call.
 */
#include "mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

/* The bridge's types as the interface names them. */
static struct mem_target *target_of(struct srpgw_bridge_target *t)
{
	return (struct mem_target *)(void *)t;
}

static struct mem_path *path_of(struct srpgw_bridge_path *p)
{
	return (struct mem_path *)(void *)p;
}

static void mem_close(struct srpgw_bridge_target *target)
{
	struct mem_target *t = target_of(target);

	if (t->arena)
		munmap(t->arena, t->arena_bytes);
	pthread_mutex_destroy(&t->lock);
	free(t->lu);
	free(t);
}

static int mem_open(const struct srpgw_host *host, const char *uri, const struct srpgw_setting *settings,
		    size_t n_settings, struct srpgw_bridge_target **target, char *why, size_t why_cap)
{
	struct mem_conf conf;
	int rc = mem_uri_parse(uri, &conf, why, why_cap);

	if (rc)
		return rc;
	if (n_settings) {
		snprintf(why, why_cap, "setting \"%s\" is not known: a RAM disk has none; remove it", settings[0].key);
		return -EINVAL;
	}
	struct mem_target *t = calloc(1, sizeof(*t));
	struct mem_lu *lu = calloc(conf.n_lu, sizeof(*lu));

	if (!t || !lu) {
		free(t);
		free(lu);
		snprintf(why, why_cap, "out of memory; use a smaller RAM disk");
		return -ENOMEM;
	}
	t->host = host;
	t->lu = lu;
	t->n_lu = conf.n_lu;
	t->block_shift = (uint32_t)__builtin_ctz(conf.block_bytes);
	t->n_blocks = conf.bytes >> t->block_shift;
	t->arena_bytes = (size_t)conf.bytes * conf.n_lu;
	pthread_mutex_init(&t->lock, NULL);
	/* A new disk each time, unless a person names it: two gateways' RAM disks must not look like two ways to one.
	 */
	if (conf.has_id)
		memcpy(t->id, conf.id, sizeof(t->id));
	else if (getrandom(t->id, sizeof(t->id), 0) != sizeof(t->id))
		put64(t->id, (uintptr_t)t);
	void *arena =
	    mmap(NULL, t->arena_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (arena == MAP_FAILED) {
		snprintf(why, why_cap, "cannot map %zu bytes (%s); use a smaller RAM disk", t->arena_bytes,
			 strerror(errno));
		mem_close((struct srpgw_bridge_target *)(void *)t);
		return -ENOMEM;
	}
	t->arena = arena;
	for (uint32_t i = 0; i < t->n_lu; i++) {
		lu[i].base = (uint8_t *)arena + i * conf.bytes;
		atomic_flag_clear(&lu[i].caw_lock);
	}
	*target = (struct srpgw_bridge_target *)(void *)t;
	return 0;
}

static void mem_limits(struct srpgw_bridge_target *target, struct srpgw_limits *out)
{
	(void)target;
	out->max_outstanding = 0;
	out->max_transfer_bytes = MEM_MAX_TRANSFER_BYTES;
	out->own_thread = false;
}

static void forget_path(struct mem_path *p)
{
	struct mem_target *t = p->target;

	pthread_mutex_lock(&t->lock);
	LIST_REMOVE(p, node);
	for (uint32_t i = 0; i < t->n_lu; i++) {
		/* Loss of the nexus ends its RESERVE(6) (SPC-2 5.5.1). */
		if (t->lu[i].reserved_by == p) {
			t->lu[i].reserved_by = NULL;
			mem_access_update(t, i);
		}
	}
	pthread_mutex_unlock(&t->lock);
}

static uint8_t tmf_execute(struct mem_path *p, const struct srpgw_tmf *tmf)
{
	int32_t lu = mem_lun_number(tmf->lun);

	if (lu < 0 || (uint32_t)lu >= p->target->n_lu)
		return SRPGW_TMF_FAILED;
	switch (tmf->function) {
	case SRPGW_TMF_ABORT_TASK:
		return SRPGW_TMF_NO_SUCH_TASK;
	case SRPGW_TMF_ABORT_TASK_SET:
	case SRPGW_TMF_CLEAR_TASK_SET:
		return SRPGW_TMF_COMPLETE;
	case SRPGW_TMF_LUN_RESET:
		mem_lu_reset(p, (uint32_t)lu);
		return SRPGW_TMF_COMPLETE;
	default:
		return SRPGW_TMF_NOT_SUPPORTED;
	}
}

static void answer_tmfs(struct mem_path *p)
{
	struct mem_tmf *m;

	while ((m = STAILQ_FIRST(&p->tmfs))) {
		struct srpgw_tmf *tmf = m->tmf;

		STAILQ_REMOVE_HEAD(&p->tmfs, node);
		tmf->result = tmf_execute(p, tmf);
		p->target->host->tmf_done(tmf);
	}
}

static void on_later(void *arg)
{
	struct mem_path *p = arg;
	const struct srpgw_host *host = p->target->host;
	struct srpgw_event up = { .struct_size = sizeof(up), .kind = SRPGW_PATH_UP };

	if (p->detached) {
		void (*done)(void *) = p->detached;
		void *done_arg = p->detached_arg;

		answer_tmfs(p);
		forget_path(p);
		host->timer_free(p->later);
		free(p);
		done(done_arg);
		return;
	}
	if (!p->up) {
		p->up = true;
		host->event(p->ctx, &up);
	}
	answer_tmfs(p);
}

static int mem_attach(struct srpgw_bridge_target *target, struct srpgw_reactor *r, const struct srpgw_nexus_id *nexus,
		      struct srpgw_path_ctx *ctx, struct srpgw_bridge_path **path)
{
	struct mem_target *t = target_of(target);
	struct mem_path *p = calloc(1, sizeof(*p) + t->n_lu * sizeof(p->view[0]));

	if (!p)
		return -ENOMEM;
	p->later = t->host->timer_new(r, on_later, p);
	if (!p->later) {
		free(p);
		return -ENOMEM;
	}
	p->target = t;
	p->ctx = ctx;
	STAILQ_INIT(&p->tmfs);
	memcpy(p->nexus, nexus->i_port_id, 16);
	memcpy(p->nexus + 16, nexus->t_port_id, 16);
	pthread_mutex_lock(&t->lock);
	LIST_INSERT_HEAD(&t->paths, p, node);
	for (uint32_t i = 0; i < t->n_lu; i++) {
		atomic_store(&p->view[i].ua, MEM_UA_POWER_ON);
		mem_access_update(t, i);
	}
	pthread_mutex_unlock(&t->lock);
	t->host->timer_arm(p->later, 0);
	*path = (struct srpgw_bridge_path *)(void *)p;
	return 0;
}

static void mem_detach(struct srpgw_bridge_path *path, void (*done)(void *arg), void *arg)
{
	struct mem_path *p = path_of(path);

	p->detached = done;
	p->detached_arg = arg;
	p->target->host->timer_arm(p->later, 0);
}

static void mem_submit(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	struct mem_path *p = path_of(path);
	struct mem_cmd c = { .t = p->target, .path = p, .io = io, .cdb = io->cdb };

	if (p->up && !p->detached) {
		p->n_commands++;
		io->delivery = SRPGW_DELIVERY_ANSWERED;
		mem_execute(&c);
	} else {
		io->delivery = SRPGW_DELIVERY_NEVER;
	}
	p->target->host->io_done(io);
}

/* Every command was answered inside submit(). */
static void mem_abort(struct srpgw_bridge_path *path, struct srpgw_io *io)
{
	(void)path;
	(void)io;
}

static void mem_tmf(struct srpgw_bridge_path *path, struct srpgw_tmf *tmf)
{
	struct mem_path *p = path_of(path);
	struct mem_tmf *m = tmf->scratch;

	m->tmf = tmf;
	STAILQ_INSERT_TAIL(&p->tmfs, m, node);
	p->target->host->timer_arm(p->later, 0);
}

static void mem_describe(struct srpgw_bridge_path *path, void (*emit)(void *arg, const char *key, const char *value),
			 void *arg)
{
	struct mem_path *p = path_of(path);
	char text[32];

	snprintf(text, sizeof(text), "%u", p->target->n_lu);
	emit(arg, "logical_units", text);
	snprintf(text, sizeof(text), "%u", 1u << p->target->block_shift);
	emit(arg, "block_bytes", text);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)p->target->n_blocks);
	emit(arg, "blocks", text);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)p->n_commands);
	emit(arg, "commands_total", text);
}

SRPGW_BRIDGE_REGISTER(
	.name = "mem",
	.version = SRPGW_VERSION,
	.description = "RAM disk shared by all hosts: mem:SIZE[?bs=512|4096][&luns=N][&id=16 hex digits]",
	.schemes = "mem",
	.tmf_scratch_size = sizeof(struct mem_tmf),
	.open = mem_open,
	.close = mem_close,
	.limits = mem_limits,
	.attach = mem_attach,
	.detach = mem_detach,
	.submit = mem_submit,
	.abort = mem_abort,
	.tmf = mem_tmf,
	.describe = mem_describe,
)
