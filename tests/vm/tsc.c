/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tsc: prints the frequency of this machine's time-stamp counter in kHz. In software emulation the guest reads that very counter, and a kernel
 * that calibrates it while others use the processors is wrong by any factor: then all of its seconds are.
 * Runs on the building machine; knows nothing of srpgw.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

struct reading {
	uint64_t ns, ticks;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Both clocks at about the same moment: of many readings, the one that was disturbed least. */
static struct reading read_both(void)
{
	struct reading best = { 0 };
	uint64_t best_ns = UINT64_MAX;

	for (int i = 0; i < 200; i++) {
		uint64_t before_ns = now_ns(), ticks = __rdtsc(), took_ns = now_ns() - before_ns;

		if (took_ns < best_ns) {
			best_ns = took_ns;
			best = (struct reading){ before_ns + took_ns / 2, ticks };
		}
	}
	return best;
}

int main(void)
{
	static const struct timespec pause = { .tv_nsec = 200000000 };
	struct reading a = read_both(), b;

	nanosleep(&pause, NULL);
	b = read_both();
	printf("%llu\n", (unsigned long long)((b.ticks - a.ticks) * 1000000 / (b.ns - a.ns)));
	return 0;
}
