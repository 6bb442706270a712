/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What core writes into a reactor's trace ring; object, a and b as said per kind.
 * Layer: core.
 */
#ifndef CORE_TRACE_KINDS_H
#define CORE_TRACE_KINDS_H

enum trace_kind {
	TRACE_CHANNEL_STATE = 1, /* channel; a: new state, b: session */
	TRACE_CHANNEL_END,       /* channel; a: enum outcome */
	TRACE_REQUEST,           /* channel; a: tag, b: opcode of the IU */
	TRACE_RESPONSE,          /* channel; a: tag, b: status << 8 | response code */
	TRACE_TASK_CANCEL,       /* channel; a: tag, b: state << 8 | cause */
	TRACE_IO_LATE,           /* path; a: time since its submit in ns, b: delivery */
	TRACE_PATH_STATE,        /* path; a: new state */
	TRACE_FENCE,             /* session; a: LUN number or first 8 bytes, b: fences now */
	TRACE_TMF,               /* channel; a: tag, b: function << 8 | response code */
	TRACE_BAD_EDGE,          /* channel; a: tag, b: from << 8 | to */
};

#endif
