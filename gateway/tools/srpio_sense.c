/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SCSI status and sense data in words (SAM-5 5.3, SPC-4 4.5.6 and annex F).
 * Layer: tools.
 */
#include "srpio_scsi.h"

#include <stdio.h>

static const struct {
	uint8_t asc, ascq;
	const char *text;
} asc_names[] = {
	{ 0x04, 0x00, "logical unit not ready" },
	{ 0x04, 0x01, "logical unit is becoming ready" },
	{ 0x04, 0x02, "initializing command required" },
	{ 0x04, 0x03, "manual intervention required" },
	{ 0x04, 0x04, "format in progress" },
	{ 0x04, 0x0a, "asymmetric access state transition" },
	{ 0x04, 0x0b, "target port in standby state" },
	{ 0x04, 0x0c, "target port in unavailable state" },
	{ 0x04, 0x1b, "sanitize in progress" },
	{ 0x05, 0x00, "logical unit does not respond to selection" },
	{ 0x08, 0x00, "logical unit communication failure" },
	{ 0x08, 0x01, "logical unit communication time-out" },
	{ 0x0c, 0x00, "write error" },
	{ 0x0c, 0x0c, "write error: unexpected unsolicited data" },
	{ 0x0c, 0x0d, "write error: not enough unsolicited data" },
	{ 0x0e, 0x00, "invalid information unit" },
	{ 0x0e, 0x01, "information unit too short" },
	{ 0x0e, 0x02, "information unit too long" },
	{ 0x10, 0x00, "id CRC or ECC error" },
	{ 0x10, 0x01, "guard check failed" },
	{ 0x10, 0x02, "application tag check failed" },
	{ 0x10, 0x03, "reference tag check failed" },
	{ 0x11, 0x00, "unrecovered read error" },
	{ 0x14, 0x00, "recorded entity not found" },
	{ 0x1a, 0x00, "parameter list length error" },
	{ 0x1d, 0x00, "miscompare during verify" },
	{ 0x20, 0x00, "invalid command operation code" },
	{ 0x21, 0x00, "logical block address out of range" },
	{ 0x24, 0x00, "invalid field in CDB" },
	{ 0x25, 0x00, "logical unit not supported" },
	{ 0x26, 0x00, "invalid field in parameter list" },
	{ 0x26, 0x04, "invalid release of persistent reservation" },
	{ 0x27, 0x00, "write protected" },
	{ 0x27, 0x07, "space allocation failed" },
	{ 0x28, 0x00, "not ready to ready change, medium may have changed" },
	{ 0x29, 0x00, "power on, reset, or bus device reset" },
	{ 0x29, 0x01, "power on" },
	{ 0x29, 0x02, "bus reset" },
	{ 0x29, 0x03, "bus device reset function" },
	{ 0x29, 0x04, "device internal reset" },
	{ 0x29, 0x07, "I_T nexus loss" },
	{ 0x2a, 0x01, "mode parameters changed" },
	{ 0x2a, 0x03, "reservations preempted" },
	{ 0x2a, 0x04, "reservations released" },
	{ 0x2a, 0x05, "registrations preempted" },
	{ 0x2a, 0x06, "asymmetric access state changed" },
	{ 0x2a, 0x09, "capacity data has changed" },
	{ 0x2c, 0x00, "command sequence error" },
	{ 0x2f, 0x00, "commands cleared by another initiator" },
	{ 0x31, 0x00, "medium format corrupted" },
	{ 0x3a, 0x00, "medium not present" },
	{ 0x3e, 0x00, "logical unit has not self-configured yet" },
	{ 0x3f, 0x01, "microcode has been changed" },
	{ 0x3f, 0x03, "inquiry data has changed" },
	{ 0x3f, 0x0e, "reported LUNs data has changed" },
	{ 0x44, 0x00, "internal target failure" },
	{ 0x47, 0x00, "SCSI parity error" },
	{ 0x47, 0x03, "information unit CRC error detected" },
	{ 0x49, 0x00, "invalid message error" },
	{ 0x4b, 0x00, "data phase error" },
	{ 0x4e, 0x00, "overlapped commands attempted" },
	{ 0x55, 0x03, "insufficient resources" },
	{ 0x55, 0x04, "insufficient registration resources" },
	{ 0x5d, 0x00, "failure prediction threshold exceeded" },
};

const char *srpio_asc_name(uint8_t asc, uint8_t ascq)
{
	for (unsigned i = 0; i < sizeof(asc_names) / sizeof(*asc_names); i++)
		if (asc_names[i].asc == asc && asc_names[i].ascq == ascq)
			return asc_names[i].text;
	return "";
}

const char *srpio_sense_key_name(uint8_t key)
{
	static const char *const names[16] = {
		"NO SENSE",	  "RECOVERED ERROR", "NOT READY",    "MEDIUM ERROR",	"HARDWARE ERROR",  "ILLEGAL REQUEST",
		"UNIT ATTENTION", "DATA PROTECT",    "BLANK CHECK",  "VENDOR SPECIFIC", "COPY ABORTED",	   "ABORTED COMMAND",
		"RESERVED",	  "VOLUME OVERFLOW", "MISCOMPARE",   "COMPLETED",
	};

	return names[key & 0xf];
}

const char *srpio_status_name(uint8_t status)
{
	switch (status) {
	case SCSI_GOOD: return "GOOD";
	case SCSI_CHECK_CONDITION: return "CHECK CONDITION";
	case SCSI_CONDITION_MET: return "CONDITION MET";
	case SCSI_BUSY: return "BUSY";
	case SCSI_RESERVATION_CONFLICT: return "RESERVATION CONFLICT";
	case SCSI_TASK_SET_FULL: return "TASK SET FULL";
	case SCSI_ACA_ACTIVE: return "ACA ACTIVE";
	case SCSI_TASK_ABORTED: return "TASK ABORTED";
	default: return "unknown status";
	}
}

const char *srpio_outcome_text(uint8_t status, const uint8_t *sense, size_t sense_len, char *out, size_t cap)
{
	struct scsi_sense s;
	const char *name;

	if (status != SCSI_CHECK_CONDITION || !scsi_sense_parse(sense, sense_len, &s)) {
		snprintf(out, cap, "%s%s (status %02xh)", srpio_status_name(status),
			 status == SCSI_CHECK_CONDITION ? " without sense data" : "", status);
		return out;
	}
	name = srpio_asc_name(s.asc, s.ascq);
	snprintf(out, cap, "CHECK CONDITION: %s%s%s (%02x/%02x/%02x)", srpio_sense_key_name(s.key), *name ? ", " : "", name,
		 s.key, s.asc, s.ascq);
	return out;
}
