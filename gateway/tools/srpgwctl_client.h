/* SPDX-License-Identifier: BSD-3-Clause */
/* srpgwctl: one request to the daemon and its answer. Layer: tools. Knows base and jansson. */
#ifndef TOOLS_SRPGWCTL_CLIENT_H
#define TOOLS_SRPGWCTL_CLIENT_H

#include "../base/err.h"

#include <jansson.h>

/**
 * client_ask() - connect, send a request, wait for the answer.
 * @socket: path.
 * @request: not consumed.
 * @timeout_ms: for the whole exchange.
 * @answer: the JSON object; the caller's.
 * Return: 0; -ECONNREFUSED or -ENOENT (no daemon), -EACCES, -ETIMEDOUT, -EPROTO, with @e.
 */
int client_ask(const char *socket, const json_t *request, int timeout_ms, json_t **answer, struct err *e) WARN_UNUSED;

#endif
