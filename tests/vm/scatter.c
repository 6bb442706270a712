/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scatter DEVICE TOTAL_BYTES PIECES PIECE_BYTES: writes and reads back with O_DIRECT from pieces that are never adjacent in
 * memory, so that an initiator without memory registration must describe each piece by a descriptor of its own. Checks
 * every byte, and that what lies between the pieces was not touched. Runs in the emulated machine; knows nothing of srpgw.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * A piece has two pages to itself and fills at most the first: no two can touch, not even in physical memory that is handed
 * out in order. Pieces of a whole page matter most: the kernel joins those in one command, where it would split smaller ones
 * (ib_srp's virtual boundary).
 */
enum {
	PAGE_BYTES = 4096,
	STRIDE_BYTES = 2 * PAGE_BYTES,
	PIECES_MAX = 1024, /* IOV_MAX */
	GAP_BYTE = 0xa5,
};

static size_t piece_offset(size_t piece_bytes)
{
	return piece_bytes < PAGE_BYTES ? 512 : 0;
}

/* What belongs at byte `pos` of the disk: differs in every 8-byte word and in every run. */
static uint64_t expected(uint64_t pos, uint64_t seed)
{
	uint64_t x = (pos + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ seed;

	return x ^ x >> 29;
}

static void fill(uint8_t *mem, size_t pieces, size_t piece_bytes, uint64_t pos, uint64_t seed)
{
	for (size_t p = 0; p < pieces; p++) {
		for (size_t i = 0; i < piece_bytes; i += 8, pos += 8) {
			uint64_t v = expected(pos, seed);

			memcpy(mem + p * STRIDE_BYTES + piece_offset(piece_bytes) + i, &v, 8);
		}
	}
}

static int check(const uint8_t *mem, size_t pieces, size_t piece_bytes, uint64_t pos, uint64_t seed)
{
	size_t first = piece_offset(piece_bytes);

	for (size_t p = 0; p < pieces; p++) {
		const uint8_t *page = mem + p * STRIDE_BYTES;

		for (size_t i = 0; i < STRIDE_BYTES; i++) {
			if ((i < first || i >= first + piece_bytes) && page[i] != GAP_BYTE) {
				fprintf(stderr, "scatter: piece %zu: memory outside of it was written, at byte %zu of its pages\n", p, i);
				return -1;
			}
		}
		for (size_t i = 0; i < piece_bytes; i += 8, pos += 8) {
			uint64_t want = expected(pos, seed), got;

			memcpy(&got, page + first + i, 8);
			if (got != want) {
				fprintf(stderr, "scatter: disk offset %llu (piece %zu): got %016llx, want %016llx\n",
					(unsigned long long)pos, p, (unsigned long long)got, (unsigned long long)want);
				return -1;
			}
		}
	}
	return 0;
}

static int transfer(int fd, int out, const struct iovec *iov, size_t pieces, size_t bytes, uint64_t pos)
{
	ssize_t n = out ? pwritev(fd, iov, (int)pieces, (off_t)pos) : preadv(fd, iov, (int)pieces, (off_t)pos);

	if (n == (ssize_t)bytes)
		return 0;
	fprintf(stderr, "scatter: %s of %zu bytes in %zu pieces at %llu: %s\n", out ? "write" : "read", bytes, pieces,
		(unsigned long long)pos, n < 0 ? strerror(errno) : "short");
	return -1;
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: scatter DEVICE TOTAL_BYTES PIECES PIECE_BYTES\n");
		return 2;
	}
	uint64_t total = strtoull(argv[2], NULL, 0), seed = (uint64_t)getpid() << 32;
	size_t pieces = strtoul(argv[3], NULL, 0), piece_bytes = strtoul(argv[4], NULL, 0), bytes = pieces * piece_bytes;

	if (pieces < 1 || pieces > PIECES_MAX || piece_bytes < 512 || piece_bytes % 512 ||
	    (piece_bytes > PAGE_BYTES - 512 && piece_bytes != PAGE_BYTES) || total < bytes) {
		fprintf(stderr, "scatter: 1..1024 pieces of 512..3584 or 4096 bytes, a multiple of 512, and room for one such transfer\n");
		return 2;
	}
	int fd = open(argv[1], O_RDWR | O_DIRECT);
	if (fd < 0) {
		fprintf(stderr, "scatter: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	uint8_t *mem = mmap(NULL, pieces * STRIDE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	static struct iovec iov[PIECES_MAX];
	if (mem == MAP_FAILED) {
		fprintf(stderr, "scatter: no memory\n");
		return 1;
	}
	for (size_t p = 0; p < pieces; p++)
		iov[p] = (struct iovec){ mem + p * STRIDE_BYTES + piece_offset(piece_bytes), piece_bytes };

	uint64_t pos;
	for (pos = 0; pos + bytes <= total; pos += bytes) {
		fill(mem, pieces, piece_bytes, pos, seed);
		if (transfer(fd, 1, iov, pieces, bytes, pos))
			return 1;
	}
	for (pos = 0; pos + bytes <= total; pos += bytes) {
		memset(mem, GAP_BYTE, pieces * STRIDE_BYTES);
		if (transfer(fd, 0, iov, pieces, bytes, pos) || check(mem, pieces, piece_bytes, pos, seed))
			return 1;
	}
	printf("scatter: %llu transfers of %zu pieces verified\n", (unsigned long long)(pos / bytes), pieces);
	return 0;
}
