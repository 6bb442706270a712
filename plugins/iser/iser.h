/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iSER through libiscsi: what the files of this folder share. The session itself is plugins/iscsi's.
 */
#ifndef ISER_H
#define ISER_H

#include "../iscsi/session.h"
#include "version.h"

const struct iser_limits *iser_limits_of_target(const struct srpgw_bridge_target *target);

#endif
