/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Logs in and out, and waits for single commands.
 * Layer: tools.
 */
#include "srpio_session.h"

#include "../base/log.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>

/* ---- identity and address ---- */

static uint64_t fnv1a(const char *text)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 0x100000001b3ull;
	return h;
}

void srpio_port_id(const struct srpio_options *o, uint8_t out[SRP_PORT_ID_LEN])
{
	static const uint8_t ours[8] = { 's', 'r', 'p', 'i', 'o' };
	char machine[128] = "";
	FILE *f = fopen("/etc/machine-id", "re");
	uint64_t h;

	if (f) {
		if (!fgets(machine, sizeof(machine), f))
			machine[0] = '\0';
		fclose(f);
	}
	if (!machine[0])
		gethostname(machine, sizeof(machine) - 1);
	h = fnv1a(machine);
	memcpy(out, o->has_initiator_ext ? o->initiator_ext : ours, 8);
	for (int i = 15; i >= 8; i--, h >>= 8)
		out[i] = (uint8_t)h;
}

static int resolve(const char *host, uint16_t port, struct fabric_addr *out, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	char service[8];
	int rc;

	if (!fabric_addr_parse(host, port, out))
		return 0;
	snprintf(service, sizeof(service), "%u", port);
	rc = getaddrinfo(host, service, &hints, &list);
	if (rc) {
		err_set(e, -EHOSTUNREACH, "%s: %s", host, gai_strerror(rc));
		err_cure(e, "check the name in --target or --source");
		return -EHOSTUNREACH;
	}
	memset(out, 0, sizeof(*out));
	memcpy(&out->ss, list->ai_addr, list->ai_addrlen);
	out->ss_len = list->ai_addrlen;
	freeaddrinfo(list);
	return 0;
}

/* ---- events ---- */

static void on_login(void *ctx, int code, const char *why, uint32_t reject_reason)
{
	struct srpio_session *s = ctx;

	s->login_over = true;
	s->code = code;
	s->reject_reason = reject_reason;
	snprintf(s->why, sizeof(s->why), "%s", why ? why : "");
}

static void on_lost(void *ctx, const char *why)
{
	struct srpio_session *s = ctx;

	if (!s->lost)
		snprintf(s->why, sizeof(s->why), "%s", why ? why : "");
	s->lost = true;
}

static void on_logout(void *ctx)
{
	((struct srpio_session *)ctx)->logout_over = true;
}

