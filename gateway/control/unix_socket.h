/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The runtime folder, its lock against a second daemon, and the sockets in it. Layer: control. Knows base.
 */
#ifndef CONTROL_UNIX_SOCKET_H
#define CONTROL_UNIX_SOCKET_H

#include "../base/err.h"

#include <sys/types.h>

/**
 * runtime_dir_take() - make the folder (mode 0755; its parent must exist) and lock it until @lock_fd is closed.
 * Return: 0; -EBUSY another daemon uses it; -errno.
 */
int runtime_dir_take(const char *dir, int *lock_fd, struct err *e) WARN_UNUSED;

/**
 * unix_socket_listen() - a listening, non-blocking stream socket; a stale one of that name is replaced, so take the
 * folder first.
 * @group: this group may connect too (mode 0660) if it exists; NULL: only the owner (0600).
 */
int unix_socket_listen(const char *dir, const char *name, const char *group, int *fd, struct err *e) WARN_UNUSED;

/* Removes the socket's name. */
void unix_socket_unlink(const char *dir, const char *name);

#endif
