/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The status and control sockets: what can be asked and commanded. Each request is a JSON object on one line, each
 * answer too.
 *   {"get": "status"|"sessions"|"luns"|"backends"|"targets"|"reactors"|"events"|"bridges"}   both sockets
 *   {"do": "reload"} {"do": "drain"} {"do": "kick", "session_id": N}                          the control socket
 * An answer is the document, or {"ok": true, ...}, or {"error": {"code", "cause", "cure"}}.
 * Control reactor only. Layer: control. Knows gateway, line_server, unix_socket.
 */
#ifndef CONTROL_SERVICE_H
#define CONTROL_SERVICE_H

#include "gateway.h"

#define SERVICE_STATUS_SOCKET "status.sock"
#define SERVICE_CONTROL_SOCKET "control.sock"
#define SERVICE_GROUP "srpgw"

struct service;

/* Opens both sockets in @dir, which is taken (runtime_dir_take()). @g is borrowed. Return: 0 or -errno with @e. */
int service_create(struct gateway *g, const char *dir, struct service **out, struct err *e) WARN_UNUSED;
/* Removes the sockets. The control reactor does not run any more. NULL is harmless. */
void service_destroy(struct service *s);

/* {"error": {...}}; NULL when out of memory. @cure may be NULL. */
json_t *service_error_json(const char *code, const char *cause, const char *cure);

#endif
