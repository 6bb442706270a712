/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every key of the configuration file: name, type, range, default, meaning. The manual's tables are printed from here.
 * Layer: control. Knows config and schema.
 */
#include "config.h"

#include <stddef.h>

const char *const config_fabric_names[] = { "rdma", "ib", "iwarp", NULL };
static const char *const log_level_names[] = { "error", "warn", "info", "debug", NULL }; /* order of enum log_level */

static const char *const crc_names[] = { "required", "optional", NULL }; /* order of enum config_crc */
const char *const config_after_hold_names[] = { "busy", "fail", "disconnect", NULL };
static const char *const async_events_names[] = { "asked", "always", "never", NULL }; /* order of enum async_events */

/* One key, one line or two: the formatter would make a column of each. */
/* clang-format off */
#define AT(type, member) .offset = offsetof(struct type, member)
#define END { .name = NULL }

static const struct schema_key listen_keys[] = {
	{ "fabric", SCHEMA_ENUM, AT(config_listen, fabric), .required = true, .names = config_fabric_names,
	  .help = "how hosts reach the gateway: `rdma` is RDMA/CM over InfiniBand, RoCE or iWARP adapters, "
		  "`iwarp` is iWARP over plain TCP without an adapter" },
	{ "address", SCHEMA_STRING, AT(config_listen, address), .def = "\"0.0.0.0\"",
	  .help = "IP address of an RDMA interface, or 0.0.0.0 or :: for all" },
	{ "port", SCHEMA_UINT, AT(config_listen, port), .required = true, .min = 1, .max = 65535,
	  .help = "port number" },
	{ "crc", SCHEMA_ENUM, AT(config_listen, crc), .names = crc_names, .def = "\"required\"",
	  .help = "of `iwarp`: `required` guards every message with a CRC32C; with `optional` there is one only where the "
		  "host asks for it, which needs fewer cycles and leaves errors to TCP's own checksum" },
	END
};

static const struct schema_object listen_object = {
	"listen[]",
	"Where hosts log in; the daemon is ready when all entries listen",
	sizeof(struct config_listen),
	listen_keys,
};

static const struct schema_key identity_keys[] = {
	{ "shared", SCHEMA_BOOL, AT(config_identity, shared), .def = "false",
	  .help = "one iSCSI initiator name for all hosts, for a back-end that admits no more; see \"Identity at the back-end\" for what is "
		  "lost" },
	{ "initiator_name", SCHEMA_STRING, AT(config_identity, initiator_name),
	  .help = "that name (it implies `shared`); without it, `iqn.2026-11.srpgw:` and the gateway's `name`" },
	END
};

static const struct schema_object identity_object = {
	"backends.NAME.identity",
	"Who the back-end sees",
	sizeof(struct config_identity),
	identity_keys,
};

static const struct schema_key chap_keys[] = {
	{ "user", SCHEMA_STRING, AT(config_chap, user), .help = "name with which the gateway proves itself" },
	{ "secret_file", SCHEMA_STRING, AT(config_chap, secret_file),
	  .help = "file of mode 0600 or 0640 whose first line is the secret" },
	{ "mutual_user", SCHEMA_STRING, AT(config_chap, mutual_user),
	  .help = "name with which the back-end proves itself" },
	{ "mutual_secret_file", SCHEMA_STRING, AT(config_chap, mutual_secret_file),
	  .help = "file of mode 0600 or 0640 whose first line is the back-end's secret" },
	END
};

static const struct schema_object chap_object = {
	"backends.NAME.chap",
	"CHAP; secrets stand in files of their own, never here",
	sizeof(struct config_chap),
	chap_keys,
};

