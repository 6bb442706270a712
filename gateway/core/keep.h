/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What was kept of a back-end's last contact: standard INQUIRY data, vital product data pages and the list of its LUNs,
 * as one initiator name was told them. A back-end may show other logical units to another initiator, so nobody is
 * answered with what somebody else was told.
 *
 * Control has the one store. A shard looks only into the immutable set that it was given last; what it learns travels
 * to control as a message and comes back with the next set, KEEP_PUBLISH_MS later at most. Only an answer that is news
 * travels. Layer: core. Source: SPC-4 6.6 (INQUIRY), 6.33 (REPORT LUNS), 7.8 (vital product data).
 */
#ifndef CORE_KEEP_H
#define CORE_KEEP_H

#include "../base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core;
struct path;
struct task;

enum keep_kind {
	KEEP_LUNS,    /* REPORT LUNS parameter data of the target; lun and page are 0 */
	KEEP_INQUIRY, /* standard INQUIRY data; page is 0 */
	KEEP_VPD,     /* a vital product data page */
};

/* Limits. What goes beyond is not kept, and said once. */
#define KEEP_PAGE_BYTES 4096u		     /* of one INQUIRY or VPD page */
#define KEEP_LUNS_BYTES (8u + 8u * 4096u)    /* of one list of LUNs */
#define KEEP_MOST_ANSWERS 16384u	     /* of all back-ends */
#define KEEP_BACKEND_BYTES ((size_t)2 << 20) /* of one back-end, names and bookkeeping included */
#define KEEP_TOTAL_BYTES ((size_t)16 << 20)  /* of all */
#define KEEP_SHARD_NOTES 64u		     /* on their way from one shard; more are left for the next time */
#define KEEP_PUBLISH_MS 50u
#define KEEP_NAME_BYTES 256u /* names of back-ends and initiators, with their NUL */

/* What names an answer. The strings are borrowed. */
struct keep_key {
	const char *backend;
	uint64_t uri_print; /* of the back-end's URI: another URI, another back-end */
	const char *initiator;
	uint8_t lun[8]; /* as the back-end addresses it */
	uint8_t kind;	/* enum keep_kind */
	uint8_t page;
};

struct keep_answer {
	const uint8_t *data;
	uint32_t len_bytes;
	bool cut; /* it was asked for with a short allocation length, and goes on */
};

/* Pure: fingerprint of a URI. */
uint64_t keep_uri_print(const char *uri);

/*
 * Pure: how many of the @len bytes of an answer to a request with an allocation length of @alloc_bytes are worth
 * keeping. 0: its own length fields do not fit the bytes that came, it is of another page, or it is longer than the
 * limits.
 */
uint32_t keep_fit(enum keep_kind kind, uint8_t page, const uint8_t *data, uint32_t len, uint32_t alloc_bytes,
		  bool *cut);

/* ---- the path's shard ---- */

/*
 * The back-end answered with status GOOD and @len bytes of data (copied). @lun, @page: 0 where the kind has none. Cheap
 * when it is no news. An answer that a short allocation length cut never replaces a longer one that begins the same.
 */
void keep_note(const struct path *p, const uint8_t lun[8], enum keep_kind kind, uint8_t page, const uint8_t *data,
	       uint32_t len, uint32_t alloc_bytes);
/* The same for INQUIRY command @t, whose io holds @len bytes. */
void keep_note_inquiry(const struct task *t, uint32_t len);

/*
 * What is kept for a request with an allocation length of @alloc_bytes. @out: valid until the callback returns to the
 * reactor; not yet cut to @alloc_bytes. Return: false when nothing is, or less than this request would have got.
 */
bool keep_find(const struct path *p, const uint8_t lun[8], enum keep_kind kind, uint8_t page, uint32_t alloc_bytes,
	       struct keep_answer *out);

/* For INQUIRY command @t to a mapped logical unit. */
bool keep_find_inquiry(const struct task *t, struct keep_answer *out);

/* ---- control ---- */

/*
 * An answer from an earlier life, with the same care as one from a back-end. Before or while the reactors run.
 * Return: 0; -EINVAL: its lengths do not add up; -ENOSPC: a limit; -ENOMEM.
 */
int core_keep_add(struct core *c, const struct keep_key *key, const uint8_t *data, uint32_t len) WARN_UNUSED;
/* All that is kept for back-ends of the present configuration, in order of their keys. */
void core_keep_for_each(struct core *c, void (*fn)(void *arg, const struct keep_key *key, const struct keep_answer *a),
			void *arg);
/* @fn is called when a back-end told something new; NULL: no more. */
void core_keep_watch(struct core *c, void (*fn)(void *arg), void *arg);

#endif
