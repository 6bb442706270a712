/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Does a portal take connections? One probe looks the name up off the reactor, connects without blocking, and closes.
 * No byte is sent. Knows session.h's portals, no path and no table.
 */
#ifndef ISCSI_PROBE_H
#define ISCSI_PROBE_H

#include "session.h"

struct probe;

/*
 * @done: once, later, on the reactor, after which the probe is gone. @address: the portal's in numbers when it took the
 * connection, else NULL with @why.
 * @within_ms: how long it may take.
 * Return: 0 or -errno (@done is not called).
 */
int probe_start(const struct srpgw_host *host, struct srpgw_reactor *reactor, const struct portal *p,
		uint32_t within_ms, void (*done)(void *arg, uint32_t index, const char *address, const char *why),
		void *arg, uint32_t index, struct probe **out) __attribute__((warn_unused_result));
/* For how long it has been waiting, ms. */
uint32_t probe_age_ms(const struct probe *p);
/* @done is not called any more. */
void probe_cancel(struct probe *p);

#endif
