/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asks, before libiscsi does, whether somebody takes RDMA connections at an address. libiscsi's own attempt cannot be
 * broken off and keeps descriptors and a thread when it fails; this one can and does not.
 * Plugin iser; knows librdmacm and libc.
 */
#ifndef ISER_REACH_H
#define ISER_REACH_H

#include <stddef.h>

/*
 * Blocks, until the answer or until @stop_fd is readable. @address: "10.0.0.1:3260", "[fd00::1]:3260".
 * Return: 0, or -errno with the cause in @why (-ECANCELED: stopped).
 */
int reach(const char *address, int stop_fd, char *why, size_t cap);

#endif
