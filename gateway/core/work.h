/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Helper threads for what a bridge must not do on a reactor because it blocks (resolving names). Started when first
 * needed.
 * Layer: core.
 */
#ifndef CORE_WORK_H
#define CORE_WORK_H

#include "../rt/reactor.h"

#include <pthread.h>

#define WORK_THREADS 4u

struct work_pool {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list jobs;
	pthread_t thread[WORK_THREADS];
	unsigned n_threads, n_idle;
	bool stop;
};

void work_pool_init(struct work_pool *w);
/* Waits for the jobs that run; those that wait are dropped. No reactor runs. */
void work_pool_destroy(struct work_pool *w);

/* Runs @fn(@arg) on a helper, then @done(@arg) on @r. Return: 0, -ENOMEM, or -errno of pthread_create. */
int work_submit(struct work_pool *w, struct reactor *r, void (*fn)(void *arg), void (*done)(void *arg),
		void *arg) WARN_UNUSED;

#endif
