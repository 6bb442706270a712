/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests and answers of one line each over a stream socket, for many clients on one reactor, none of which can make
 * it wait: buffers are bounded, a client that is idle or does not read is cut off. A client's requests are answered one
 * after the other. Layer: control. Knows base and rt.
 */
#ifndef CONTROL_LINE_SERVER_H
#define CONTROL_LINE_SERVER_H

#include "../rt/reactor.h"

#include <stddef.h>

#define LINE_REQUEST_MAX_BYTES 65536u

struct line_server;
struct line_client;

/* An answer, shared by all clients that get it; ends with a newline. */
struct line_text {
	unsigned n_users; /* control reactor only */
	size_t len;
	char *data; /* malloc'ed */
};

/* Takes over @data (NULL is harmless). Return: a text with one user, or NULL when out of memory (@data is freed). */
struct line_text *line_text_new(char *data, size_t len);
struct line_text *line_text_get(struct line_text *t);
void line_text_put(struct line_text *t); /* NULL is harmless */

/* Zero means the default in parentheses. */
struct line_server_params {
	struct reactor *reactor;
	int listen_fd; /* owned by the server from now on, also when creation fails */
	/* One line without its newline; must lead, now or later, to exactly one line_client_reply(). */
	void (*request)(void *arg, struct line_client *client, const char *line, size_t len);
	void *arg;
	uint32_t max_clients; /* further ones are closed at once (64) */
	uint32_t idle_ms;     /* without a complete request (60000) */
	uint32_t answer_ms;   /* to take a complete answer (10000) */
};

int line_server_create(const struct line_server_params *p, struct line_server **out) WARN_UNUSED;
/* Closes all clients; requests that wait for an answer may still be replied to, which does nothing then. */
void line_server_destroy(struct line_server *s);

/* Takes over one user of @t; NULL closes the client. */
void line_client_reply(struct line_client *client, struct line_text *t);

/* Clients connected now. */
uint32_t line_server_clients(const struct line_server *s);

#endif