static const struct schema_key backend_keys[] = {
	{ "uri", SCHEMA_STRING, AT(config_backend, uri), .required = true,
	  .help = "`iscsi://HOST[:PORT]/IQN`, `iser://HOST[:PORT]/IQN`, `mem:SIZE`, `sg:/dev/sgN` or `fault:...`" },
	{ "portals", SCHEMA_STRINGS, AT(config_backend, portals),
	  .help = "further portals `HOST[:PORT]` of the same target portal group, the preferred first, at most 63" },
	{ "discover_portals", SCHEMA_BOOL, AT(config_backend, discover_portals), .def = "false",
	  .help = "take further portals of that group from the target (SendTargets), too" },
	{ "portal_group", SCHEMA_UINT, AT(config_backend, portal_group), .min = 1, .max = 65535,
	  .help = "tag of the target portal group to use; without it, that of the portal in `uri`" },
	{ "failback_seconds", SCHEMA_UINT, AT(config_backend, failback_seconds), .min = 1, .max = 86400, .unit = "s",
	  .help = "sessions return to an earlier portal when it has answered again for so long; without it, never" },
	{ "identity", SCHEMA_OBJECT, AT(config_backend, identity), .object = &identity_object, .word = "shared",
	  .help = "who the back-end sees" },
	{ "chap", SCHEMA_OBJECT, AT(config_backend, chap), .object = &chap_object, .help = "authentication" },
	{ "hold_seconds", SCHEMA_UINT, AT(config_backend, hold_seconds), .max = 600, .unit = "s", .def = "20",
	  .help = "how long commands wait for a lost path before `after_hold` says what becomes of them; less than the hosts' "
		  "command timeout, which is 30 s on Linux" },
	{ "after_hold", SCHEMA_ENUM, AT(config_backend, after_hold), .names = config_after_hold_names, .def = "\"busy\"",
	  .help = "`busy`: reads, writes and reservations are answered BUSY, which hosts repeat for minutes, and questions NOT READY; "
		  "`fail`: everything is answered NOT READY; `disconnect`: hosts are disconnected and their logins refused, so that "
		  "multipath takes another path" },
	{ "queue_depth", SCHEMA_UINT, AT(config_backend, queue_depth), .max = 65536, .def = "0",
	  .help = "commands at the back-end at once, of all hosts together, who share them; 0: no limit" },
	{ "max_inflight_bytes", SCHEMA_SIZE, AT(config_backend, max_inflight_bytes), .max = 1ull << 40, .unit = "bytes",
	  .def = "\"8M\"",
	  .help = "no further command of a host starts while its commands at this back-end hold as many bytes of data buffers; "
		  "0: no limit" },
	{ "retry_ms", SCHEMA_UINT, AT(config_backend, retry_ms), .min = 10, .max = 60000, .unit = "ms", .def = "500",
	  .help = "first pause between attempts to get a path; it doubles" },
	{ "retry_max_ms", SCHEMA_UINT, AT(config_backend, retry_max_ms), .min = 10, .max = 600000, .unit = "ms",
	  .def = "10000",
	  .help = "longest pause between attempts" },
	{ "fence_ms", SCHEMA_UINT, AT(config_backend, fence_ms), .max = 600000, .unit = "ms", .def = "10000",
	  .help = "how long writes of unknown fate may still land after a session ended without proof" },
	{ "max_detached", SCHEMA_UINT, AT(config_backend, max_detached), .min = 1, .max = 65536, .def = "64",
	  .help = "answered commands that the back-end still holds before the path is given up" },
	{ "max_sessions", SCHEMA_UINT, AT(config_backend, max_sessions), .max = 1048576, .def = "0",
	  .help = "sessions that the back-end admits from this gateway: the log and the status warn when 80 % of them are in use; 0: not known" },
	{ "settings", SCHEMA_SETTINGS, AT(config_backend, settings),
	  .help = "further settings of the bridge, see `srpgwctl bridges`" },
	END
};

static const struct schema_object backend_object = {
	"backends.NAME",
	"A place where logical units live",
	sizeof(struct config_backend),
	backend_keys,
};

static const struct schema_key lun_keys[] = {
	{ "lun", SCHEMA_LUN, AT(config_lun, lun), .help = "LUN as the hosts see it; required unless `all` is true" },
	{ "backend", SCHEMA_STRING, AT(config_lun, backend), .required = true, .help = "name of a back-end" },
	{ "backend_lun", SCHEMA_LUN, AT(config_lun, backend_lun),
	  .help = "LUN at the back-end; without it, the same as `lun`" },
	{ "all", SCHEMA_BOOL, AT(config_lun, all), .def = "false",
	  .help = "map all LUNs of the back-end under their own numbers, see \"All LUNs\"" },
	{ "queue_depth", SCHEMA_UINT, AT(config_lun, queue_depth), .max = 65536, .def = "0",
	  .help = "commands at once, of all hosts that see this entry together; 0: no limit. With `all`, of all its LUNs together" },
	{ "iops", SCHEMA_UINT, AT(config_lun, rates.iops), .def = "0",
	  .help = "commands per second, of all hosts that see this entry together; 0: no limit" },
	{ "bytes_per_second", SCHEMA_SIZE, AT(config_lun, rates.bytes_per_second), .max = 1ull << 50, .unit = "bytes", .def = "0",
	  .help = "the same for data" },
	END
};

