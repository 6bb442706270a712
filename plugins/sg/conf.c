/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A local device's URI, sg:/dev/NODE, and its settings. Pure.
 */
#include "sg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char sg_settings_help[] =
    "max_outstanding: commands at the device at a time, per host, 32; at most 128\n"
    "timeout_ms: what the kernel grants a command that moves data or asks something, 60000; others may take for ever\n"
    "reservations: refuse (default), or pass; hosts cannot be told apart at a local device, so pass admits one host\n";

static int parse_number(const char *text, uint32_t low, uint32_t high, uint32_t *out)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (errno || *end || v < low || v > high)
		return -EINVAL;
	*out = (uint32_t)v;
	return 0;
}

int sg_conf_parse(const char *uri, const struct srpgw_setting *settings, size_t n_settings, struct sg_conf *out,
		  char *why, size_t why_cap)
{
	*out = (struct sg_conf){ .max_outstanding = 32, .timeout_ms = 60000 };
	if (strncmp(uri, "sg:/", 4) != 0 || strlen(uri + 3) >= sizeof(out->node)) {
		snprintf(why, why_cap,
			 "not a local device's URI; write sg:/dev/sgN, or better sg:/dev/disk/by-id/NAME");
		return -EINVAL;
	}
	memcpy(out->node, uri + 3, strlen(uri + 3) + 1);
	for (size_t i = 0; i < n_settings; i++) {
		const char *key = settings[i].key, *value = settings[i].value;
		int rc = 0;

		if (!strcmp(key, "max_outstanding"))
			rc = parse_number(value, 1, SG_QUEUE_PER_FD * SG_MAX_FDS, &out->max_outstanding);
		else if (!strcmp(key, "timeout_ms"))
			rc = parse_number(value, 1000, 3600000, &out->timeout_ms);
		else if (!strcmp(key, "reservations") && !strcmp(value, "pass"))
			out->pass_reservations = true;
		else if (strcmp(key, "reservations") != 0 || strcmp(value, "refuse") != 0)
			rc = -ENOENT;
		if (rc) {
			snprintf(why, why_cap,
				 "setting \"%s\" is not known, or \"%s\" is no value for it; "
				 "srpgwctl bridges lists the settings",
				 key, value);
			return -EINVAL;
		}
	}
	return 0;
}
