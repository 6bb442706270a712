/* SPDX-License-Identifier: BSD-3-Clause */
/* An iSCSI target that does what a test's script says. */
#include "scripted.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static bool recv_all(int fd, void *buf, size_t len)
{
	return !len || recv(fd, buf, len, MSG_WAITALL) == (ssize_t)len;
}

bool script_recv(struct scripted *s)
{
	uint8_t pad[4];
	struct pdu *p = &s->in;

	if (!recv_all(s->fd, p->bhs, sizeof(p->bhs)))
		return false;
	p->len = get32(p->bhs + 4) & 0xffffff;
	if (p->len > sizeof(p->data) || !recv_all(s->fd, p->data, p->len) || !recv_all(s->fd, pad, -p->len & 3))
		return false;
	uint8_t op = p->bhs[0] & 0x3f;
	if (!(p->bhs[0] & 0x40) && op != PDU_DATA_OUT)
		s->exp_cmd_sn = get32(p->bhs + 24) + 1;
	return true;
}

bool script_send(struct scripted *s, uint8_t bhs[48], const void *data, uint32_t len)
{
	uint8_t *out = calloc(1, 48 + len + 3);
	size_t total = 48 + len + (-len & 3);
	ssize_t n;

	bhs[4] = 0;
	bhs[5] = (uint8_t)(len >> 16);
	bhs[6] = (uint8_t)(len >> 8);
	bhs[7] = (uint8_t)len;
	put32(bhs + 24, s->stat_sn);
	put32(bhs + 28, s->exp_cmd_sn);
	put32(bhs + 32, s->exp_cmd_sn + s->window - 1);
	memcpy(out, bhs, 48);
	if (len)
		memcpy(out + 48, data, len);
	n = send(s->fd, out, total, MSG_NOSIGNAL);
	free(out);
	return n == (ssize_t)total;
}

bool script_login(struct scripted *s)
{
	static const char keys[] =
	    "HeaderDigest=None\0DataDigest=None\0InitialR2T=Yes\0ImmediateData=No\0MaxBurstLength=262144\0"
	    "FirstBurstLength=65536\0MaxRecvDataSegmentLength=65536";
	char tag[48], security[64], all[sizeof(keys) + sizeof(tag)];
	uint32_t tag_len = (uint32_t)snprintf(tag, sizeof(tag), "TargetPortalGroupTag=%u", s->group ? s->group : 1u) + 1;
	uint32_t security_len = (uint32_t)snprintf(security, sizeof(security), "AuthMethod=None%c%s", 0, tag) + 1;

	memcpy(all, keys, sizeof(keys));
	memcpy(all + sizeof(keys), tag, tag_len);

	for (;;) {
		uint8_t r[48] = { PDU_LOGIN_RESPONSE };
		char text[128] = "";
		uint32_t len = 0;

		if (!script_recv(s) || (s->in.bhs[0] & 0x3f) != PDU_LOGIN)
			return false;
		s->exp_cmd_sn = get32(s->in.bhs + 24);
		r[1] = s->in.bhs[1];
		memcpy(r + 8, s->in.bhs + 8, 6); /* ISID */
		memcpy(r + 16, s->in.bhs + 16, 4);
		bool last = r[1] & 0x80 && (r[1] & 3) == 3;
		if (last)
			r[15] = 7; /* TSIH */
		if (s->login_class) {
			r[1] = 0;
			r[36] = s->login_class;
			r[37] = s->login_detail;
			if (s->redirect[0])
				len = (uint32_t)snprintf(text, sizeof(text), "TargetAddress=%s", s->redirect) + 1;
			script_send(s, r, text, len);
			return false;
		}
		bool sent = (r[1] >> 2 & 3) == 0 ? script_send(s, r, security, security_len)
						 : script_send(s, r, all, (uint32_t)sizeof(keys) + tag_len);
		s->stat_sn++;
		if (!sent || last)
			return sent;
	}
}

static bool answer_nop(struct scripted *s)
{
	uint8_t r[48] = { PDU_NOP_IN, 0x80 };

	memcpy(r + 16, s->in.bhs + 16, 4);
	put32(r + 20, 0xffffffff);
	bool ok = script_send(s, r, NULL, 0);

	s->stat_sn++;
	return ok;
}

static bool answer_logout(struct scripted *s)
{
	uint8_t r[48] = { PDU_LOGOUT_RESPONSE, 0x80 };

	memcpy(r + 16, s->in.bhs + 16, 4);
	script_send(s, r, NULL, 0);
	s->stat_sn++;
	return false;
}