static const struct schema_object lun_object = {
	"luns[]",
	"A logical unit that a group of initiators sees. LUNs are numbers from 0 to 16383, "
	"or strings of 16 hexadecimal digits",
	sizeof(struct config_lun),
	lun_keys,
};

static const struct schema_key group_keys[] = {
	{ "name", SCHEMA_STRING, AT(config_group, name), .help = "for people; without it, the number of the group" },
	{ "initiators", SCHEMA_STRINGS, AT(config_group, initiators), .required = true,
	  .help = "a list of patterns, see \"Initiators\"" },
	{ "initiator_name", SCHEMA_STRING, AT(config_group, initiator_name),
	  .help = "iSCSI initiator name of these hosts at back-ends; without it each has its own, see \"Identity at the back-end\"" },
	{ "luns", SCHEMA_OBJECTS, AT(config_group, luns), .object = &lun_object, .word = "all", .def = "[]",
	  .help = "what these initiators see; `\"all\"`: all LUNs of the only back-end" },
	{ "iops", SCHEMA_UINT, AT(config_group, rates.iops), .def = "0",
	  .help = "commands per second of each of these initiators; 0: no limit" },
	{ "bytes_per_second", SCHEMA_SIZE, AT(config_group, rates.bytes_per_second), .max = 1ull << 50, .unit = "bytes", .def = "0",
	  .help = "the same for data" },
	END
};

static const struct schema_object group_object = {
	"targets[].groups[]",
	"Initiators that see a map of their own; the first match wins",
	sizeof(struct config_group),
	group_keys,
};

static const struct schema_key target_keys[] = {
	{ "name", SCHEMA_STRING, AT(config_target, name), .help = "for people; without it, the two identifiers" },
	{ "id_ext", SCHEMA_GUID, AT(config_target, id_ext),
	  .help = "identifier extension; without it, the position of the target in the list, from 1" },
	{ "ioc_guid", SCHEMA_GUID, AT(config_target, ioc_guid),
	  .help = "I/O controller GUID; without it, one made from the machine's identity" },
	{ "initiators", SCHEMA_STRINGS, AT(config_target, initiators),
	  .help = "who may log in beside the groups: a list of patterns, see \"Initiators\"" },
	{ "luns", SCHEMA_OBJECTS, AT(config_target, luns), .object = &lun_object, .word = "all", .def = "[]",
	  .help = "what `initiators` see; `\"all\"`: all LUNs of the only back-end" },
	{ "groups", SCHEMA_OBJECTS, AT(config_target, groups), .object = &group_object, .def = "[]",
	  .help = "initiators with LUN maps of their own; searched before `initiators`" },
	{ "async_events", SCHEMA_ENUM, AT(config_target, async_events), .names = async_events_names, .def = "\"asked\"",
	  .help = "which hosts are told at once that their LUNs changed (SRP_AER_REQ), see \"Events\"" },
	{ "iops", SCHEMA_UINT, AT(config_target, rates.iops), .def = "0",
	  .help = "commands per second of each of `initiators`; 0: no limit" },
	{ "bytes_per_second", SCHEMA_SIZE, AT(config_target, rates.bytes_per_second), .max = 1ull << 50, .unit = "bytes", .def = "0",
	  .help = "the same for data" },
	END
};

static const struct schema_object target_object = {
	"targets[]",
	"An SRP target port",
	sizeof(struct config_target),
	target_keys,
};

