/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * srpio's command line, as data. Pure: no files, no network.
 * Layer: tools. Knows base and proto.
 */
#ifndef TOOLS_SRPIO_OPTIONS_H
#define TOOLS_SRPIO_OPTIONS_H

#include "../base/err.h"
#include "../proto/srp.h"

#include <stdbool.h>
#include <stdint.h>

enum srpio_command {
	SRPIO_LOGIN,
	SRPIO_LUNS,
	SRPIO_INQUIRY,
	SRPIO_READ,
	SRPIO_WRITE,
	SRPIO_VERIFY,
	SRPIO_PERF,
	SRPIO_N_COMMANDS,
};

enum srpio_rw { SRPIO_RW_READ, SRPIO_RW_WRITE, SRPIO_RW_RANDREAD, SRPIO_RW_RANDWRITE };

enum srpio_verify_part { SRPIO_VERIFY_BOTH, SRPIO_VERIFY_WRITE, SRPIO_VERIFY_CHECK };

struct srpio_options {
	bool help, version;
	enum srpio_command command;
	/* where to */
	const char *fabric;  /* "rdma" */
	char host[256];      /* name or address, without brackets */
	uint16_t port;       /* default 5555 */
	const char *source;  /* address to connect from, or NULL */
	uint8_t id_ext[8], ioc_guid[8];
	bool has_initiator_ext;
	uint8_t initiator_ext[8];
	uint32_t channels;   /* default 1 */
	uint32_t timeout_ms; /* login; default 10000 */
	bool no_immediate_data;
	bool no_crc; /* iwarp: do not ask for CRCs */
	bool json, quiet, progress, debug;
	/* which logical unit, which part of it */
	uint32_t lun;
	uint64_t offset_bytes;
	uint64_t length_bytes; /* 0: not said */
	uint32_t bs_bytes;     /* 0: not said */
	uint32_t depth;        /* 0: not said */
	/* of single commands */
	const char *file; /* read, write: "-" is standard input or output */
	int vpd_page;     /* inquiry: -1 = standard data */
	uint64_t seed;    /* verify, perf */
	uint32_t generation; /* verify */
	enum srpio_verify_part part;
	enum srpio_rw rw;
	uint32_t seconds; /* perf */
};

/**
 * srpio_options_parse() - read the command line.
 * @argv: borrowed: strings in @o point into it.
 * Return: 0; -EINVAL with @e for what the user must mend.
 */
int srpio_options_parse(int argc, char *const argv[], struct srpio_options *o, struct err *e) WARN_UNUSED;

/* "4096", "4k", "64M", "1GiB"; K, M, G, T are powers of 1024. Return: 0 or -EINVAL. */
int srpio_size_parse(const char *text, uint64_t *bytes) WARN_UNUSED;
/* 1 to 16 hex digits, colons and "0x" allowed, as 8 bytes big-endian. Return: 0 or -EINVAL. */
int srpio_id_parse(const char *text, uint8_t id[8]) WARN_UNUSED;

const char *srpio_command_name(enum srpio_command c);
extern const char srpio_usage[];

#endif