static void on_signal(struct reactor_watch *w, uint32_t revents)
{
	struct srpio_session *s = container_of(w, struct srpio_session, signals);
	struct signalfd_siginfo info;

	(void)revents;
	if (read(w->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (s->interrupted) /* the second one does not wait for the target */
		_exit(1);
	s->interrupted = true;
}

static void on_wait(struct reactor_timer *t)
{
	(void)t; /* the loop looks at timer_armed() */
}

static int watch_signals(struct srpio_session *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	s->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals.fd < 0)
		return -errno;
	s->signals.fn = on_signal;
	s->signals.events = EPOLLIN;
	return reactor_watch_add(s->reactor, &s->signals);
}

/* ---- login ---- */

static int login_err(struct srpio_session *s, struct err *e)
{
	if (s->reject_reason) {
		err_set(e, s->code, "login refused: %s (reason %08xh)", srp_rej_reason_name(s->reject_reason), s->reject_reason);
		if (s->reject_reason == SRP_REJ_NO_NEXUS)
			err_cure(e, "check --id-ext and --ioc-guid, and that the target lets this initiator in");
		return s->code;
	}
	err_set(e, s->code, "login failed: %s", s->why[0] ? s->why : strerror(-s->code));
	if (s->code == -ECONNREFUSED || s->code == -ETIMEDOUT)
		err_cure(e, "check --target, and that the gateway listens there (srpgwctl status)");
	return s->code;
}

static int login(struct srpio_session *s, const struct srpio_fabric *fabric, struct err *e)
{
	const struct srpio_options *o = s->o;
	struct fabric_addr src;
	struct initiator_params p = {
		.fabric = s->fabric,
		.reactor = s->reactor,
		.form = fabric->form,
		.n_channels = o->channels,
		.immediate_data = !o->no_immediate_data,
		.queue_size = o->depth < 64 ? 64 : o->depth,
		.timeout_ms = o->timeout_ms,
		.arena = s->arena,
		.arena_bytes = s->arena_bytes,
		.login_done = on_login,
		.lost = on_lost,
		.ctx = s,
	};
	uint64_t start_ns = reactor_clock_ns(s->reactor);
	int rc = resolve(o->host, o->port, &p.dst, e);

	if (!rc && o->source)
		rc = resolve(o->source, 0, &src, e);
	if (rc)
		return rc;
	p.src = o->source ? &src : NULL;
	memcpy(p.i_port_id, s->i_port_id, sizeof(p.i_port_id));
	memcpy(p.t_port_id, s->t_port_id, sizeof(p.t_port_id));
	rc = initiator_create(&p, &s->ini, e);
	if (!rc)
		rc = initiator_login(s->ini, e);
	if (rc)
		return rc;
	while (!s->login_over && !s->interrupted)
		reactor_poll(s->reactor, -1);
	if (!s->login_over)
		return err_set(e, -EINTR, "interrupted");
	s->login_ns = reactor_clock_ns(s->reactor) - start_ns;
	return s->code ? login_err(s, e) : 0;
}

int srpio_session_open(struct srpio_session *s, const struct srpio_options *o, const struct srpio_fabric *fabric,
		       size_t io_bytes, struct err *e)
{
	int rc;

	memset(s, 0, sizeof(*s));
	s->o = o;
	s->signals.fd = -1;
	timer_init(&s->wait, on_wait);
	srpio_port_id(o, s->i_port_id);
	memcpy(s->t_port_id, o->id_ext, 8);
	memcpy(s->t_port_id + 8, o->ioc_guid, 8);
	if (!scsi_lun_from_number(o->lun, s->lun))
		return err_set(e, -EINVAL, "--lun %u: out of range", o->lun);
	rc = reactor_create("srpio", &s->reactor);
	if (!rc)
		rc = watch_signals(s);
	if (rc)
		return err_set(e, rc, "cannot start: %s", strerror(-rc));
	s->arena_bytes = SRPIO_CONTROL_BYTES + io_bytes;
	s->arena = mmap(NULL, s->arena_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->arena == MAP_FAILED) {
		s->arena = NULL;
		err_set(e, -ENOMEM, "no memory for %zu MiB of buffers", s->arena_bytes >> 20);
		err_cure(e, "choose a smaller --bs or --depth");
		return -ENOMEM;
	}
	rc = fabric->create(s->reactor, o, &s->fabric, e);
	return rc ? rc : login(s, fabric, e);
}

void srpio_session_close(struct srpio_session *s)
{
	if (s->ini) {
		initiator_logout(s->ini, true, on_logout, s);
		while (!s->logout_over)
			reactor_poll(s->reactor, -1);
		initiator_destroy(s->ini);
	}
	if (s->fabric)
		s->fabric->ops->destroy(s->fabric);
	if (s->signals.fd >= 0) {
		reactor_watch_del(s->reactor, &s->signals);
		close(s->signals.fd);
	}
	if (s->arena)
		munmap(s->arena, s->arena_bytes);
	if (s->reactor)
		reactor_destroy(s->reactor);
	memset(s, 0, sizeof(*s));
}

/* ---- single commands ---- */

enum srpio_verdict srpio_judge(const struct initiator_cmd *c)
{
	struct scsi_sense sense;

	if (c->code || (c->has_rsp_code && c->rsp_code != SRP_RSP_CODE_OK))
		return SRPIO_FAILED;
	switch (c->status) {
	case SCSI_GOOD:
	case SCSI_CONDITION_MET:
		return SRPIO_OK;
	case SCSI_BUSY:
	case SCSI_TASK_SET_FULL:
		return SRPIO_LATER;
	case SCSI_CHECK_CONDITION:
		if (!scsi_sense_parse(c->sense, c->sense_len, &sense))
			return SRPIO_FAILED;
		if (sense.key == SCSI_UNIT_ATTENTION)
			return SRPIO_AGAIN;
		if (sense.key == SCSI_NOT_READY && sense.asc == 0x04 && (sense.ascq == 0x01 || sense.ascq == 0x0a))
			return SRPIO_LATER;
		return SRPIO_FAILED;
	default:
		return SRPIO_FAILED;
	}
}

int srpio_cmd_err(const struct srpio_session *s, const struct initiator_cmd *c, const char *what, struct err *e)
{
	char text[192];

	if (c->code) {
		err_set(e, -ENOTCONN, "%s: the connection was lost%s%s", what, s->why[0] ? ": " : "", s->why);
		return -ENOTCONN;
	}
	if (c->has_rsp_code && c->rsp_code != SRP_RSP_CODE_OK)
		return err_set(e, -EIO, "%s: the target answered with SRP response code %u", what, c->rsp_code);
	return err_set(e, -EIO, "%s: %s", what, srpio_outcome_text(c->status, c->sense, c->sense_len, text, sizeof(text)));
}

static void on_cmd(struct initiator_cmd *c)
{
	((struct srpio_session *)c->ctx)->cmd_over = true;
}

static int run_once(struct srpio_session *s)
{
	s->cmd_over = false;
	initiator_submit(s->ini, &s->cmd);
	while (!s->cmd_over && !s->interrupted)
		reactor_poll(s->reactor, -1);
	return s->cmd_over ? 0 : -EINTR;
}

static int wait_later(struct srpio_session *s)
{
	timer_arm_in(s->reactor, &s->wait, SRPIO_LATER_NS);
	while (timer_armed(&s->wait) && !s->interrupted)
		reactor_poll(s->reactor, -1);
	timer_cancel(s->reactor, &s->wait);
	return s->interrupted ? -EINTR : 0;
}

int srpio_exec(struct srpio_session *s, const uint8_t lun[8], const uint8_t cdb[SRPIO_CDB_LEN], uint32_t data_in_bytes,
	       uint32_t *got, struct err *e)
{
	uint64_t end_ns = reactor_clock_ns(s->reactor) + SRPIO_PATIENCE_NS;
	struct initiator_cmd *c = &s->cmd;
	char name[16];

	for (unsigned n_again = 0;;) {
		enum srpio_verdict verdict;
		int rc;

		memset(c, 0, sizeof(*c));
		memcpy(c->lun, lun, 8);
		memcpy(c->cdb, cdb, SRPIO_CDB_LEN);
		c->dir = data_in_bytes ? INITIATOR_READ : INITIATOR_NONE;
		c->buf = s->arena;
		c->len_bytes = data_in_bytes;
		c->channel = UINT32_MAX;
		c->done = on_cmd;
		c->ctx = s;
		rc = run_once(s);
		verdict = rc ? SRPIO_FAILED : srpio_judge(c);
		if (!rc && verdict == SRPIO_LATER && reactor_clock_ns(s->reactor) < end_ns)
			rc = wait_later(s);
		else if (verdict == SRPIO_OK)
			break;
		else if (!rc && (verdict != SRPIO_AGAIN || ++n_again > SRPIO_AGAIN_MAX))
			return srpio_cmd_err(s, c, scsi_op_name(cdb[0], name), e);
		if (rc)
			return err_set(e, rc, "interrupted");
	}
	if (got)
		*got = data_in_bytes - (c->resid_under < data_in_bytes ? c->resid_under : data_in_bytes);
	return 0;
}