static const struct schema_key limit_keys[] = {
	{ "req_lim", SCHEMA_UINT, AT(config_limits, req_lim), .min = 4, .max = 4096, .def = "128",
	  .help = "request limit granted to a channel" },
	{ "max_sessions", SCHEMA_UINT, AT(config_limits, max_sessions), .min = 1, .max = 65536, .def = "256",
	  .help = "I_T nexuses at once" },
	{ "max_channels", SCHEMA_UINT, AT(config_limits, max_channels), .min = 1, .max = 65536, .def = "1024",
	  .help = "RDMA channels at once" },
	{ "max_channels_per_session", SCHEMA_UINT, AT(config_limits, max_channels_per_session), .min = 1, .max = 1024,
	  .def = "64",
	  .help = "RDMA channels of one I_T nexus" },
	{ "max_it_iu_len_bytes", SCHEMA_UINT, AT(config_limits, max_it_iu_len_bytes), .restart = true, .min = 512,
	  .max = 65536, .unit = "bytes",
	  .def = "8260", .help = "longest information unit that a host may send" },
	{ "max_imm_data_offset_bytes", SCHEMA_UINT, AT(config_limits, max_imm_data_offset_bytes), .min = 68,
	  .max = 65536,
	  .unit = "bytes", .def = "1024", .help = "largest offset of immediate data in an information unit" },
	{ "max_table_entries", SCHEMA_UINT, AT(config_limits, max_table_entries), .min = 16, .max = 65536,
	  .def = "2048",
	  .help = "entries of an indirect table that the gateway fetches from the host" },
	{ "max_transfer_bytes", SCHEMA_SIZE, AT(config_limits, max_transfer_bytes), .min = 65536, .max = 1u << 30,
	  .unit = "bytes",
	  .def = "\"4M\"", .help = "longest transfer of one command" },
	{ "max_tasks", SCHEMA_UINT, AT(config_limits, max_tasks), .restart = true, .min = 16, .max = 1048576,
	  .def = "4096",
	  .help = "live tasks per reactor" },
	{ "max_ios", SCHEMA_UINT, AT(config_limits, max_ios), .restart = true, .min = 16, .max = 1048576, .def = "1024",
	  .help = "commands per reactor that hold buffers or are at a back-end" },
	{ "tmf_answer_ms", SCHEMA_UINT, AT(config_limits, tmf_answer_ms), .min = 100, .max = 4500, .unit = "ms",
	  .def = "2500",
	  .help = "task management is answered within; hosts wait 5 s" },
	{ "session_linger_ms", SCHEMA_UINT, AT(config_limits, session_linger_ms), .max = 600000, .unit = "ms",
	  .def = "0",
	  .help = "how long a session without channels keeps its back-end sessions; those that have not confirmed the end of its commands "
		  "end after `tmf_answer_ms`, or stay that long for it" },
	{ "registration_linger_ms", SCHEMA_UINT, AT(config_limits, registration_linger_ms), .max = 3600000, .unit = "ms",
	  .def = "60000",
	  .help = "the same for a host that is registered for persistent reservations, where that is longer: some back-ends forget "
		  "registrations with the session" },
	{ "immediate_data", SCHEMA_BOOL, AT(config_limits, immediate_data), .def = "true",
	  .help = "let hosts send data-out inside the command" },
	{ "allow_address_move", SCHEMA_BOOL, AT(config_limits, allow_address_move), .def = "false",
	  .help = "let a live session log in again from another address" },
	END
};

static const struct schema_object limits_object = {
	"limits",
	"What hosts may use up",
	sizeof(struct config_limits),
	limit_keys,
};

static const struct schema_key config_keys[] = {
	{ "name", SCHEMA_STRING, AT(config, name), .def = "\"srpgw\"",
	  .help = "the gateway's name, part of the initiator names that back-ends see" },
	{ "listen", SCHEMA_OBJECTS, AT(config, listen), .required = true, .restart = true, .object = &listen_object,
	  .help = "where hosts log in" },
	{ "backends", SCHEMA_NAMED, AT(config, backends), .required = true, .object = &backend_object,
	  .help = "where logical units live" },
	{ "targets", SCHEMA_OBJECTS, AT(config, targets), .required = true, .object = &target_object,
	  .help = "what hosts see" },
	{ "limits", SCHEMA_OBJECT, AT(config, limits), .object = &limits_object, .help = "what hosts may use up" },
	{ "state_dir", SCHEMA_STRING, AT(config, state_dir), .restart = true, .def = "\"/var/lib/srpgw\"",
	  .help = "folder for what must outlive the daemon, one for each gateway" },
	{ "runtime_dir", SCHEMA_STRING, AT(config, runtime_dir), .restart = true, .def = "\"" CONFIG_RUNTIME_DIR "\"",
	  .help = "folder of the status and control sockets" },
	{ "log_level", SCHEMA_ENUM, AT(config, log_level), .names = log_level_names, .def = "\"info\"",
	  .help = "what is logged: this level and worse" },
	{ "reactors", SCHEMA_UINT, AT(config, reactors), .restart = true, .max = 64, .def = "0",
	  .help = "threads for the data path; 0 means one per processor, at most 4" },
	{ "busy_poll_us", SCHEMA_UINT, AT(config, busy_poll_us), .restart = true, .max = 1000000, .unit = "us",
	  .def = "50",
	  .help = "how long a reactor polls before it sleeps, where that pays; never on a machine with one processor" },
	{ "pool_bytes", SCHEMA_SIZE, AT(config, pool_bytes), .restart = true, .min = 1u << 20, .max = 1ull << 40,
	  .unit = "bytes",
	  .def = "\"64M\"", .help = "registered data buffers per reactor" },
	END
};

const struct schema_object config_schema = { "The file", "One JSON object", sizeof(struct config), config_keys };
