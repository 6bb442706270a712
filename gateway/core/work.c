/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Helper threads, see work.h.
 * Layer: core.
 */
#include "work.h"

#include <errno.h>
#include <signal.h>

struct job {
	struct list_node node;
	struct reactor_msg msg;
	struct reactor *reactor;
	void (*fn)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

void work_pool_init(struct work_pool *w)
{
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	list_init(&w->jobs);
}

static void finished(struct reactor_msg *msg)
{
	struct job *j = container_of(msg, struct job, msg);

	j->done(j->arg);
	free(j);
}

static struct job *next_job(struct work_pool *w)
{
	struct list_node *n;

	pthread_mutex_lock(&w->lock);
	w->n_idle++;
	while (!w->stop && list_empty(&w->jobs))
		pthread_cond_wait(&w->wake, &w->lock);
	w->n_idle--;
	n = w->stop ? NULL : list_pop_front(&w->jobs);
	pthread_mutex_unlock(&w->lock);
	return n ? list_entry(n, struct job, node) : NULL;
}

static void *helper(void *arg)
{
	struct work_pool *w = arg;
	struct job *j;

	while ((j = next_job(w))) {
		j->fn(j->arg);
		j->msg.fn = finished;
		reactor_send(j->reactor, &j->msg);
	}
	return NULL;
}

/* Signals are the main thread's business. */
static int start_thread(struct work_pool *w)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&w->thread[w->n_threads], NULL, helper, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		w->n_threads++;
	return -rc;
}

int work_submit(struct work_pool *w, struct reactor *r, void (*fn)(void *arg), void (*done)(void *arg), void *arg)
{
	struct job *j = calloc(1, sizeof(*j));
	int rc = 0;

	if (!j)
		return -ENOMEM;
	*j = (struct job){ .reactor = r, .fn = fn, .done = done, .arg = arg };
	pthread_mutex_lock(&w->lock);
	if (w->n_idle == 0 && w->n_threads < WORK_THREADS)
		rc = start_thread(w);
	if (w->n_threads > 0) {
		rc = 0;
		list_push_back(&w->jobs, &j->node);
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	if (rc < 0)
		free(j);
	/* Else it is on the list. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	return rc;
}

void work_pool_destroy(struct work_pool *w)
{
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n_threads; i++)
		pthread_join(w->thread[i], NULL);
	list_for_each_safe(pos, &w->jobs) {
		list_del(pos);
		free(list_entry(pos, struct job, node));
	}
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
}
