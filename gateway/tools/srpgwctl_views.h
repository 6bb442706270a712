/* SPDX-License-Identifier: BSD-3-Clause */
/* srpgwctl: the daemon's documents as text for people. Pure. Layer: tools. Knows jansson and srpgwctl_table. */
#ifndef TOOLS_SRPGWCTL_VIEWS_H
#define TOOLS_SRPGWCTL_VIEWS_H

#include "../base/cleanup.h"

#include <jansson.h>
#include <stdio.h>

/* Each prints the document that {"get": NAME} answers. Return: 0 or -ENOMEM. */
int view_status(const json_t *doc, FILE *out) WARN_UNUSED;
int view_sessions(const json_t *doc, FILE *out) WARN_UNUSED;
int view_luns(const json_t *doc, FILE *out) WARN_UNUSED;
int view_backends(const json_t *doc, FILE *out) WARN_UNUSED;
int view_bridges(const json_t *doc, FILE *out) WARN_UNUSED;
int view_events(const json_t *doc, FILE *out) WARN_UNUSED;

#endif
