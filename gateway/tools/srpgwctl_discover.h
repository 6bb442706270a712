/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `srpgwctl discover URI`: what a portal has, by a bridge that is loaded here; no daemon is asked.
 * Layer: tools. Knows base, rt, proto, bridge/host.h and jansson.
 */
#ifndef TOOLS_SRPGWCTL_DISCOVER_H
#define TOOLS_SRPGWCTL_DISCOVER_H

#include "../base/err.h"
#include "../bridge/host.h"
#include "srpio_scsi.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define DISCOVER_TIME_LIMIT_S 30u
#define DISCOVER_MAX_GROUPS 256u
#define DISCOVER_MAX_PORTALS 64u
#define DISCOVER_MAX_LUNS 1024u
#define DISCOVER_NAME_BYTES 224u   /* iSCSI names have at most 223 */
#define DISCOVER_ADDRESS_BYTES 280u

struct discover_options {
	const char *initiator_name; /* NULL: the default */
	const char *chap_user, *chap_secret_file;
	uint32_t time_limit_s;
};

/* A logical unit, as far as it told. */
struct discover_lun {
	uint8_t lun[8];
	bool known;      /* INQUIRY was answered */
	struct srpio_inquiry inquiry;
	bool sized;
	struct srpio_capacity capacity;
	char error[160]; /* what went wrong, or "" */
};

/* One target portal group of one target (RFC 7143 4.2.7): one back-end. */
struct discover_group {
	char target_name[DISCOVER_NAME_BYTES];
	int32_t tag; /* -1: not told */
	char (*portal)[DISCOVER_ADDRESS_BYTES]; /* the target's order */
	size_t n_portal;
	struct discover_lun *lun;
	size_t n_lun;
	bool cut;        /* it has more LUNs than are shown */
	char error[512]; /* why it could not be looked at, or "" */
};

struct discover_result {
	char scheme[32];
	struct discover_group group[DISCOVER_MAX_GROUPS];
	size_t n_group;
	bool cut; /* there were more */
};

/* ---- srpgwctl_discover.c ---- */

/**
 * discover_run() - ask a portal, then each target portal group that it names.
 * @uri: "SCHEME://HOST[:PORT]", with "/TARGET-NAME" that target alone.
 * @out: zeroed by the caller; discover_free() also after an error.
 * Return: 0, also when some of the targets could not be looked at (see their errors); -errno with @e.
 */
int discover_run(const char *uri, const struct discover_options *o, struct discover_result *out, struct err *e) WARN_UNUSED;
void discover_free(struct discover_result *r);

/* ---- srpgwctl_discover_scan.c ---- */

struct reactor;

/*
 * Opens a session to the first portal of @g, and asks for the logical units and what they are. What goes wrong is
 * noted in @g. @deadline_ns: on the reactor's clock.
 */
void discover_scan(struct bridge_host *h, struct reactor *r, const struct srpgw_setting *settings, size_t n_settings,
		   const char *scheme, const char *initiator_name, uint64_t deadline_ns, struct discover_group *g);

/* ---- srpgwctl_discover_host.c ---- */

/* The host's side of the bridge interface, over one reactor: what a bridge gets as struct srpgw_reactor is @r itself. */
void discover_host_services(struct srpgw_host *host);
/* Work that bridges gave to helper threads and that is not done. */
unsigned discover_host_n_works(void);
/*
 * Commands and paths of the scan: answers and events are noted here. A program has one reactor thread and scans one path
 * at a time.
 */
struct discover_io {
	struct srpgw_io pub; /* first: a bridge gives it back */
	struct iovec iov;
	bool done;
};
struct discover_path {
	struct srpgw_bridge_path *path;
	bool up, down, detached;
	char why[400]; /* of DOWN */
};

/* ---- srpgwctl_discover_show.c, srpgwctl_discover_conf.c: pure ---- */

/* For people. */
void discover_print(const struct discover_result *r, FILE *out);
/* For programs, with the configuration. NULL: out of memory. */
json_t *discover_json(const struct discover_result *r, const struct discover_options *o);
/*
 * A configuration that srpgwd takes: one back-end and one SRP target for each target portal group, all its LUNs mapped. NULL:
 * out of memory. @chap_secret_file: an absolute path, or NULL.
 */
json_t *discover_config(const struct discover_result *r, const char *chap_user, const char *chap_secret_file);

#endif
