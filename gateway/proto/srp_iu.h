/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SRP information units: decode and encode, both directions.
 *
 * Decoders take the bytes that arrived and their number and never read beyond; they are total, pure, and allocate
 * nothing. What they return borrows from the input buffer. Encoders write a whole IU with every reserved byte zero
 * and return its length, or 0 when it does not fit @cap.
 * Tags are 8 opaque bytes, carried as a uint64_t with memcpy and never byte-swapped.
 * Layer: proto. Knows base only.
 */
#ifndef PROTO_SRP_IU_H
#define PROTO_SRP_IU_H

#include "srp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why a decoder refuses. One cause each, so that the target can answer each as the standard asks. */
enum srp_error {
	SRP_OK = 0,
	SRP_ERR_SHORT,            /* fewer bytes than the IU type needs */
	SRP_ERR_OPCODE,           /* not the opcode that this decoder reads */
	SRP_ERR_IU_LEN_SMALL,     /* LOGIN_REQ asks for less than 64 bytes */
	SRP_ERR_MULTI_ACTION,     /* LOGIN_REQ multichannel action 2 or 3 */
	SRP_ERR_BUF_FORMAT,       /* LOGIN_REQ offers neither direct nor indirect */
	SRP_ERR_ADD_CDB_RESERVED, /* low two bits of byte 31 are set */
	SRP_ERR_DATA_OUT_FORMAT,  /* reserved, or immediate that was not granted */
	SRP_ERR_DATA_IN_FORMAT,   /* reserved, or immediate */
	SRP_ERR_DESC_BOUNDS,      /* descriptors reach beyond the bytes that arrived */
	SRP_ERR_IMM_BOUNDS,       /* immediate data reaches beyond the bytes that arrived, or overlaps the header */
	SRP_ERR_TABLE_LEN,        /* indirect: table no multiple of 16, below the partial list, or over the cap */
	SRP_ERR_DESC_SUM,         /* indirect: descriptors add up to less than the total, or a sum overflows 32 bits */
};
const char *srp_error_name(enum srp_error e); /* "table length", for logs */
const char *srp_opcode_name(uint8_t opcode);  /* "SRP_CMD", or "unknown" */

/* Which LOGIN_REQ layout: the standard's 64 bytes, or Linux' RDMA/CM form of 56 (48 in the oldest kernels) bytes. */
enum srp_login_form { SRP_LOGIN_FORM_NATIVE, SRP_LOGIN_FORM_RDMA_CM };

struct srp_login_req {
	uint64_t tag;
	uint32_t req_it_iu_len; /* bytes */
	uint16_t buf_fmt;
	uint8_t req_flags;
	uint16_t imm_data_offset; /* bytes from the start of the IU */
	uint8_t i_port_id[SRP_PORT_ID_LEN], t_port_id[SRP_PORT_ID_LEN];
};

/**
 * srp_login_req_decode() - rows 1, 3 and 4 of the validation matrix (what does not depend on the target's state).
 * @buf, @len: private data that arrived; bytes after the IU are ignored.
 * @req: filled as far as the bytes reach, also on failure (tag is needed for the reject); zero beyond.
 * Return: SRP_OK, SRP_ERR_SHORT, SRP_ERR_OPCODE, SRP_ERR_IU_LEN_SMALL, SRP_ERR_MULTI_ACTION, SRP_ERR_BUF_FORMAT.
 * Source: SRP r16a LOGIN_REQ; Linux struct srp_login_req_rdma for the RDMA/CM form.
 */
enum srp_error srp_login_req_decode(const void *buf, size_t len, enum srp_login_form form, struct srp_login_req *req);
size_t srp_login_req_encode(const struct srp_login_req *req, enum srp_login_form form, void *buf, size_t cap);

struct srp_login_rsp {
	uint32_t req_lim_delta;
	uint64_t tag;
	uint32_t max_it_iu_len, max_ti_iu_len; /* bytes */
	uint16_t buf_fmt;
	uint8_t rsp_flags;
};
enum srp_error srp_login_rsp_decode(const void *buf, size_t len, struct srp_login_rsp *rsp);
size_t srp_login_rsp_encode(const struct srp_login_rsp *rsp, void *buf, size_t cap);

struct srp_login_rej {
	uint32_t reason; /* enum srp_rej_reason */
	uint64_t tag;
	uint16_t buf_fmt;
};
enum srp_error srp_login_rej_decode(const void *buf, size_t len, struct srp_login_rej *rej);
size_t srp_login_rej_encode(const struct srp_login_rej *rej, void *buf, size_t cap);
const char *srp_rej_reason_name(uint32_t reason); /* text for people */
const char *srp_t_logout_reason_name(uint32_t reason);

/* A memory descriptor: @len_bytes at @va of the peer, by @rkey. */
struct srp_mdesc {
	uint64_t va;
	uint32_t rkey;
	uint32_t len_bytes;
};
/* @p: 16 wire bytes, any alignment. */
struct srp_mdesc srp_mdesc_get(const uint8_t *p);
void srp_mdesc_put(uint8_t *p, struct srp_mdesc d);

/* One data buffer of a command as described by the initiator. */
struct srp_data {
	enum srp_fmt fmt;
	uint32_t len_bytes; /* total length described */
	/* DIRECT: 1. INDIRECT: entries of the partial list in the IU. IMMEDIATE, NONE: 0 */
	uint32_t n_desc;
	const uint8_t *desc; /* n_desc * 16 bytes, borrowed */
	/* INDIRECT: the whole table in the initiator's memory; to be fetched when n_table > n_desc (never below) */
	struct srp_mdesc table;
	uint32_t n_table;
	const uint8_t *imm; /* IMMEDIATE: len_bytes bytes, borrowed */
};

