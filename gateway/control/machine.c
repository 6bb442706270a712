/* SPDX-License-Identifier: BSD-3-Clause */
/* Identifiers that come from the machine, see machine.h. Layer: control. Knows base and libsystemd. */
#include "machine.h"

#include <string.h>
#include <systemd/sd-id128.h>

/* Names this use of the machine's identity; never change it, or every target without "ioc_guid" gets another
 * identifier. */
static const sd_id128_t ioc_guid_use = SD_ID128_MAKE(6b, 1e, 0d, 57, 2f, 34, 4c, 8e, 9a, 63, c1, 7e, 50, d4, 28, b9);

int machine_guid(uint8_t guid[8], struct err *e)
{
	sd_id128_t id;
	int rc = sd_id128_get_machine_app_specific(ioc_guid_use, &id);

	if (rc < 0) {
		err_set(e, rc, "there is no \"ioc_guid\", and none can be made: /etc/machine-id: %s", strerror(-rc));
		err_cure(e, "give the target an \"ioc_guid\", or run systemd-machine-id-setup");
		return rc;
	}
	memcpy(guid, id.bytes, 8);
	return 0;
}
