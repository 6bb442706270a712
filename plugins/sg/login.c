/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opens the device and asks who it is, on a helper thread: both may wait for a device that is being recovered. A login
 * outlives a path that was detached meanwhile; it then ends unheard.
 */
#include "sg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sg_login {
	struct srpgw_bridge_path *path; /* NULL: forgotten. The reactor's. */
	char node[sizeof(((struct sg_conf *)NULL)->node)];
	uint32_t n_files;
	struct sg_files *files;
	struct sg_facts facts;
	char why[SG_WHY_BYTES];
};

void sg_files_unref(struct sg_files *files)
{
	if (atomic_fetch_sub(&files->refs, 1) != 1)
		return;
	for (uint32_t i = 0; i < files->n; i++)
		close(files->fd[i]);
	free(files);
}

/* Helper thread: nothing of the path may be touched here. */
static void work(void *arg)
{
	struct sg_login *l = arg;
	bool good = true;

	for (uint32_t i = 0; i < l->n_files && good; i++) {
		int fd = sg_node_open(l->node, l->facts.name, sizeof(l->facts.name), l->why, sizeof(l->why));

		good = fd >= 0;
		if (good)
			l->files->fd[l->files->n++] = fd;
	}
	if (!good || sg_node_facts(l->files->fd[0], &l->facts, l->why, sizeof(l->why))) {
		sg_files_unref(l->files);
		l->files = NULL;
	}
}

static void worked(void *arg)
{
	struct sg_login *l = arg;

	if (l->path) {
		l->path->login = NULL;
		sg_login_done(l->path, l->files, &l->facts, l->why);
	} else if (l->files) {
		sg_files_unref(l->files);
	}
	free(l);
}

int sg_login_start(struct srpgw_bridge_path *path)
{
	const struct sg_conf *conf = &path->target->conf;
	struct sg_login *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return -ENOMEM;
	l->path = path;
	memcpy(l->node, conf->node, sizeof(l->node));
	l->n_files = (conf->max_outstanding + SG_QUEUE_PER_FD - 1) / SG_QUEUE_PER_FD;
	l->files = calloc(1, sizeof(*l->files));
	if (!l->files) {
		free(l);
		return -ENOMEM;
	}
	atomic_init(&l->files->refs, 1);
	rc = path->host->work(path->reactor, work, worked, l);
	if (rc) {
		free(l->files);
		free(l);
		return rc;
	}
	path->login = l;
	return 0;
}

void sg_login_forget(struct srpgw_bridge_path *path)
{
	if (path->login)
		path->login->path = NULL;
	path->login = NULL;
}
