/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RAM disk: one sparse store per target, shared by every path on every reactor; each path is one I_T nexus with its own
 * unit attentions and reservations' view. Commands end inside submit(). Knows <srpgw/bridge.h> and libc only.
 *
 * Between threads: the store is read and written through relaxed atomics (store.c), a nexus' unit attentions and access
 * class are atomics that others may set; what is rare (attach, detach, reservations, resets) takes the target's mutex.
 */
#ifndef MEM_MEM_H
#define MEM_MEM_H

#include <srpgw/bridge.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#define MEM_MAX_LUS 1024u
#define MEM_MAX_TRANSFER_BYTES (64u << 20)
#define MEM_MAX_CAW_BLOCKS 32u
#define MEM_MAX_REGISTRATIONS 64u
#define MEM_NEXUS_KEY_LEN 32u

/* What a nexus may do on a logical unit, from least to most restricted; a command says how much it bears. */
enum mem_access {
	MEM_ACCESS_FULL,
	MEM_ACCESS_PR_WRITE_EXCLUSIVE, /* another's persistent reservation lets read */
	MEM_ACCESS_PR_EXCLUSIVE,       /* another's persistent reservation */
	MEM_ACCESS_RESERVED,           /* another's RESERVE(6) */
};

/* Pending unit attentions, one bit each; reported lowest bit first. */
enum mem_ua {
	MEM_UA_POWER_ON = 1 << 0,               /* 29/00 */
	MEM_UA_LU_RESET = 1 << 1,               /* 29/03 */
	MEM_UA_COMMANDS_CLEARED = 1 << 2,       /* 2F/00 */
	MEM_UA_RESERVATIONS_PREEMPTED = 1 << 3, /* 2A/03 */
	MEM_UA_RESERVATIONS_RELEASED = 1 << 4,  /* 2A/04 */
	MEM_UA_REGISTRATIONS_PREEMPTED = 1 << 5, /* 2A/05 */
};

struct mem_registration {
	uint8_t nexus[MEM_NEXUS_KEY_LEN];
	uint64_t key;
};

struct mem_lu {
	uint8_t *base;          /* n_blocks << block_shift bytes */
	atomic_flag caw_lock;   /* COMPARE AND WRITE against COMPARE AND WRITE */
	_Atomic bool stopped;   /* START STOP UNIT */

	/* under the target's mutex */
	struct mem_path *reserved_by; /* RESERVE(6) */
	struct mem_registration reg[MEM_MAX_REGISTRATIONS];
	uint32_t n_reg, pr_generation;
	uint8_t pr_type;          /* 0: no persistent reservation */
	uint8_t pr_holder[MEM_NEXUS_KEY_LEN];
};

/* One nexus' view of one logical unit. */
struct mem_view {
	_Atomic uint32_t ua;    /* bits of enum mem_ua */
	_Atomic uint8_t access; /* enum mem_access */
};

struct mem_tmf {
	STAILQ_ENTRY(mem_tmf) node;
	struct srpgw_tmf *tmf;
};

struct mem_path {
	struct mem_target *target;
	struct srpgw_path_ctx *ctx;
	struct srpgw_timer *later; /* what must not happen inside the host's call */
	bool up;
	STAILQ_HEAD(mem_tmf_list, mem_tmf) tmfs;
	void (*detached)(void *arg);
	void *detached_arg;
	uint64_t n_commands; /* the path's reactor only */
	uint8_t nexus[MEM_NEXUS_KEY_LEN];
	LIST_ENTRY(mem_path) node; /* target's mutex */
	struct mem_view view[];    /* n_lu */
};

struct mem_target {
	const struct srpgw_host *host;
	uint32_t n_lu, block_shift;
	uint64_t n_blocks; /* per logical unit */
	uint8_t id[8];     /* NAA locally assigned; a logical unit adds its number */
	void *arena;
	size_t arena_bytes;
	struct mem_lu *lu;
	pthread_mutex_t lock;
	LIST_HEAD(mem_path_list, mem_path) paths;
};

/* A command in execution: on the stack of submit(). */
struct mem_cmd {
	struct mem_target *t;
	struct mem_path *path;
	struct srpgw_io *io;
	const uint8_t *cdb;
	struct mem_lu *lu; /* NULL: no such logical unit, or the REPORT LUNS well-known one */
	uint32_t lu_number;
	bool well_known;
};

/* ---- uri.c ---- */

struct mem_conf {
	uint64_t bytes; /* per logical unit */
	uint32_t block_bytes, n_lu;
	bool has_id;
	uint8_t id[8];
};
/* "mem:64M?bs=4096&luns=2&id=3...". Return: 0 or -EINVAL with @why. */
int mem_uri_parse(const char *uri, struct mem_conf *out, char *why, size_t why_cap);

/* ---- store.c: the only code that touches the store ---- */

/* @off, @len in bytes inside the logical unit; iovecs of the command are long enough (skip + len). */
void mem_store_to_iov(const uint8_t *store, const struct srpgw_io *io, size_t len);
void mem_iov_to_store(uint8_t *store, const struct srpgw_io *io, size_t skip, size_t len);
/* Return: offset of the first byte that differs, or @len. */
size_t mem_store_compare(const uint8_t *store, const struct srpgw_io *io, size_t len);
void mem_store_fill(uint8_t *store, const uint8_t *block, size_t block_bytes, uint64_t n_blocks);
/* Zeroes; whole pages go back to the system. */
void mem_store_discard(uint8_t *store, size_t len);
void mem_buf_to_iov(const struct srpgw_io *io, const void *buf, size_t len);
void mem_iov_to_buf(const struct srpgw_io *io, void *buf, size_t len);