static bool answer_text(struct scripted *s)
{
	uint8_t r[48] = { PDU_TEXT_RESPONSE, 0x80 };
	char text[sizeof(s->send_targets)];
	size_t len = strlen(s->send_targets);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)(s->send_targets[i] == '\n' ? 0 : s->send_targets[i]);
	memcpy(r + 16, s->in.bhs + 16, 4);
	put32(r + 20, 0xffffffff);
	bool ok = script_send(s, r, text, (uint32_t)len);

	s->stat_sn++;
	return ok;
}

bool script_expect(struct scripted *s, uint8_t opcode)
{
	while (script_recv(s)) {
		uint8_t op = s->in.bhs[0] & 0x3f;

		if (op == opcode)
			return true;
		if (op == PDU_NOP_OUT && !answer_nop(s))
			return false;
		if (op == PDU_TEXT && !answer_text(s))
			return false;
		if (op == PDU_LOGOUT)
			return answer_logout(s);
		if (op != PDU_NOP_OUT && op != PDU_TEXT)
			s->failures++;
	}
	return false;
}

bool script_respond(struct scripted *s, const uint8_t cmd[48], uint8_t response, uint8_t status, uint8_t flags,
		    uint32_t resid, const void *data, uint32_t len)
{
	uint8_t r[48] = { PDU_RESPONSE, (uint8_t)(0x80 | flags), response, status };

	memcpy(r + 16, cmd + 16, 4);
	put32(r + 44, resid);
	bool ok = script_send(s, r, data, len);

	s->stat_sn++;
	return ok;
}

bool script_data_in(struct scripted *s, const uint8_t cmd[48], uint32_t offset, uint32_t len, uint8_t fill)
{
	uint8_t r[48] = { PDU_DATA_IN, 0x80 }, *data = malloc(len);

	memset(data, fill, len);
	memcpy(r + 8, cmd + 8, 8);
	memcpy(r + 16, cmd + 16, 4);
	put32(r + 20, 0xffffffff);
	put32(r + 40, offset);
	bool ok = script_send(s, r, data, len);

	free(data);
	return ok;
}

bool script_tmf_response(struct scripted *s, const uint8_t tmf[48], uint8_t response)
{
	uint8_t r[48] = { PDU_TMF_RESPONSE, 0x80, response };

	memcpy(r + 16, tmf + 16, 4);
	bool ok = script_send(s, r, NULL, 0);

	s->stat_sn++;
	return ok;
}

bool script_wait_step(struct scripted *s, int n)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; s->step < n; i++) {
		if (i == 5000)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

void script_serve(struct scripted *s)
{
	while (script_expect(s, PDU_COMMAND)) {
		uint8_t cmd[48];
		uint32_t len = get32(s->in.bhs + 20);

		memcpy(cmd, s->in.bhs, 48);
		if (cmd[1] & 0x40 && !script_data_in(s, cmd, 0, len, 0))
			break;
		if (!script_respond(s, cmd, 0, 0, 0, 0, NULL, 0))
			break;
	}
}

static void *serve(void *arg)
{
	struct scripted *s = arg;

	for (;;) {
		const struct timeval patience = { .tv_sec = 5 };

		s->fd = accept(s->listen_fd, NULL, NULL);
		if (s->fd < 0)
			return NULL;
		setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		s->n_connections++;
		s->stat_sn = 1;
		s->script(s);
		close(s->fd);
	}
}

/* Listens at s->port, and serves; 0: any. */
static void begin(struct scripted *s)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(s->port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sa);
	int small = 4096, yes = 1;

	s->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(s->listen_fd >= 0);
	setsockopt(s->listen_fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (s->small_buffers)
		setsockopt(s->listen_fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(bind(s->listen_fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(s->listen_fd, 8), 0);
	assert_int_equal(getsockname(s->listen_fd, (struct sockaddr *)&sa, &len), 0);
	s->port = ntohs(sa.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

void scripted_start(struct scripted *s, void (*script)(struct scripted *s))
{
	s->window = 64;
	s->step = 0;
	s->failures = 0;
	s->n_connections = 0;
	s->script = script;
	s->port = 0;
	begin(s);
	snprintf(s->uri, sizeof(s->uri), "iscsi://127.0.0.1:%u/iqn.2026-11.srpgw.test:script", s->port);
}

void scripted_share(struct scripted *s, struct scripted *of)
{
	*s = *of;
	s->listen_fd = dup(of->listen_fd);
	assert_true(s->listen_fd >= 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

void scripted_return(struct scripted *s)
{
	begin(s);
}

void scripted_leave(struct scripted *s)
{
	shutdown(s->listen_fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listen_fd);
}

void scripted_stop(struct scripted *s)
{
	scripted_leave(s);
	assert_int_equal(s->failures, 0);
}
