/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Task management. The kernel offers a reset of the logical unit, which may take long, on a helper thread; and no way
 * to abort one command or one host's commands, so those functions are not supported and the gateway falls back to its
 * own.
 */
#include "sg.h"

#include <stdlib.h>
#include <string.h>

struct sg_reset {
	struct sg_tmf *tmf; /* NULL: nobody waits any more. The reactor's. */
	struct sg_files *files;
	int rc;
};

static void answer(struct sg_tmf *m, uint8_t result)
{
	struct srpgw_tmf *tmf = m->tmf;
	struct srpgw_bridge_path *path = m->path;

	TAILQ_REMOVE(&path->tmfs, m, node);
	tmf->result = result;
	path->host->tmf_done(tmf);
}

static void work(void *arg)
{
	struct sg_reset *r = arg;

	r->rc = sg_node_reset(r->files->fd[0]);
}

static void worked(void *arg)
{
	struct sg_reset *r = arg;

	if (r->tmf) {
		r->tmf->reset = NULL;
		/* What the reset ended has been answered by the kernel: those answers go first. */
		sg_on_readable(r->tmf->path, 0);
		answer(r->tmf, r->rc ? SRPGW_TMF_FAILED : SRPGW_TMF_COMPLETE);
	}
	sg_files_unref(r->files);
	free(r);
}

static bool start(struct sg_tmf *m)
{
	struct srpgw_bridge_path *path = m->path;
	struct sg_reset *r = calloc(1, sizeof(*r));

	if (!r)
		return false;
	r->tmf = m;
	r->files = path->files;
	atomic_fetch_add(&r->files->refs, 1);
	if (path->host->work(path->reactor, work, worked, r)) {
		sg_files_unref(r->files);
		free(r);
		return false;
	}
	m->reset = r;
	return true;
}

void sg_tmf(struct srpgw_bridge_path *path, struct srpgw_tmf *tmf)
{
	struct sg_tmf *m = tmf->scratch;

	*m = (struct sg_tmf){ .path = path, .tmf = tmf };
	TAILQ_INSERT_TAIL(&path->tmfs, m, node);
	if (tmf->function != SRPGW_TMF_LUN_RESET || !path->up || path->down || path->detached || !start(m))
		path->host->timer_arm(path->later, 0);
}

void sg_tmfs_answer(struct srpgw_bridge_path *path, bool all)
{
	struct sg_tmf *m = TAILQ_FIRST(&path->tmfs);

	while (m) {
		if (m->reset && !all) {
			m = TAILQ_NEXT(m, node);
			continue;
		}
		if (m->reset)
			m->reset->tmf = NULL;
		answer(m, m->tmf->function == SRPGW_TMF_LUN_RESET ? SRPGW_TMF_FAILED : SRPGW_TMF_NOT_SUPPORTED);
		/* The host may have called back: begin anew. */
		m = TAILQ_FIRST(&path->tmfs);
	}
}
