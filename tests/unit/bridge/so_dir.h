/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the test plugins lie: folder so/ beside the test program. */
#ifndef TEST_BRIDGE_SO_DIR_H
#define TEST_BRIDGE_SO_DIR_H

#include <limits.h>
#include <string.h>
#include <unistd.h>

static inline const char *so_dir(void)
{
	static char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 4);

	if (n <= 0)
		return "so";
	path[n] = 0;
	memcpy(strrchr(path, '/') + 1, "so", 3);
	return path;
}

#endif
