/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * witness DEVICE OFFSET_BYTES SIZE_BYTES LOG: what a host sees of an outage. Four threads write blocks of 4 KiB with O_DIRECT and read them back
 * over and over. Each block says which version it is, and must be the last one whose write was answered: a block that is lost,
 * old, torn or misplaced ends the witness with status 1, and so does an I/O error. SIGTERM ends it after it has read all blocks once more.
 * Into LOG, with milliseconds since boot: "ready MS" when every block has been written once, "io BEGIN END" for each I/O that took 20 ms or longer, and after SIGUSR1 "settled MS"
 * as soon as every thread has ended an I/O that it began after the signal.
 * Runs in the emulated machine; knows nothing of srpgw.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	THREADS = 4,
	BLOCK_BYTES = 4096,
	BLOCK_WORDS = BLOCK_BYTES / 8,
	BLOCKS_MAX = 65536,
	LONG_MS = 20,
	PAUSE_NS = 2000000, /* leaves the processors to what is tested */
};

static struct {
	const char *name;
	int fd, log;
	off_t offset;
	unsigned n_blocks;
	uint64_t version[BLOCKS_MAX]; /* a block belongs to one thread: number modulo THREADS */
	atomic_uint n_ready, n_settled;
	atomic_ullong mark_ms; /* of SIGUSR1; 0: none */
	atomic_bool stop, bad;
	atomic_ullong n_writes, n_reads;
} w;

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* One line, whole even when two threads speak. */
__attribute__((format(printf, 1, 2))) static void note(const char *fmt, ...)
{
	char line[128];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (write(w.log, line, (size_t)n) != n)
		perror("witness: log");
}

__attribute__((format(printf, 1, 2))) static void complain(const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "witness: %s: %s\n", w.name, line);
	w.bad = w.stop = true;
}

/* Word 0 is the version, word 1 the block; the rest depends on both. */
static uint64_t word_of(uint64_t block, uint64_t version, unsigned i)
{
	uint64_t x = (block << 32 ^ version) * UINT64_C(0x9e3779b97f4a7c15) + i;

	x = (x ^ x >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
	return i == 0 ? version : i == 1 ? block : x ^ x >> 29;
}

/* One I/O of a whole block; its time goes into the log when it is long. */
static bool move(bool write_it, uint64_t *mem, unsigned block)
{
	off_t at = w.offset + (off_t)block * BLOCK_BYTES;
	uint64_t begin_ms = now_ms(), end_ms;
	ssize_t n = write_it ? pwrite(w.fd, mem, BLOCK_BYTES, at) : pread(w.fd, mem, BLOCK_BYTES, at);
	int error = errno;

	end_ms = now_ms();
	if (end_ms - begin_ms >= LONG_MS)
		note("io %llu %llu\n", (unsigned long long)begin_ms, (unsigned long long)end_ms);
	if (n == BLOCK_BYTES) {
		atomic_fetch_add(write_it ? &w.n_writes : &w.n_reads, 1);
		return true;
	}
	complain("%s of block %u after %llu ms: %s", write_it ? "write" : "read", block,
		 (unsigned long long)(end_ms - begin_ms), n < 0 ? strerror(error) : "short");
	return false;
}

static bool put(uint64_t *mem, unsigned block)
{
	uint64_t version = w.version[block] + 1;

	for (unsigned i = 0; i < BLOCK_WORDS; i++)
		mem[i] = word_of(block, version, i);
	if (!move(true, mem, block))
		return false;
	w.version[block] = version;
	return true;
}

static bool get(uint64_t *mem, unsigned block)
{
	uint64_t version = w.version[block];
	unsigned i = 0;

	memset(mem, 0xa5, BLOCK_BYTES);
	if (!move(false, mem, block))
		return false;
	while (i < BLOCK_WORDS && mem[i] == word_of(block, version, i))
		i++;
	if (i == BLOCK_WORDS)
		return true;
	complain("block %u at byte %u is not version %llu: it says block %llu, version %llu", block, i * 8,
		 (unsigned long long)version, (unsigned long long)mem[1], (unsigned long long)mem[0]);
	return false;
}

struct thread {
	pthread_t id;
	unsigned number;
	uint64_t random, settled_ms;
};

static unsigned any_block(struct thread *t)
{
	unsigned mine = (w.n_blocks - t->number + THREADS - 1) / THREADS;

	t->random = t->random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return t->number + (unsigned)(t->random >> 33) % mine * THREADS;
}

static void settle(struct thread *t, uint64_t begin_ms)
{
	uint64_t mark_ms = w.mark_ms;

	if (mark_ms == t->settled_ms || begin_ms <= mark_ms)
		return;
	t->settled_ms = mark_ms;
	if (atomic_fetch_add(&w.n_settled, 1) + 1 == THREADS)
		note("settled %llu\n", (unsigned long long)now_ms());
}

static void *work(void *arg)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct thread *t = arg;
	uint64_t *mem = aligned_alloc(BLOCK_BYTES, BLOCK_BYTES);

	if (!mem)
		complain("out of memory");
	for (unsigned b = t->number; b < w.n_blocks && !w.bad; b += THREADS)
		put(mem, b);
	if (atomic_fetch_add(&w.n_ready, 1) + 1 == THREADS)
		note("ready %llu\n", (unsigned long long)now_ms());
	while (!w.stop) {
		uint64_t begin_ms = now_ms();

		if (put(mem, any_block(t)) && get(mem, any_block(t)))
			settle(t, begin_ms);
		nanosleep(&pause, NULL);
	}
	for (unsigned b = t->number; b < w.n_blocks && !w.bad; b += THREADS)
		get(mem, b);
	free(mem);
	return NULL;
}

static void on_mark(int sig)
{
	(void)sig;
	w.n_settled = 0;
	w.mark_ms = now_ms();
}

static void on_stop(int sig)
{
	(void)sig;
	w.stop = true;
}

int main(int argc, char **argv)
{
	struct sigaction mark = { .sa_handler = on_mark, .sa_flags = SA_RESTART };
	struct sigaction stop = { .sa_handler = on_stop, .sa_flags = SA_RESTART };
	struct thread threads[THREADS] = { 0 };

	if (argc != 5) {
		fprintf(stderr, "usage: witness DEVICE OFFSET_BYTES SIZE_BYTES LOG\n");
		return 2;
	}
	w.name = argv[1];
	w.offset = strtoll(argv[2], NULL, 0);
	w.n_blocks = (unsigned)(strtoull(argv[3], NULL, 0) / BLOCK_BYTES);
	w.fd = open(w.name, O_RDWR | O_DIRECT);
	w.log = open(argv[4], O_WRONLY | O_CREAT | O_APPEND | O_TRUNC, 0644);
	if (w.fd < 0 || w.log < 0 || w.n_blocks < THREADS || w.n_blocks > BLOCKS_MAX || w.offset % BLOCK_BYTES) {
		fprintf(stderr, "witness: %s: cannot be opened, or bad numbers\n", w.name);
		return 2;
	}
	sigaction(SIGUSR1, &mark, NULL);
	sigaction(SIGTERM, &stop, NULL);
	for (unsigned i = 0; i < THREADS; i++) {
		threads[i].number = i;
		threads[i].random = now_ms() * THREADS + i;
		if (pthread_create(&threads[i].id, NULL, work, &threads[i])) {
			fprintf(stderr, "witness: no thread\n");
			return 2;
		}
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i].id, NULL);
	printf("%llu writes, %llu reads\n", (unsigned long long)w.n_writes, (unsigned long long)w.n_reads);
	return w.bad;
}
