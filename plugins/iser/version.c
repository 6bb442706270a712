/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which libiscsi is loaded, see version.h. What each version exports and the one before it does not:
 * 1.19 iscsi_set_initial_r2t, 1.20.0 iscsi_force_reconnect, 1.20.1 a service thread.
 */
#include "version.h"

#include <dlfcn.h>
#include <stdio.h>

enum iser_version iser_version_of(bool (*has)(void *arg, const char *name), void *arg)
{
	if (!has(arg, "iscsi_init_transport") || !has(arg, "iscsi_set_initial_r2t"))
		return ISER_UNKNOWN;
	/* The locks that came with threads are what its iSER trips over. */
	if (has(arg, "iscsi_mt_service_thread_start") || has(arg, "iscsi_mt_service_thread_stop"))
		return ISER_1_20_1;
	return has(arg, "iscsi_force_reconnect") ? ISER_1_20_0 : ISER_1_19;
}

const struct iser_limits *iser_limits_of(enum iser_version v)
{
	static const struct iser_limits limits[ISER_VERSIONS] = {
		[ISER_UNKNOWN] = { .name = "unknown" },
		/*
		 * Its buffers hold 256 KiB each. It ignores the command window: past 60 commands LIO drops them, past
		 * 255 it crashes. Task management crashes it, too.
		 */
		[ISER_1_19] = { .name = "1.19", .default_outstanding = 32, .most_outstanding = 32,
				.max_transfer_bytes = 256 << 10, .login_timeout_ms = 20000,
				.must_be_mended = true, .announces_immediate = true },
		/* 512 KiB is what tgt's buffers hold. */
		[ISER_1_20_0] = { .name = "1.20.0", .default_outstanding = 60, .most_outstanding = 256,
				  .max_transfer_bytes = 512 << 10, .login_timeout_ms = 20000, .has_tmf = true },
		[ISER_1_20_1] = { .name = "1.20.1 or later" },
	};

	return &limits[(unsigned)v < ISER_VERSIONS ? v : ISER_UNKNOWN];
}

static bool is_in(void *handle, const char *name)
{
	return dlsym(handle, name) != NULL;
}

enum iser_version iser_version_of_library(void *handle)
{
	return iser_version_of(is_in, handle);
}

enum iser_version iser_version_at(const void *address, char *file, size_t cap)
{
	enum iser_version v = ISER_UNKNOWN;
	Dl_info info;
	void *handle;

	snprintf(file, cap, "libiscsi");
	if (!dladdr(address, &info) || !info.dli_fname)
		return v;
	snprintf(file, cap, "%s", info.dli_fname);
	handle = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	if (!handle)
		return v;
	v = iser_version_of_library(handle);
	dlclose(handle);
	return v;
}

void iser_version_refuse(enum iser_version v, const char *file, char *why, size_t cap)
{
	if (v == ISER_1_20_1)
		snprintf(why, cap,
			 "%s is libiscsi 1.20.1 or later, whose iSER locks itself out at the target's first answer; use "
			 "libiscsi 1.19 or 1.20.0, the bridge iscsi, or the kernel's iSER through the bridge sg", file);
	else
		snprintf(why, cap, "%s is no libiscsi with an iSER that is known; use libiscsi 1.19 or 1.20.0", file);
}
