/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests and answers of one line each, see line_server.h. Layer: control. Knows base and rt. */
#include "line_server.h"
#include "../base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define SCAN_MS 500u

struct line_server {
	struct line_server_params params;
	struct reactor_watch listen;
	struct reactor_timer scan;
	struct list clients;
	uint32_t n_clients;
};

/* READING: waits for a whole line. BUSY: the request is with its handler. WRITING: the answer goes out. */
enum client_state { CLIENT_READING, CLIENT_BUSY, CLIENT_WRITING };

struct line_client {
	struct reactor_watch watch;
	struct list_node node;
	struct line_server *server; /* NULL: cut off while BUSY */
	enum client_state state;
	uint64_t deadline_ns;
	char *in; /* LINE_REQUEST_MAX_BYTES */
	size_t in_len;
	struct line_text *out;
	size_t out_done;
};

struct line_text *line_text_new(char *data, size_t len)
{
	struct line_text *t = data ? calloc(1, sizeof(*t)) : NULL;

	if (!t) {
		free(data);
		return NULL;
	}
	*t = (struct line_text){ .n_users = 1, .len = len, .data = data };
	return t;
}

struct line_text *line_text_get(struct line_text *t)
{
	t->n_users++;
	return t;
}

void line_text_put(struct line_text *t)
{
	if (!t || --t->n_users)
		return;
	free(t->data);
	free(t);
}

static void client_free(struct line_client *c)
{
	line_text_put(c->out);
	free(c->in);
	free(c);
}

/* Ends the connection. A client whose request is still being handled is freed by the reply. */
static void client_cut(struct line_client *c)
{
	struct line_server *s = c->server;

	reactor_watch_del(s->params.reactor, &c->watch);
	close(c->watch.fd);
	list_del(&c->node);
	s->n_clients--;
	c->server = NULL;
	if (c->state != CLIENT_BUSY)
		client_free(c);
}

/* @within_ms: 0 means for ever. */
static void client_set(struct line_client *c, enum client_state state, uint32_t events, uint32_t within_ms)
{
	struct reactor *r = c->server->params.reactor;

	c->state = state;
	c->deadline_ns = within_ms ? reactor_clock_ns(r) + within_ms * NS_PER_MS : UINT64_MAX;
	if (reactor_watch_mod(r, &c->watch, events))
		c->deadline_ns = 0; /* deaf: the next scan cuts it off */
}

/* Takes the first line out of the buffer and hands it over. */
static void client_request(struct line_client *c, const char *end)
{
	size_t len = (size_t)(end - c->in);
	char *line = malloc(len + 1);

	if (!line) {
		client_cut(c);
		return;
	}
	memcpy(line, c->in, len);
	line[len] = '\0';
	c->in_len -= len + 1;
	memmove(c->in, end + 1, c->in_len);
	client_set(c, CLIENT_BUSY, 0, 0);
	c->server->params.request(c->server->params.arg, c, line, len); /* c may be freed after this */
	free(line);
}

static void client_read(struct line_client *c)
{
	ssize_t n = recv(c->watch.fd, c->in + c->in_len, LINE_REQUEST_MAX_BYTES - c->in_len, MSG_DONTWAIT);
	const char *end;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		client_cut(c);
		return;
	}
	c->in_len += (size_t)n;
	end = memchr(c->in, '\n', c->in_len);
	if (end)
		client_request(c, end);
	else if (c->in_len == LINE_REQUEST_MAX_BYTES)
		client_cut(c);
}

