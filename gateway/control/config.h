/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration file as the gateway's own structures: read, checked, with defaults filled in. Nothing is opened
 * here: back-ends and devices come later (backends.h, listeners.h). Layer: control. Knows base, proto, schema.
 */
#ifndef CONTROL_CONFIG_H
#define CONTROL_CONFIG_H

#include "../base/log.h"
#include "arena.h"
#include "problems.h"
#include "schema.h"

#include <stdbool.h>
#include <stdint.h>

/* Where the daemon keeps its sockets when the file does not say; srpgwctl looks there too. */
#define CONFIG_RUNTIME_DIR "/run/srpgw"

enum config_fabric { CONFIG_FABRIC_RDMA, CONFIG_FABRIC_IB, CONFIG_FABRIC_IWARP };
extern const char *const config_fabric_names[];
extern const char *const config_after_hold_names[]; /* by enum after_hold of core */

struct config_listen {
	int fabric; /* enum config_fabric */
	char *address;
	uint32_t port;
	int crc; /* enum config_crc */
};

enum config_crc { CONFIG_CRC_REQUIRED, CONFIG_CRC_OPTIONAL };

struct config_chap {
	char *user, *secret_file;
	char *mutual_user, *mutual_secret_file;
};

/* Complete after config_check(): one name for all hosts is shared, and has the name. */
struct config_identity {
	bool shared;
	char *initiator_name;
};

struct config_backend {
	char *name;
	char *uri;
	struct schema_strings portals;
	bool discover_portals;
	uint32_t portal_group, failback_seconds; /* 0: not given */
	struct config_identity identity;
	struct config_chap chap;
	uint32_t hold_seconds, retry_ms, retry_max_ms, fence_ms, max_detached, max_sessions;
	int after_hold; /* enum after_hold of core */
	uint32_t queue_depth;
	uint64_t max_inflight_bytes;
	struct schema_list settings; /* struct schema_setting */
};

/* 0: no limit */
struct config_rates {
	uint32_t iops;
	uint64_t bytes_per_second;
};

struct config_lun {
	struct schema_lun lun, backend_lun;
	char *backend;
	bool all;
	struct config_rates rates;
	uint32_t queue_depth;
};

struct config_group {
	char *name;
	char *initiator_name;
	struct schema_strings initiators;
	struct schema_list luns; /* struct config_lun */
	struct config_rates rates;
};

struct config_target {
	char *name;
	struct schema_guid id_ext, ioc_guid; /* filled in by config_load() when they were left out */
	struct schema_strings initiators;
	struct schema_list luns;   /* struct config_lun */
	struct schema_list groups; /* struct config_group */
	int async_events;	   /* enum async_events of core */
	struct config_rates rates; /* of initiators */
};

struct config_limits {
	uint32_t req_lim;
	uint32_t max_sessions, max_channels, max_channels_per_session;
	uint32_t max_it_iu_len_bytes, max_imm_data_offset_bytes, max_table_entries;
	uint64_t max_transfer_bytes;
	uint32_t max_tasks, max_ios;
	uint32_t tmf_answer_ms, session_linger_ms, registration_linger_ms;
	bool immediate_data, allow_address_move;
};

struct config {
	char *name, *state_dir, *runtime_dir;
	int log_level;	   /* enum log_level */
	uint32_t reactors; /* 0: as many as there are processors, at most 4 */
	uint32_t busy_poll_us;
	uint64_t pool_bytes; /* per reactor */
	struct config_limits limits;
	struct schema_list listen;   /* struct config_listen */
	struct schema_list backends; /* struct config_backend */
	struct schema_list targets;  /* struct config_target */

	char *file; /* as given to config_load() */
	char *text; /* of the file, so that a later finding can name its place: see config_problems() */
	size_t text_len;
	json_t *root;
	struct arena arena;
};

/* The table of keys of the whole file. */
extern const struct schema_object config_schema;

/**
 * config_load() - read and check a file.
 * @problems: zero-initialized; gets everything that is wrong; the caller prints and frees it.
 * @out: set on success only; free it with config_free().
 * Return: 0; -EINVAL with at least one problem; -errno of reading the file, with one.
 */
int config_load(const char *file, struct config **out, struct problems *problems) WARN_UNUSED;
/* The same for text that was read already: @len bytes of @text, malloc'ed, taken over also on failure. @file: for the
 * problems. */
int config_parse(const char *file, char *text, size_t len, struct config **out, struct problems *problems) WARN_UNUSED;
void config_free(struct config *c);

/* Problems found later, in the text of @c, which must outlive their making (not their printing). */
struct problems config_problems(const struct config *c);

/*
 * What goes beyond single values: references, duplicates, patterns, URIs. Fills in identifiers that were left out.
 * Return: 0 or -ENOMEM; what is wrong goes to @problems.
 */
int config_check(struct config *c, struct problems *problems) WARN_UNUSED;

/* Form of a back-end's URI. Return: true, or false with @cause and @cure (both at least 256 bytes). */
bool config_uri_ok(const char *uri, char *cause, char *cure, size_t cap);
/* HOST:PORT, [V6]:PORT, HOST; a name or an address. */
bool config_portal_ok(const char *portal);

/* The i-th item of a list; no bounds check. */
#define CONFIG_ITEM(list, type, i) (&((type *)(list)->item)[i])

#endif
