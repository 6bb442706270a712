/* SPDX-License-Identifier: BSD-3-Clause */
/* The threads of the data path, see reactors.h. Layer: control. Knows rt. */
#include "reactors.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX 4

struct reactors {
	uint32_t n, n_running;
	struct reactor *reactor[REACTORS_MAX];
	pthread_t thread[REACTORS_MAX];
};

uint32_t reactors_default_count(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);

	if (n < 1)
		return 1;
	return n < DEFAULT_MAX ? (uint32_t)n : DEFAULT_MAX;
}

int reactors_create(uint32_t n, uint32_t busy_poll_us, struct reactors **out, struct err *e)
{
	struct reactors *s = calloc(1, sizeof(*s));
	char name[16];
	int rc = s ? 0 : -ENOMEM;

	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		snprintf(name, sizeof(name), "data%u", i);
		rc = reactor_create(name, &s->reactor[i]);
		if (rc == 0) {
			s->n++;
			/* On the only processor nothing happens while we poll. */
			reactor_set_busy_poll(s->reactor[i], reactors_default_count() > 1 ? busy_poll_us : 0);
		}
	}
	if (rc) {
		reactors_destroy(s);
		err_cure(e, "raise the limit of open files, or lower \"reactors\"");
		return err_set(e, rc, "cannot make %u reactors: %s", n, strerror(-rc));
	}
	*out = s;
	return 0;
}

struct reactor **reactors_array(struct reactors *s)
{
	return s->reactor;
}

uint32_t reactors_count(const struct reactors *s)
{
	return s->n;
}

static void *run(void *arg)
{
	struct reactor *r = arg;

	pthread_setname_np(pthread_self(), reactor_name(r));
	reactor_run(r);
	return NULL;
}

int reactors_start(struct reactors *s, struct err *e)
{
	sigset_t all, old;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (; rc == 0 && s->n_running < s->n; s->n_running++) {
		rc = pthread_create(&s->thread[s->n_running], NULL, run, s->reactor[s->n_running]);
		if (rc)
			break;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc) {
		reactors_stop(s);
		err_cure(e, "raise the limit of processes, or lower \"reactors\"");
		return err_set(e, -rc, "cannot start %u threads: %s", s->n, strerror(rc));
	}
	return 0;
}

void reactors_stop(struct reactors *s)
{
	for (uint32_t i = 0; i < s->n_running; i++)
		reactor_stop(s->reactor[i]);
	for (uint32_t i = 0; i < s->n_running; i++)
		pthread_join(s->thread[i], NULL);
	s->n_running = 0;
}

void reactors_destroy(struct reactors *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->n; i++)
		reactor_destroy(s->reactor[i]);
	free(s);
}
