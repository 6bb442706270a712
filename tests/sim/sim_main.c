/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs seeds in worker processes, so that a crash costs one seed and names it. `--seed N` (or SIM_SEED=N) runs one seed in this
 * process, for a debugger.
 */
#include "run.h"

#include "../../gateway/base/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORKERS 16
#define MAX_PRINTED 20
#define SEED_LIMIT_S 30 /* of processor time: a run that is stuck in a loop */

struct worker {
	pid_t pid;
	_Atomic uint64_t seed, end; /* the next one, and where to stop */
	_Atomic uint64_t passed, failed;
	struct run_totals totals;
	char wrong[1600];
};

static uint64_t env_or(const char *name, uint64_t fallback)
{
	const char *s = getenv(name);

	return s && *s ? strtoull(s, NULL, 10) : fallback;
}

static void work(struct worker *w)
{
	struct itimerval limit = { 0 };

	for (; w->seed < w->end; w->seed++) {
		const char *bad;

		limit.it_value.tv_sec = SEED_LIMIT_S;
		setitimer(ITIMER_PROF, &limit, NULL);
		bad = run_seed(w->seed, false, &w->totals);
		if (bad) {
			snprintf(w->wrong, sizeof(w->wrong), "%s", bad);
			fflush(NULL);
			_exit(1); /* what is left over would make the leak checker talk about the seed at length */
		}
		w->passed++;
	}
	fflush(NULL);
	exit(0);
}

static void start(struct worker *w)
{
	pid_t pid;

	w->wrong[0] = 0;
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (pid == 0)
		work(w);
	w->pid = pid; /* shared memory: not for the child to write */
}

static void report(const struct worker *w, int status)
{
	char how[64] = "";

	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "died of signal %d%s", WTERMSIG(status), WTERMSIG(status) == SIGPROF ? " (took too long)" : "");
	else if (!w->wrong[0])
		snprintf(how, sizeof(how), "exited with %d", WEXITSTATUS(status));
	printf("  FAILED seed %llu: %s%s\n", (unsigned long long)w->seed, how, w->wrong);
}

static int run_range(uint64_t from, uint64_t n, int n_workers)
{
	struct worker *w = mmap(NULL, sizeof(*w) * MAX_WORKERS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t passed = 0, failed = 0;
	struct run_totals t = { 0 };
	int running = 0, status;
	pid_t pid;

	if (w == MAP_FAILED)
		return 2;
	for (int k = 0; k < n_workers; k++) {
		w[k].seed = from + n * (uint64_t)k / (uint64_t)n_workers;
		w[k].end = from + n * (uint64_t)(k + 1) / (uint64_t)n_workers;
		start(&w[k]);
		running++;
	}
	while (running && (pid = wait(&status)) > 0) {
		int k = 0;

		while (k < n_workers && w[k].pid != pid)
			k++;
		if (k == n_workers)
			continue;
		running--;
		if (w[k].seed >= w[k].end && status == 0)
			continue;
		if (w[k].seed >= w[k].end)
			w[k].seed = w[k].end - 1; /* it died on its way out: a leak */
		w[k].failed++;
		failed++;
		if (failed <= MAX_PRINTED)
			report(&w[k], status);
		w[k].seed++;
		if (w[k].seed < w[k].end) {
			start(&w[k]);
			running++;
		}
	}
	for (int k = 0; k < n_workers; k++) {
		passed += w[k].passed;
		for (size_t i = 0; i < sizeof(t) / sizeof(uint64_t); i++)
			((uint64_t *)&t)[i] += ((const uint64_t *)&w[k].totals)[i];
	}
	printf("  %llu commands (%llu GOOD), %llu logins, %llu aborts, %llu connections broken, %llu late landings, %llu checks of order, "
	       "%llu CRED_REQ, %llu RNR\n",
	       (unsigned long long)t.host.cmds, (unsigned long long)t.host.good, (unsigned long long)t.host.logins,
	       (unsigned long long)t.host.aborts, (unsigned long long)t.host.losses, (unsigned long long)t.ledger.late_landings,
	       (unsigned long long)t.ledger.order_checks, (unsigned long long)t.host.cred_reqs, (unsigned long long)t.sim.rnr);
	printf("sim: %llu passed, %llu failed\n", (unsigned long long)passed, (unsigned long long)failed);
	return failed || !passed;
}

static int run_one(uint64_t seed)
{
	struct run_totals t = { 0 };
	const char *bad = run_seed(seed, true, &t);

	if (bad)
		printf("  FAILED seed %llu: %s\n", (unsigned long long)seed, bad);
	printf("sim: %d passed, %d failed\n", !bad, !!bad);
	fflush(NULL);
	if (bad)
		_exit(1);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t from = env_or("SIM_FROM", 1), n = env_or("SIM_SEEDS", 1000), seed = env_or("SIM_SEED", 0);
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	bool verbose = false;

	for (int k = 1; k < argc; k++) {
		if (!strcmp(argv[k], "-v")) {
			verbose = true;
		} else if (k + 1 < argc && !strcmp(argv[k], "--seed")) {
			seed = strtoull(argv[++k], NULL, 10);
		} else if (k + 1 < argc && !strcmp(argv[k], "--from")) {
			from = strtoull(argv[++k], NULL, 10);
		} else if (k + 1 < argc && !strcmp(argv[k], "--seeds")) {
			n = strtoull(argv[++k], NULL, 10);
		} else {
			fprintf(stderr, "usage: %s [-v] [--seed N | --from N --seeds COUNT]\n", argv[0]);
			return 2;
		}
	}
	log_init("sim", verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR, false);
	if (seed)
		return run_one(seed);
	return run_range(from, n, n_cpus < 1 ? 1 : n_cpus > MAX_WORKERS ? MAX_WORKERS : (int)n_cpus);
}
