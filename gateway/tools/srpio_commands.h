/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What srpio can do, one function per command. Each prints for people, or fills @out (an object) when it is not NULL.
 * Return: 0 or -errno with @e.
 * Layer: tools.
 */
#ifndef TOOLS_SRPIO_COMMANDS_H
#define TOOLS_SRPIO_COMMANDS_H

#include "srpio_session.h"

#include <jansson.h>

int srpio_cmd_login(struct srpio_session *s, json_t *out, struct err *e) WARN_UNUSED;
int srpio_cmd_luns(struct srpio_session *s, json_t *out, struct err *e) WARN_UNUSED;
int srpio_cmd_inquiry(struct srpio_session *s, json_t *out, struct err *e) WARN_UNUSED;
int srpio_cmd_read(struct srpio_session *s, json_t *out, struct err *e) WARN_UNUSED;
int srpio_cmd_write(struct srpio_session *s, json_t *out, struct err *e) WARN_UNUSED;
int srpio_cmd_verify(struct srpio_session *s, json_t *out, struct err *e) WARN_UNUSED;
int srpio_cmd_perf(struct srpio_session *s, json_t *out, struct err *e) WARN_UNUSED;

/* The ring that a command needs: bytes per command and depth, with the defaults filled in; 0 and 0 when it needs none. */
void srpio_cmd_shape(const struct srpio_options *o, uint32_t *bs_bytes, uint32_t *depth);

#endif