/* ---- reply.c: status, sense and residual of a command ---- */

/* ASC << 8 | ASCQ */
enum mem_asc {
	MEM_ASC_LU_STOPPED = 0x0402, /* initializing command required */
	MEM_ASC_PARAM_LIST_LENGTH = 0x1a00,
	MEM_ASC_MISCOMPARE = 0x1d00,
	MEM_ASC_INVALID_OPCODE = 0x2000,
	MEM_ASC_LBA_RANGE = 0x2100,
	MEM_ASC_FIELD_IN_CDB = 0x2400,
	MEM_ASC_LU_NOT_SUPPORTED = 0x2500,
	MEM_ASC_FIELD_IN_PARAM = 0x2600,
	MEM_ASC_RELEASE_INVALID = 0x2604, /* invalid release of persistent reservation */
	MEM_ASC_SAVING = 0x3900,
	MEM_ASC_NO_REGISTRATION_ROOM = 0x5504,
};

enum {
	MEM_NO_SENSE = 0x0,
	MEM_NOT_READY = 0x2,
	MEM_ILLEGAL_REQUEST = 0x5,
	MEM_UNIT_ATTENTION = 0x6,
	MEM_MISCOMPARE = 0xe
};
enum { MEM_GOOD = 0x00, MEM_CHECK_CONDITION = 0x02, MEM_RESERVATION_CONFLICT = 0x18 };

/* Fixed format sense. @field: CDB or parameter byte for the field pointer, or -1. Return: 18. */
size_t mem_sense_build(uint8_t buf[18], uint8_t key, uint16_t asc, int field, bool in_cdb);
void mem_check(struct mem_cmd *c, uint8_t key, uint16_t asc);
void mem_bad_field(struct mem_cmd *c, int cdb_byte);
void mem_bad_param(struct mem_cmd *c, int param_byte);
void mem_miscompare(struct mem_cmd *c, uint64_t offset);
void mem_status(struct mem_cmd *c, uint8_t status);
/* Data-in from a buffer: the smaller of @len, @alloc_len and what the host takes moves. */
void mem_reply(struct mem_cmd *c, const void *buf, size_t len, size_t alloc_len);
/*
 * How many of @wanted bytes move in direction @dir; sets the residual. All of the host's buffer counts as unused when
 * the command's direction is another.
 */
size_t mem_transfer(struct mem_cmd *c, uint8_t dir, uint64_t wanted);

/* ---- ops.c ---- */

struct mem_op {
	uint8_t opcode;
	int8_t service_action; /* -1: none; else in the low five bits of byte 1 */
	uint8_t cdb_len;
	uint8_t max_access;    /* enum mem_access: conflicts when the nexus' access is worse */
	uint8_t flags;
	uint8_t usage[16];     /* bits of the CDB that are looked at; others must be zero */
	void (*fn)(struct mem_cmd *c);
};
enum { MEM_OP_ANY_LU = 1, MEM_OP_PAST_UA = 2, MEM_OP_MEDIUM = 4 };

void mem_execute(struct mem_cmd *c);
extern const struct mem_op mem_ops[];
extern const size_t mem_n_ops;

/* ---- handlers, named after their command ---- */
void mem_op_inquiry(struct mem_cmd *c);
void mem_op_report_luns(struct mem_cmd *c);
void mem_op_request_sense(struct mem_cmd *c);
void mem_op_report_opcodes(struct mem_cmd *c);
void mem_op_read(struct mem_cmd *c);
void mem_op_write(struct mem_cmd *c);
void mem_op_verify(struct mem_cmd *c);
void mem_op_sync_cache(struct mem_cmd *c);
void mem_op_compare_and_write(struct mem_cmd *c);
void mem_op_write_same(struct mem_cmd *c);
void mem_op_unmap(struct mem_cmd *c);
void mem_op_read_capacity_10(struct mem_cmd *c);
void mem_op_read_capacity_16(struct mem_cmd *c);
void mem_op_mode_sense(struct mem_cmd *c);
void mem_op_nothing(struct mem_cmd *c); /* TEST UNIT READY and others that just succeed */
void mem_op_start_stop(struct mem_cmd *c);
void mem_op_reserve_6(struct mem_cmd *c);
void mem_op_release_6(struct mem_cmd *c);
void mem_op_pr_in(struct mem_cmd *c);
void mem_op_pr_out(struct mem_cmd *c);

/* ---- nexus.c: unit attentions and access ---- */

/* Takes the first pending unit attention. Return: ASC << 8 | ASCQ, or 0 when none is pending. */
uint16_t mem_ua_take(struct mem_path *p, uint32_t lu);
/* Target's mutex held. Raises @ua on logical unit @lu for every nexus but @except (NULL: for all). */
void mem_ua_raise(struct mem_target *t, uint32_t lu, uint32_t ua, const struct mem_path *except);
/* Target's mutex held. Works out every nexus' access to @lu anew. */
void mem_access_update(struct mem_target *t, uint32_t lu);
void mem_lu_reset(struct mem_path *by, uint32_t lu);
struct mem_registration *mem_find_registration(struct mem_lu *lu, const uint8_t nexus[MEM_NEXUS_KEY_LEN]);

/* "Number of the logical unit" of an 8-byte LUN: peripheral or flat addressing, one level. Return: -1 other forms. */
int32_t mem_lun_number(const uint8_t lun[8]);

/* ---- big-endian fields ---- */
static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline uint64_t get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

static inline void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static inline void put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)(v >> 32));
	put32(p + 4, (uint32_t)v);
}

#endif
