/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Portals for tests, of a kind that no iSCSI target offers. Until it is killed:
 *
 *	portal hole ADDRESS PORT...		connection requests get no answer: the queue is full and nobody accepts
 *	portal relay ADDRESS PORT TO		every connection goes on to 127.0.0.1:TO; killed, they all break; stopped,
 *						they all fall silent
 *
 * It says "ready" first. Tests only; knows libc.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in address_of(const char *address, const char *port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };

	if (inet_pton(AF_INET, address, &sa.sin_addr) != 1) {
		fprintf(stderr, "portal: %s is no address\n", address);
		exit(2);
	}
	return sa;
}

static int listen_at(const struct sockaddr_in *sa, int backlog)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) || listen(fd, backlog)) {
		perror("portal: listen");
		exit(2);
	}
	return fd;
}

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

/* ---- hole ---- */

static void hole(const struct sockaddr_in *sa)
{
	listen_at(sa, 0);
	/* The queue takes one more than it is asked for. */
	for (int i = 0; i < 2; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		connect(fd, (const struct sockaddr *)sa, sizeof(*sa));
	}
}

/* ---- relay ---- */

struct pipe_ends {
	int from, to;
};

static void *carry(void *arg)
{
	struct pipe_ends e = *(struct pipe_ends *)arg;
	static _Thread_local char buf[256 << 10];
	ssize_t n;

	free(arg);
	while ((n = recv(e.from, buf, sizeof(buf), 0)) > 0)
		if (send(e.to, buf, (size_t)n, MSG_NOSIGNAL) != n)
			break;
	/* The other direction ends with it; the descriptors stay, which is cheap for a test. */
	shutdown(e.to, SHUT_RDWR);
	shutdown(e.from, SHUT_RDWR);
	return NULL;
}

static void begin(int from, int to)
{
	struct pipe_ends *e = malloc(sizeof(*e));
	pthread_t thread;

	if (!e)
		exit(2);
	*e = (struct pipe_ends){ from, to };
	if (pthread_create(&thread, NULL, carry, e))
		exit(2);
	pthread_detach(thread);
}

static void relay(const struct sockaddr_in *at, const struct sockaddr_in *to)
{
	int listener = listen_at(at, 64);

	ready();
	for (;;) {
		int in = accept(listener, NULL, NULL), out = socket(AF_INET, SOCK_STREAM, 0);

		if (in < 0 || out < 0 || connect(out, (const struct sockaddr *)to, sizeof(*to))) {
			close(in);
			close(out);
			continue;
		}
		begin(in, out);
		begin(out, in);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in at, to;

	if (argc > 3 && !strcmp(argv[1], "hole")) {
		for (int i = 3; i < argc; i++) {
			at = address_of(argv[2], argv[i]);
			hole(&at);
		}
		ready();
		for (;;)
			pause();
	}
	if (argc == 5 && !strcmp(argv[1], "relay")) {
		at = address_of(argv[2], argv[3]);
		to = address_of("127.0.0.1", argv[4]);
		relay(&at, &to);
	}
	fputs("usage: portal hole ADDRESS PORT... | relay ADDRESS PORT TO\n", stderr);
	return 2;
}