/* What the login fixed for a channel, as far as the decoder must know. */
struct srp_terms {
	bool imm_granted;
	uint16_t imm_data_offset;
	uint32_t max_table_entries; /* cap of an indirect table */
	bool formats_direct, formats_indirect; /* formats in force */
};

struct srp_cmd {
	uint64_t tag;
	uint8_t sol_not;
	uint8_t lun[8];
	uint8_t task_attr; /* low 3 bits */
	uint16_t cdb_len;  /* 16 + additional CDB bytes: up to SRP_CDB_MAX, beyond SPC-4's 260 */
	const uint8_t *cdb;
	struct srp_data data_out, data_in;
};

/**
 * srp_cmd_decode() - rows 6 to 11 of the validation matrix.
 * @cmd: on failure the tag, sol_not and lun are filled if 48 bytes arrived, since ADD_CDB_RESERVED, TABLE_LEN and
 * DESC_SUM are answered by a RSP; trust nothing else of it then.
 * The sum of an indirect table that is not wholly in the IU is checked by srp_table_check() when it was fetched;
 * a partial list may not exceed the total either way.
 * Order: bytes (SHORT, OPCODE, DESC_BOUNDS), formats, IMM_BOUNDS, then the fields that a RSP answers. sol_not keeps its
 * two defined bits; reserved bits and bytes are ignored, and so are bytes behind the last descriptor.
 * Return: SRP_OK, or SRP_ERR_ SHORT, OPCODE, DESC_BOUNDS, DATA_OUT_FORMAT, DATA_IN_FORMAT, IMM_BOUNDS,
 * ADD_CDB_RESERVED, TABLE_LEN, DESC_SUM.
 * Source: SRP r16a CMD and memory descriptors; SRP-2 immediate data.
 */
enum srp_error srp_cmd_decode(const void *buf, size_t len, const struct srp_terms *terms, struct srp_cmd *cmd);

/* Do @n descriptors at @table (16 bytes each) cover @total_bytes within 32 bits? Return: SRP_OK or SRP_ERR_DESC_SUM. */
enum srp_error srp_table_check(const uint8_t *table, uint32_t n, uint32_t total_bytes);

/**
 * srp_cmd_encode() - for initiators. data_out/data_in as decoded form: desc and imm are copied into the IU;
 * INDIRECT writes table, len_bytes and the n_desc partial entries. cdb_len 16..SRP_CDB_MAX in steps of 4.
 * With IMMEDIATE @imm_data_offset says where the data begins; @gather_imm false leaves the data out (the caller sends
 * it as a further segment right after the returned length).
 * Return: bytes, or 0 when it does not fit or is contradictory.
 */
size_t srp_cmd_encode(const struct srp_cmd *cmd, uint16_t imm_data_offset, bool gather_imm, void *buf, size_t cap);

struct srp_tsk_mgmt {
	uint64_t tag;
	uint8_t sol_not;
	uint8_t lun[8];
	uint8_t function; /* enum srp_tmf, not checked here */
	uint64_t task_tag;
};
enum srp_error srp_tsk_mgmt_decode(const void *buf, size_t len, struct srp_tsk_mgmt *tm);
size_t srp_tsk_mgmt_encode(const struct srp_tsk_mgmt *tm, void *buf, size_t cap);

struct srp_rsp {
	uint64_t tag;
	uint8_t sol_not; /* SRP_SOLNT or 0 */
	int32_t req_lim_delta;
	uint8_t flags; /* DOOVER.. DIUNDER; RSPVALID and SNSVALID follow from the members below */
	uint8_t status;
	uint32_t data_out_resid, data_in_resid; /* bytes */
	bool has_rsp_code;
	uint8_t rsp_code; /* enum srp_rsp_code */
	const uint8_t *sense; /* borrowed */
	uint32_t sense_len;   /* bytes; the encoder cuts sense to what fits @cap */
};
/* Sense and response data count only with their VALID bit; either beyond @len is SRP_ERR_SHORT. */
enum srp_error srp_rsp_decode(const void *buf, size_t len, struct srp_rsp *rsp);
size_t srp_rsp_encode(const struct srp_rsp *rsp, void *buf, size_t cap);

/* I_LOGOUT, CRED_RSP, AER_RSP: opcode and tag only. */
enum srp_error srp_simple_decode(const void *buf, size_t len, uint8_t opcode, uint64_t *tag);
size_t srp_simple_encode(uint8_t opcode, uint64_t tag, void *buf, size_t cap);

struct srp_t_logout {
	uint64_t tag;
	uint8_t sol_not;
	uint32_t reason; /* enum srp_t_logout_reason */
};
enum srp_error srp_t_logout_decode(const void *buf, size_t len, struct srp_t_logout *lo);
size_t srp_t_logout_encode(const struct srp_t_logout *lo, void *buf, size_t cap);

struct srp_cred_req {
	uint64_t tag;
	uint8_t sol_not;
	int32_t req_lim_delta;
};
enum srp_error srp_cred_req_decode(const void *buf, size_t len, struct srp_cred_req *cr);
size_t srp_cred_req_encode(const struct srp_cred_req *cr, void *buf, size_t cap);

struct srp_aer_req {
	uint64_t tag;
	uint8_t sol_not;
	int32_t req_lim_delta;
	uint8_t lun[8];
	const uint8_t *sense;
	uint32_t sense_len;
};
enum srp_error srp_aer_req_decode(const void *buf, size_t len, struct srp_aer_req *ar);
size_t srp_aer_req_encode(const struct srp_aer_req *ar, void *buf, size_t cap);

#endif
