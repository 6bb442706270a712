/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * canary DEVICE TIMEOUT_MS: a READ of 32 KiB straight into this process's own pages (SG_IO) that the kernel aborts after that time. The memory is
 * ours again then: it is filled with a pattern, and what comes late from the target must not touch it. Prints "waiting" when
 * the pattern stands, and with SIGTERM says whether it still does: status 0, 1 when it was overwritten, 2 when the READ was answered after all.
 * Runs in the emulated machine; knows nothing of srpgw.
 */
#include <fcntl.h>
#include <scsi/sg.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	LEN_BYTES = 32 << 10, /* 8 pages: the initiator's default allows 12 descriptors */
	BLOCK_BYTES = 512,
	PATTERN = 0x5a,
};

int main(int argc, char **argv)
{
	uint8_t cdb[10] = { 0x28, [7] = LEN_BYTES / BLOCK_BYTES >> 8, [8] = LEN_BYTES / BLOCK_BYTES & 0xff };
	static _Alignas(4096) uint8_t mem[LEN_BYTES];
	uint8_t sense[64];
	struct sg_io_hdr io = { .interface_id = 'S', .dxfer_direction = SG_DXFER_FROM_DEV, .cmd_len = sizeof(cdb), .cmdp = cdb,
				.dxfer_len = LEN_BYTES, .dxferp = mem, .sbp = sense, .mx_sb_len = sizeof(sense) };
	sigset_t term;
	int fd, sig;

	if (argc != 3) {
		fprintf(stderr, "usage: canary DEVICE TIMEOUT_MS\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR);
	if (fd < 0) {
		perror(argv[1]);
		return 2;
	}
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	io.timeout = (unsigned)strtoul(argv[2], NULL, 0);
	if (ioctl(fd, SG_IO, &io)) {
		perror("canary: SG_IO");
		return 2;
	}
	if (io.host_status == 0 && io.status == 0) {
		fprintf(stderr, "canary: the READ was answered\n");
		return 2;
	}
	memset(mem, PATTERN, LEN_BYTES);
	printf("waiting; after %u ms: status %02x, host status %02x\n", io.duration, io.status, io.host_status);
	fflush(stdout);
	sigwait(&term, &sig);
	for (size_t i = 0; i < LEN_BYTES; i++) {
		if (mem[i] != PATTERN) {
			fprintf(stderr, "canary: byte %zu was overwritten with %02x\n", i, mem[i]);
			return 1;
		}
	}
	return 0;
}
