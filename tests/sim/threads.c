/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The threaded run, for the thread sanitizer: control, data reactors and hosts on threads of their own with the real clock. The same
 * hosts, bridge and ledger as in the stepped runs; what happens when is up to the scheduler.
 */
#include "host.h"
#include "villain.h"

#include "../../gateway/base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define N_HOSTS 4u
#define N_DATA 3u
#define PATIENCE_S 30

/* Runs fn(arg) on a reactor, and tells when it was done. */
struct call {
	struct reactor_msg msg;
	void (*fn)(void *arg);
	void *arg;
	_Atomic bool done;
};

struct threads {
	struct rig rig;
	struct host *host[N_HOSTS];
	struct villain *villain; /* beside the first host */
	struct reactor *host_reactor[N_HOSTS];
	pthread_t thread[1 + N_DATA + N_HOSTS];
	struct reactor *reactor[1 + N_DATA + N_HOSTS];
	uint32_t n_threads;
	uint32_t disk[RIG_MAX_LUNS];
};

static void run_call(struct reactor_msg *msg)
{
	struct call *c = container_of(msg, struct call, msg);

	c->fn(c->arg);
	c->done = true;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

static void call_on(struct reactor *r, void (*fn)(void *arg), void *arg)
{
	struct call c = { .msg.fn = run_call, .fn = fn, .arg = arg };

	reactor_send(r, &c.msg);
	while (!c.done)
		pause_ms(1);
}

static bool wait_for(struct threads *t, bool (*cond)(const struct host *h))
{
	for (int k = 0; k < PATIENCE_S * 100; k++) {
		bool all = true;

		for (uint32_t h = 0; h < N_HOSTS; h++)
			all = all && cond(t->host[h]);
		if (all)
			return true;
		pause_ms(10);
	}
	return false;
}

static void *reactor_thread(void *arg)
{
	reactor_run(arg);
	return NULL;
}

static void do_stop(void *arg)
{
	host_stop(arg);
}

static void do_probe(void *arg)
{
	host_probe(arg);
}

static void do_check(void *arg)
{
	host_check_credits(arg);
}

static void do_logout(void *arg)
{
	host_logout(arg);
}

static void do_stop_villain(void *arg)
{
	villain_stop(arg);
}

static void drained(void *arg)
{
	((struct rig *)arg)->drained = true;
}

static void do_drain(void *arg)
{
	struct rig *r = arg;

	r->gw->ops->unlisten(r->listener);
	core_drain(r->core, 10000, drained, r);
}

static void on_all(struct threads *t, void (*fn)(void *arg))
{
	for (uint32_t k = 0; k < N_HOSTS; k++)
		call_on(t->host_reactor[k], fn, t->host[k]);
}

static void build(struct threads *t, uint64_t seed)
{
	struct rig_params p = {
		.seed = seed,
		.threaded = true,
		.n_reactors = N_DATA,
		.n_backends = 2,
		.disks_per_backend = 2,
		.n_targets = 2,
		.core = { .pool_bytes = 4u << 20, .max_tasks = seed & 1 ? 64 : 512, .max_ios = 64 },
		.map = { .req_lim = 24, .immediate_data = true, .nexus_linger_ms = seed & 2 ? 20 : 0 },
		.hold_ms = 500,
		.retry_ms = 5,
		.knobs = { .delay_ns = 300 * NS_PER_US, .inside_ppm = 500000, .busy_ppm = 10000, .check_ppm = 10000,
			   .short_ppm = 50000, .down_ppm = 2000, .detach_ns = 5 * NS_PER_MS },
	};

	/* Every other round with less than the hosts want: slots and rates go between the reactors. */
	if (seed & 1) {
		p.backend_depth = 5;
		p.lun_depth = 3;
		p.lun_iops = 3000;
		p.lun_bytes_per_second = 100000000;
		p.knobs.full_ppm = 20000;
		p.knobs.room = 4;
	}
	memset(t, 0, sizeof(*t));
	rig_make(&t->rig, &p);
	ledger_allow_asc(t->rig.ledger, 0x29);
	ledger_allow_asc(t->rig.ledger, 0x24);
	sim_faults(t->rig.w)->break_ppm = 300;
	for (uint32_t k = 0; k < rig_n_luns(&t->rig); k++)
		t->disk[k] = k % 2 * 2 + k / 2;
	for (uint32_t k = 0; k < N_HOSTS; k++) {
		struct host_params hp = {
			.w = t->rig.w,
			.ledger = t->rig.ledger,
			.seed = seed * 16 + k,
			.number = k,
			.n_luns = rig_n_luns(&t->rig),
			.disk = t->disk,
			.n_targets = 2,
			.n_channels = 1 + k % 3,
			.queue_size = 32,
			.cmd_descs = 8,
			.depth = 16,
			.max_bytes = 256 << 10,
			.max_cmds = 900,
			.req_it_iu_len = 8260,
			.immediate_data = true,
			.abort_ppm = 20000,
			.reset_ppm = 5000,
			.drop_ppm = 3000,
			.logout_ppm = 3000,
			.evict_ppm = k & 1 ? 3000 : 0,
			.tick_ns = NS_PER_MS,
			.timeout_ns = 5 * NS_PER_S,
		};

		if (sim_reactor_create(t->rig.w, "host", &t->host_reactor[k]))
			abort();
		hp.reactor = t->host_reactor[k];
		t->host[k] = host_create(&hp);
		host_start(t->host[k]);
	}
	t->villain = villain_create(t->rig.w, t->host_reactor[0], seed, 9);
	villain_start(t->villain);
	t->reactor[t->n_threads++] = t->rig.control;
	for (uint32_t k = 0; k < N_DATA; k++)
		t->reactor[t->n_threads++] = t->rig.data[k];
	for (uint32_t k = 0; k < N_HOSTS; k++)
		t->reactor[t->n_threads++] = t->host_reactor[k];
	for (uint32_t k = 0; k < t->n_threads; k++)
		if (pthread_create(&t->thread[k], NULL, reactor_thread, t->reactor[k]))
			abort();
}

static const char *work(struct threads *t)
{
	if (!wait_for(t, host_is_done))
		return "the hosts did not send all their commands";
	on_all(t, do_stop);
	call_on(t->host_reactor[0], do_stop_villain, t->villain);
	for (int k = 0; k < PATIENCE_S * 100 && !villain_is_out(t->villain); k++)
		pause_ms(10);
	if (!villain_is_out(t->villain))
		return "the villain did not log out";
	if (!wait_for(t, host_is_idle))
		return "commands were not answered";
	on_all(t, do_probe);
	if (!wait_for(t, host_is_probed))
		return "a logical unit did not come back";
	pause_ms(100); /* CRED_REQs under way: nobody tells when the last has come */
	on_all(t, do_check);
	on_all(t, do_logout);
	if (!wait_for(t, host_is_out))
		return "the hosts did not log out";
	call_on(t->rig.control, do_drain, &t->rig);
	for (int k = 0; k < PATIENCE_S * 100 && !t->rig.drained; k++)
		pause_ms(10);
	return t->rig.drained ? NULL : "core_drain() did not finish";
}

/* Until the last message between threads was handled. */
static void settle(struct threads *t)
{
	struct sim_stats st;

	for (int k = 0; k < 500; k++) {
		sim_stats(t->rig.w, &st);
		if (!st.n_links)
			return;
		pause_ms(10);
	}
}

static const char *one_round(uint64_t seed, uint64_t *n_cmds)
{
	static struct threads t;
	const char *bad;

	build(&t, seed);
	bad = work(&t);
	settle(&t);
	for (uint32_t k = 0; k < t.n_threads; k++)
		reactor_stop(t.reactor[k]);
	for (uint32_t k = 0; k < t.n_threads; k++)
		pthread_join(t.thread[k], NULL);
	if (!bad)
		bad = rig_check_idle(&t.rig);
	for (uint32_t k = 0; k < N_HOSTS; k++) {
		struct host_stats hs;
		char text[600];

		host_stats(t.host[k], &hs);
		*n_cmds += hs.cmds;
		if (bad) {
			host_describe(t.host[k], text, sizeof(text));
			printf("  %s\n", text);
		}
	}
	if (bad)
		return bad;
	for (uint32_t k = 0; k < N_HOSTS; k++)
		host_free(t.host[k]);
	villain_free(t.villain);
	for (size_t k = 0; k < t.rig.n_region; k++)
		t.rig.gw->ops->mem_del(t.rig.gw, t.rig.region[k]);
	rig_free(&t.rig);
	return NULL;
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 4, passed = 0;
	uint64_t n_cmds = 0;

	log_init("threads", LOG_LEVEL_ERROR, false);
	for (uint32_t k = 1; k <= n; k++) {
		const char *bad = one_round(k, &n_cmds);

		if (bad) {
			printf("  FAILED round %u: %s\n", k, bad);
			fflush(NULL);
			_exit(1);
		}
		passed++;
	}
	printf("  %llu commands on %u threads\nsim-threads: %u passed, 0 failed\n", (unsigned long long)n_cmds, 1 + N_DATA + N_HOSTS, passed);
	return 0;
}
