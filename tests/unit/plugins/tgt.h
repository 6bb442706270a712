/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A real iSCSI target for tests: tgtd on a free port of 127.0.0.1, with its files in a folder of its own. It dies with
 * the test. Target 1: LUN 1 a file of 64 MiB, LUN 2 the null store. Target 2: the same file behind CHAP (user, secret;
 * mutual: target, tsecret), with header digests for those who offer them.
 */
#ifndef TEST_TGT_H
#define TEST_TGT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tgt {
	pid_t pid; /* 0: not running */
	uint16_t port;
	char more_portals[256]; /* ",portal=HOST:PORT..." beside 127.0.0.1:port, for tgt_restart(); "" at first */
	char dir[64];
	char uri[3][128]; /* [1], [2]: of the targets; [0]: of one that is not there */
};

/* Both fail the cmocka test when they cannot. */
void tgt_start(struct tgt *t);
/* Again after tgt_kill(), same port. */
void tgt_restart(struct tgt *t);
void tgt_signal(struct tgt *t, int sig);
/* SIGKILL, and waits until it is gone. */
void tgt_kill(struct tgt *t);
void tgt_stop(struct tgt *t); /* kills and removes the folder */
/* A port of 127.0.0.1 that nobody listens on. */
uint16_t free_port(void);

#endif
