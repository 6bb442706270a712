/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * notify SOCKET: stands in for systemd at sd_notify(3)'s socket and prints each line that it is told. Ends when it was told
 * STOPPING=1. Prints "bound" when it can be told something.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char buf[1024];
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (argc != 2 || fd < 0)
		return 2;
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", argv[1]);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)))
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("bound");
	for (;;) {
		ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);

		if (n < 0)
			return 1;
		buf[n] = '\0';
		puts(buf);
		if (strstr(buf, "STOPPING=1"))
			return 0;
	}
}
