/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looks, before libiscsi does, whether an RDMA device leads to an address and the address is there. libiscsi's own attempt
 * cannot be broken off, waits for ever for some answers, and does not say what was wrong. No connection is tried: targets
 * keep what they made for one that is not used.
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
