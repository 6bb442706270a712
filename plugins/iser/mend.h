/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What iSER in libiscsi 1.19 forgets, and what would end the gateway sooner or later:
 *  - it uses its connection's memory without having cleared it: with memory that was in use before it follows wild
 *    pointers, at the second connection of a process or at the thousandth;
 *  - iscsi_destroy_context() lets the connection stand: only iscsi_disconnect() ends it;
 *  - the thread and the descriptor of its connection manager are never given back.
 * There is no other way to it than by the layout of its structures, which never changed within that version; where the
 * layout is not as expected the context is not used.
 * Plugin iser; knows libiscsi and librdmacm.
 */
#ifndef ISER_MEND_H
#define ISER_MEND_H

#include <stddef.h>

#include <iscsi/iscsi.h>

/* After iscsi_init_transport(), before the connection. Return: 0, or -1 with one line in @why. */
int mend_begin(struct iscsi_context *iscsi, char *why, size_t cap);
/*
 * Ends connection and context of a context that was mended, connected or not; may block.
 */
void mend_end(struct iscsi_context *iscsi);

#endif
