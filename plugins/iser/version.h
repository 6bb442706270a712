/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which libiscsi is loaded. It has no call that tells its version, and its API number never changed; what it exports
 * tells. Pure but for looking symbols up. Plugin iser; knows libc only.
 */
#ifndef ISER_VERSION_H
#define ISER_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum iser_version {
	ISER_UNKNOWN, /* no iSER in it, or older than what was tried */
	ISER_1_19,    /* works within narrow limits, see mend.h */
	ISER_1_20_0,  /* repaired */
	ISER_1_20_1,  /* or later: locks itself out at the first answer */
	ISER_VERSIONS
};

struct iser_limits {
	const char *name; /* "1.19" */
	uint32_t default_outstanding, most_outstanding; /* commands; 0: not to be used */
	uint32_t max_transfer_bytes;
	/*
	 * Unless told. A connect cannot be broken off: one that was given up still connects when it can, and keeps the
	 * target busy until that gives up, too (LIO after 15 s, and it takes one login at a time). So it gets longer.
	 */
	uint32_t login_timeout_ms;
	bool has_tmf;
	bool must_be_mended;     /* see mend.h */
	bool announces_immediate; /* ... and does not send it: targets must not be offered any */
};

/* @has: is symbol @name there? */
enum iser_version iser_version_of(bool (*has)(void *arg, const char *name), void *arg);
/* Never NULL. */
const struct iser_limits *iser_limits_of(enum iser_version v);
/* Of a library that dlopen() gave. */
enum iser_version iser_version_of_library(void *handle);
/* Of the loaded library that the function or object at @address is in; its file name goes to @file. */
enum iser_version iser_version_at(const void *address, char *file, size_t cap);
/* One line for people about a version that is not used: cause and cure. */
void iser_version_refuse(enum iser_version v, const char *file, char *why, size_t cap);

#endif
