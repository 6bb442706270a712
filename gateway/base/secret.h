/* SPDX-License-Identifier: BSD-3-Clause */
/* Secrets from files of their own. Layer: base. Knows libc only. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "err.h"

#define SECRET_MAX_BYTES 255u

/**
 * secret_read() - the first line of a file that only its owner, and perhaps a group, can read.
 * @out: NUL-terminated, 1..SECRET_MAX_BYTES bytes; wipe it with secret_wipe() after use.
 * After the first success the process writes no core file any more (RLIMIT_CORE).
 * Return: 0; -EPERM (others may read it, or a stranger owns it), -EINVAL (empty, too long, not a file), -errno.
 */
int secret_read(const char *file, char out[SECRET_MAX_BYTES + 1], struct err *e) WARN_UNUSED;
void secret_wipe(char out[SECRET_MAX_BYTES + 1]);

#endif