static void client_write(struct line_client *c)
{
	const char *end;

	while (c->out && c->out_done < c->out->len) {
		ssize_t n = send(c->watch.fd, c->out->data + c->out_done, c->out->len - c->out_done,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break;
		c->out_done += (size_t)n;
	}
	if (!c->out || c->out_done < c->out->len) { /* nothing to say, or the client is gone */
		client_cut(c);
		return;
	}
	line_text_put(c->out);
	c->out = NULL;
	client_set(c, CLIENT_READING, EPOLLIN, c->server->params.idle_ms);
	end = memchr(c->in, '\n', c->in_len);
	if (end)
		client_request(c, end);
}

static void client_event(struct reactor_watch *w, uint32_t revents)
{
	struct line_client *c = container_of(w, struct line_client, watch);

	(void)revents; /* a hang-up shows in recv() and send() */
	if (c->state == CLIENT_READING)
		client_read(c);
	else if (c->state == CLIENT_WRITING)
		client_write(c);
}

/* Only arms the write: the caller may be inside client_request(), on this very client. */
void line_client_reply(struct line_client *c, struct line_text *t)
{
	if (!c->server) { /* cut off meanwhile */
		line_text_put(t);
		client_free(c);
		return;
	}
	c->out = t;
	c->out_done = 0;
	client_set(c, CLIENT_WRITING, EPOLLOUT, c->server->params.answer_ms);
}

static void client_new(struct line_server *s, int fd)
{
	struct line_client *c = calloc(1, sizeof(*c));

	if (c)
		c->in = malloc(LINE_REQUEST_MAX_BYTES);
	if (!c || !c->in) {
		free(c);
		close(fd);
		return;
	}
	c->server = s;
	c->watch = (struct reactor_watch){ .fn = client_event, .fd = fd, .events = EPOLLIN };
	if (reactor_watch_add(s->params.reactor, &c->watch)) {
		close(fd);
		client_free(c);
		return;
	}
	c->deadline_ns = reactor_clock_ns(s->params.reactor) + s->params.idle_ms * NS_PER_MS;
	list_push_back(&s->clients, &c->node);
	s->n_clients++;
}

static void listen_set(struct line_server *s, uint32_t events)
{
	int rc = reactor_watch_mod(s->params.reactor, &s->listen, events);

	if (rc) /* tried again by the next scan */
		log_warn("status: cannot watch the socket: %s", strerror(-rc));
}

static void on_accept(struct reactor_watch *w, uint32_t revents)
{
	struct line_server *s = container_of(w, struct line_server, listen);

	(void)revents;
	for (int i = 0; i < 16; i++) {
		int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			/* Out of descriptors: without a pause the loop would spin on the waiting client. */
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
				listen_set(s, 0);
			return;
		}
		if (s->n_clients >= s->params.max_clients) {
			log_warn("status: more than %u clients; one is turned away", s->params.max_clients);
			close(fd);
			continue;
		}
		client_new(s, fd);
	}
}

static void on_scan(struct reactor_timer *t)
{
	struct line_server *s = container_of(t, struct line_server, scan);
	uint64_t now = reactor_clock_ns(s->params.reactor);

	list_for_each_safe (n, &s->clients) {
		struct line_client *c = list_entry(n, struct line_client, node);

		if (c->state != CLIENT_BUSY && now >= c->deadline_ns)
			client_cut(c);
	}
	if (s->listen.events == 0)
		listen_set(s, EPOLLIN);
	timer_arm_in(s->params.reactor, &s->scan, SCAN_MS * NS_PER_MS);
}

int line_server_create(const struct line_server_params *p, struct line_server **out)
{
	struct line_server *s = calloc(1, sizeof(*s));
	int rc = -ENOMEM;

	if (s) {
		s->params = *p;
		if (!s->params.max_clients)
			s->params.max_clients = 64;
		if (!s->params.idle_ms)
			s->params.idle_ms = 60000;
		if (!s->params.answer_ms)
			s->params.answer_ms = 10000;
		list_init(&s->clients);
		s->listen = (struct reactor_watch){ .fn = on_accept, .fd = p->listen_fd, .events = EPOLLIN };
		rc = reactor_watch_add(p->reactor, &s->listen);
	}
	if (rc) {
		free(s);
		close(p->listen_fd);
		return rc;
	}
	timer_init(&s->scan, on_scan);
	timer_arm_in(p->reactor, &s->scan, SCAN_MS * NS_PER_MS);
	*out = s;
	return 0;
}

void line_server_destroy(struct line_server *s)
{
	if (!s)
		return;
	list_for_each_safe (n, &s->clients)
		client_cut(list_entry(n, struct line_client, node));
	timer_cancel(s->params.reactor, &s->scan);
	reactor_watch_del(s->params.reactor, &s->listen);
	close(s->listen.fd);
	free(s);
}

uint32_t line_server_clients(const struct line_server *s)
{
	return s->n_clients;
}
