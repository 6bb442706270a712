/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * srpio's login: one reactor, one fabric, one nexus, and single commands that wait for their answer. For many commands at
 * once see srpio_io.h.
 * Layer: tools. Knows base, proto, rt and initiator; not which fabrics there are.
 */
#ifndef TOOLS_SRPIO_SESSION_H
#define TOOLS_SRPIO_SESSION_H

#include "../initiator/initiator.h"
#include "srpio_options.h"
#include "srpio_scsi.h"

#define SRPIO_CONTROL_BYTES 65536u /* of the arena, for single commands */

struct srpio_fabric {
	const char *name; /* of --fabric */
	enum srp_login_form form;
	int (*create)(struct reactor *control, const struct srpio_options *o, struct fabric **out, struct err *e);
};

struct srpio_session {
	const struct srpio_options *o;
	struct reactor *reactor;
	struct fabric *fabric;
	struct initiator *ini;
	uint8_t i_port_id[SRP_PORT_ID_LEN], t_port_id[SRP_PORT_ID_LEN];
	uint8_t lun[8];       /* of --lun */
	uint8_t *arena;       /* the first SRPIO_CONTROL_BYTES are for single commands, the rest for srpio_io */
	size_t arena_bytes;
	struct initiator_cmd cmd; /* the last single command */
	uint64_t login_ns;    /* how long the login took */

	bool login_over, cmd_over, logout_over;
	bool lost;            /* a channel went down */
	bool interrupted;     /* by a signal */
	int code;
	char why[256];
	uint32_t reject_reason;
	struct reactor_watch signals;
	struct reactor_timer wait; /* before a command is sent again */
};

/**
 * srpio_session_open() - fabric, memory and login.
 * @io_bytes: wanted beside the memory of single commands.
 * Return: 0 or -errno with @e; either way srpio_session_close() follows.
 */
int srpio_session_open(struct srpio_session *s, const struct srpio_options *o, const struct srpio_fabric *fabric,
		       size_t io_bytes, struct err *e) WARN_UNUSED;
void srpio_session_close(struct srpio_session *s);

/**
 * srpio_exec() - one command, data in at the start of the arena; tried again where the answer says so.
 * Return: 0 with GOOD status and the number of bytes that arrived in @got (NULL allowed); -EIO with @e for any other
 * outcome (s->cmd has it), -ENOTCONN, -EINTR.
 */
int srpio_exec(struct srpio_session *s, const uint8_t lun[8], const uint8_t cdb[SRPIO_CDB_LEN], uint32_t data_in_bytes,
	       uint32_t *got, struct err *e) WARN_UNUSED;

/* What to do about a finished command. Pure. */
enum srpio_verdict {
	SRPIO_OK,
	SRPIO_AGAIN,  /* unit attention: it was told, send it again */
	SRPIO_LATER,  /* BUSY, TASK SET FULL, becoming ready: in a moment */
	SRPIO_FAILED,
};
enum srpio_verdict srpio_judge(const struct initiator_cmd *c);
#define SRPIO_LATER_NS (100 * NS_PER_MS)
#define SRPIO_PATIENCE_NS (60 * NS_PER_S)
#define SRPIO_AGAIN_MAX 16u

/* States in @e why @c failed; @what: "READ at byte 4096". Return: -EIO or -ENOTCONN. */
int srpio_cmd_err(const struct srpio_session *s, const struct initiator_cmd *c, const char *what, struct err *e);

/* Our half of the identity: stable on one machine, and not what the kernel's initiator uses there. */
void srpio_port_id(const struct srpio_options *o, uint8_t out[SRP_PORT_ID_LEN]);

#endif
