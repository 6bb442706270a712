/* SPDX-License-Identifier: BSD-3-Clause */
/* Identifiers that come from the machine when the configuration leaves them out. Layer: control. Knows base and
 * libsystemd. */
#ifndef CONTROL_MACHINE_H
#define CONTROL_MACHINE_H

#include "../base/err.h"

#include <stdint.h>

/*
 * A GUID made from /etc/machine-id by a keyed hash, so that it is stable and the machine's identity stays private.
 * Return: 0 or -errno with @e (there is no machine-id).
 */
int machine_guid(uint8_t guid[8], struct err *e) WARN_UNUSED;

#endif
