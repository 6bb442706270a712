/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An iSCSI target that does what a test's script says, in a thread of its own: for what no real target can be made to
 * do. RFC 7143 11.
 */
#ifndef TEST_SCRIPTED_H
#define TEST_SCRIPTED_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PDU_NOP_OUT = 0x00,
	PDU_COMMAND = 0x01,
	PDU_TMF = 0x02,
	PDU_LOGIN = 0x03,
	PDU_TEXT = 0x04,
	PDU_DATA_OUT = 0x05,
	PDU_LOGOUT = 0x06,
	PDU_NOP_IN = 0x20,
	PDU_RESPONSE = 0x21,
	PDU_TMF_RESPONSE = 0x22,
	PDU_LOGIN_RESPONSE = 0x23,
	PDU_TEXT_RESPONSE = 0x24,
	PDU_DATA_IN = 0x25,
	PDU_LOGOUT_RESPONSE = 0x26,
	PDU_R2T = 0x31,
	PDU_ASYNC = 0x32,
};

struct pdu {
	uint8_t bhs[48];
	uint32_t len; /* of data */
	uint8_t data[65536];
};

struct scripted {
	int listen_fd, fd; /* fd: -1 when there is no connection */
	uint16_t port;
	char uri[128];
	pthread_t thread;
	void (*script)(struct scripted *s);
	uint32_t stat_sn, exp_cmd_sn, window;
	uint8_t login_class, login_detail; /* what logins are refused with */
	char redirect[64];                 /* TargetAddress of a refusal */
	uint16_t group;                    /* target portal group tag; 0: 1 */
	char send_targets[512];            /* what text requests are answered with: KEY=VALUE lines */
	int n_connections;
	bool small_buffers;   /* the kernel takes little */
	_Atomic int step;     /* for test and script to tell each other how far they are */
	struct pdu in;        /* last received */
	_Atomic int failures; /* what the script found wrong */
};

/* Starts listening; @script runs once per connection, until it returns; then the connection is closed. */
void scripted_start(struct scripted *s, void (*script)(struct scripted *s));
/* Takes connections at @of's port, too, with the same script: so there can be two at a time. Stop @of first. */
void scripted_share(struct scripted *s, struct scripted *of);
/* Listens no more; waits for the script to end. */
void scripted_leave(struct scripted *s);
/* Serves again, at the same port. */
void scripted_return(struct scripted *s);
/* Waits for the script to end. */
void scripted_stop(struct scripted *s);

/* ---- for scripts; they return false when the connection ended or nothing came for 5 s ---- */

bool script_login(struct scripted *s);
bool script_recv(struct scripted *s);
/* Receives until a PDU with @opcode comes; signs of life, text requests and logouts are answered on the way. */
bool script_expect(struct scripted *s, uint8_t opcode);
/* Sends; @len bytes of data are put behind @bhs, whose lengths and sequence numbers are filled in. */
bool script_send(struct scripted *s, uint8_t bhs[48], const void *data, uint32_t len);
/* Response to the command with BHS @cmd. @flags: residual bits. */
bool script_respond(struct scripted *s, const uint8_t cmd[48], uint8_t response, uint8_t status, uint8_t flags,
		    uint32_t resid, const void *data, uint32_t len);
/* Data-in for the command with BHS @cmd. */
bool script_data_in(struct scripted *s, const uint8_t cmd[48], uint32_t offset, uint32_t len, uint8_t fill);
bool script_tmf_response(struct scripted *s, const uint8_t tmf[48], uint8_t response);
/* Waits until the test has set step to @n at least. */
bool script_wait_step(struct scripted *s, int n);
/* Answers everything with GOOD until the connection ends: reads with zeros. */
void script_serve(struct scripted *s);

#endif
