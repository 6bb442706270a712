/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The members of srpgw_bridge that all transports of libiscsi share, for SRPGW_BRIDGE_REGISTER(). Knows session.h.
 */
#ifndef ISCSI_MEMBERS_H
#define ISCSI_MEMBERS_H

#include "session.h"

#define SESSION_MEMBERS                           \
	.scratch_size = sizeof(struct command),   \
	.tmf_scratch_size = sizeof(struct tmf),   \
	.close = bridge_close,                    \
	.limits = bridge_limits,                  \
	.attach = bridge_attach,                  \
	.detach = bridge_detach,                  \
	.submit = command_submit,                 \
	.abort = command_abort,                   \
	.tmf = tmf_submit,                        \
	.describe = bridge_describe,              \
	.portals = bridge_portals

#endif
