/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * srpgw bridge interface: how a plugin carries SCSI commands to a back-end.
 *
 * A bridge is a shared object that exports exactly one symbol, srpgw_bridge_entry_v1, made by
 * SRPGW_BRIDGE_REGISTER(). This is the only header it needs besides libc and its own library.
 *
 * The contract
 *  1. Every submit() is answered by exactly one host->io_done(), every tmf() by exactly one host->tmf_done(), on the
 *     path's reactor thread, never through a return value. io_done() may be called from inside submit().
 *  2. abort() hurries a command and never swallows its answer: io_done() still comes once and says what truly happened.
 *  3. A path is one session. It begins ATTACHING, becomes UP once, and DOWN once; DOWN is final. The host makes a new
 *     path when it wants another try: a bridge never reconnects by itself. Before or right after saying DOWN the bridge
 *     answers everything outstanding. submit() on a path that is not UP is answered with delivery NEVER.
 *  4. detach() answers everything outstanding, ends the session in an orderly and bounded way (at most
 *     SRPGW_DETACH_MS), calls done(arg) once, and frees the path; nothing is called for the path afterwards.
 *  5. The host owns the io, the CDB, the iovec array and the buffers, all of them valid from submit() to io_done(); the
 *     bridge owns io->scratch in the same interval. Status, sense data and residual are passed through, uninterpreted.
 *  6. No callback on the reactor blocks, sleeps, or allocates on the command path. What must block goes through
 *     host->work().
 *  7. delivery NEVER may be said only of a command of which no byte left the bridge: such a command is sent again
 *     blindly. A command that a confirmed task management function ended is ANSWERED with status TASK ABORTED, before
 *     tmf_done().
 *
 * Growth: structures grow only at their end; each begins with its size. The loader copies the smaller of its own
 * and the plugin's size into a zeroed table, and a plugin looks at host->struct_size before it uses a later member.
 */
#ifndef SRPGW_BRIDGE_H
#define SRPGW_BRIDGE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SRPGW_BRIDGE_ABI 1u
#define SRPGW_DETACH_MS 2000u
#define SRPGW_CDB_MAX 260u
#define SRPGW_SENSE_MAX 252u

struct srpgw_reactor; /* the host's: opaque here */
struct srpgw_watch;
struct srpgw_timer;
struct srpgw_bridge_target; /* the bridge's: one configured back-end */
struct srpgw_bridge_path;   /* the bridge's: one session to it, on one reactor */
struct srpgw_path_ctx;      /* the host's handle of a path */
struct srpgw_bridge;

enum srpgw_dir { SRPGW_DIR_NONE, SRPGW_DIR_IN, SRPGW_DIR_OUT, SRPGW_DIR_BIDI };

/* Whether the device server saw the command. ANSWERED: status and sense are the device's own. */
enum srpgw_delivery { SRPGW_DELIVERY_NEVER, SRPGW_DELIVERY_MAYBE, SRPGW_DELIVERY_ANSWERED };

enum srpgw_task_attr { SRPGW_ATTR_SIMPLE, SRPGW_ATTR_HEAD_OF_QUEUE, SRPGW_ATTR_ORDERED, SRPGW_ATTR_ACA = 4 };

enum srpgw_resid { SRPGW_RESID_NONE, SRPGW_RESID_UNDER, SRPGW_RESID_OVER };

/* One SCSI command. Allocated by the host, followed by scratch_size bytes for the bridge. */
struct srpgw_io {
	uint32_t struct_size;

	/* ---- from the host ---- */
	uint8_t dir;       /* enum srpgw_dir */
	uint8_t task_attr; /* enum srpgw_task_attr */
	uint16_t cdb_len;  /* bytes, at most SRPGW_CDB_MAX */
	uint8_t lun[8];    /* the back-end's LUN, as in SAM */
	const uint8_t *cdb;
	struct iovec *iov; /* data-in or data-out buffer; the array may be modified by the bridge */
	uint32_t n_iov;
	uint32_t data_len; /* bytes, sum of iov */
	void *scratch;     /* zero-filled once at start-up, then as the bridge's last use left it; 16-byte aligned */

	/* ---- from the bridge, before io_done() ---- */
	uint8_t delivery;   /* enum srpgw_delivery */
	uint8_t status;     /* SCSI status, with ANSWERED */
	uint8_t resid_kind; /* enum srpgw_resid */
	uint8_t reserved0;
	uint32_t resid;     /* bytes not moved (UNDER) or that did not fit (OVER) */
	uint16_t sense_len; /* bytes in sense, at most SRPGW_SENSE_MAX */
	uint8_t sense[SRPGW_SENSE_MAX];

	/* ---- room that later versions use; zero now ---- */
	const void *const *buf_handle; /* per iov entry: the host's registration handle */
	struct iovec *iov_out;         /* BIDI: data-out buffer, iov is data-in */
	uint32_t n_iov_out, data_out_len;
};

/* Task management functions: the values of SRP_TSK_MGMT. */
enum srpgw_tmf_function {
	SRPGW_TMF_ABORT_TASK = 0x01,
	SRPGW_TMF_ABORT_TASK_SET = 0x02,
	SRPGW_TMF_CLEAR_TASK_SET = 0x04,
	SRPGW_TMF_LUN_RESET = 0x08,
	SRPGW_TMF_CLEAR_ACA = 0x40,
};

enum srpgw_tmf_result {
	SRPGW_TMF_COMPLETE,      /* the back-end confirmed: the affected tasks can no longer act */
	SRPGW_TMF_NO_SUCH_TASK,  /* the back-end does not know the task; it can no longer act */
	SRPGW_TMF_NOT_SUPPORTED, /* refused by the bridge or the back-end */
	SRPGW_TMF_FAILED,        /* rejected, or the session died before the answer: fate unknown */
};

struct srpgw_tmf {
	uint32_t struct_size;
	uint8_t function; /* enum srpgw_tmf_function */
	uint8_t lun[8];
	struct srpgw_io *io; /* ABORT_TASK: a command that is outstanding at submit of the tmf; else NULL */
	void *scratch;       /* tmf_scratch_size bytes */
	uint8_t result;      /* enum srpgw_tmf_result, from the bridge */
};

enum srpgw_path_event {
	SRPGW_PATH_PROGRESS = 1, /* text says how far a long login is */
	SRPGW_PATH_UP,
	SRPGW_PATH_DOWN,              /* text says why; permanent tells that a retry is pointless until a person acts */
	SRPGW_PATH_INVENTORY_CHANGED, /* the back-end says that its LUNs changed */
	/*
	 * Of a path that is UP. SILENT: a question for a sign of life has not been answered for about two seconds; the
	 * session stands, and what is outstanding may still be answered. HEARD: the back-end speaks again. A bridge that
	 * cannot know says neither.
	 */
	SRPGW_PATH_SILENT,
	SRPGW_PATH_HEARD,
	/*
	 * Of a path that is UP: the next attach() would find a better way (the preferred portal is back). When it suits,
	 * the host lets nothing more in, waits a bounded time for what is outstanding, detaches and attaches at once.
	 */
	SRPGW_PATH_MOVE,
};

/* What a DOWN is about, beyond its text; bits. */
enum srpgw_path_cause {
	SRPGW_CAUSE_NO_ROOM = 0x01, /* the back-end refused the session because it has as many as it admits */
};

struct srpgw_event {
	uint32_t struct_size;
	uint32_t kind; /* enum srpgw_path_event */
	const char *text; /* one line for people, or NULL; valid during the call */
	bool permanent;
	uint64_t causes; /* of DOWN: enum srpgw_path_cause, or 0 */
};

/* Who stands in front: the I_T nexus whose session this is. Borrowed: copy what must outlive attach(). */
struct srpgw_nexus_id {
	uint32_t struct_size;
	uint8_t i_port_id[16], t_port_id[16];
	const char *peer;           /* address of the host, text */
	const char *initiator_name; /* iSCSI initiator name for this nexus */
	uint8_t isid[6];            /* iSCSI ISID for this nexus and back-end */
	const char *alias;          /* initiator alias, or NULL */
};

/* Settings of a back-end from the configuration, as strings (the host parses only what is known to all bridges). */
struct srpgw_setting {
	const char *key, *value;
};

/* What a target can take; zero means no limit of its own. */
struct srpgw_limits {
	uint32_t struct_size;
	uint32_t max_outstanding;   /* commands per path */
	uint32_t max_transfer_bytes; /* per command */
	bool own_thread;            /* paths want a thread of their own: they may block */
	/*
	 * The back-end knows the nexus by initiator_name and isid: the host's TransportIDs in persistent reservations are
	 * translated to iSCSI's form and back. Else those that a host sends are refused.
	 */
	bool iscsi_transport_ids;
};

/* Services of the host. All of them but work()'s fn run on, and are called on, the path's reactor (log: any thread). */
struct srpgw_host {
	uint32_t struct_size;
	uint32_t abi; /* SRPGW_BRIDGE_ABI of the host */
	uint32_t io_size, tmf_size;

	/* level: 0 error, 1 warning, 2 info, 3 debug. Rate-limited by the host. */
	void (*log)(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

	void (*io_done)(struct srpgw_io *io);
	void (*tmf_done)(struct srpgw_tmf *tmf);
	void (*event)(struct srpgw_path_ctx *ctx, const struct srpgw_event *ev);

	uint64_t (*now_ns)(struct srpgw_reactor *r);
	/* events and revents: POLLIN, POLLOUT, POLLERR, POLLHUP of <poll.h>; events 0 parks @fd. NULL: out of memory. */
	struct srpgw_watch *(*watch_add)(struct srpgw_reactor *r, int fd, int events,
					 void (*fn)(void *arg, int revents), void *arg);
	void (*watch_mod)(struct srpgw_watch *w, int events);
	void (*watch_del)(struct srpgw_watch *w); /* before close(fd); also from inside fn */
	/* A one-shot timer, not armed. NULL: out of memory. */
	struct srpgw_timer *(*timer_new)(struct srpgw_reactor *r, void (*fn)(void *arg), void *arg);
	void (*timer_arm)(struct srpgw_timer *t, uint64_t after_ns);
	void (*timer_cancel)(struct srpgw_timer *t);
	void (*timer_free)(struct srpgw_timer *t); /* also from inside fn */

	/*
	 * Runs fn(arg) on a helper thread, then done(arg) on reactor r; the path may be gone by then, so @arg is memory
	 * of its own.
	 * Return: 0 or -errno (neither is called).
	 */
	int (*work)(struct srpgw_reactor *r, void (*fn)(void *arg), void (*done)(void *arg), void *arg);

	/*
	 * For a bridge stacked on another: opens the back-end of @uri. The result is used through @bridge exactly as
	 * the host would, with the caller's own host table (see srpgw_bridge.open) so that answers come back to the
	 * caller. Only from inside open(). Return: 0 or -errno with text in @why.
	 */
	int (*open_below)(const char *uri, const struct srpgw_setting *settings, size_t n_settings,
			  const struct srpgw_host *host_of_below, const struct srpgw_bridge **bridge,
			  struct srpgw_bridge_target **target, char *why, size_t why_cap);
};

/* One way to a back-end, as the bridge knows it; the strings are valid during the call. */
struct srpgw_portal {
	uint32_t struct_size;
	int32_t group;       /* target portal group tag (RFC 7143 13.9); -1: not known */
	const char *address; /* "10.0.0.1:3260" */
	const char *state;   /* "active", "standby", "down", or "unknown": not tried yet */
	const char *why;     /* why it is down; else NULL */
	uint64_t since_ns;   /* when it came into this state, on the clock of host->now_ns(); 0: from the start */
	uint32_t n_paths;    /* sessions that use it */
};

/* A target that discovery found at a portal; the strings are valid during the call. One call for each pair. */
struct srpgw_found {
	uint32_t struct_size;
	int32_t group; /* target portal group tag; -1: not told */
	const char *target_name;
	const char *address;
};

struct srpgw_bridge {
	uint32_t struct_size; /* set by SRPGW_BRIDGE_REGISTER */
	uint32_t abi;

	const char *name;        /* "iscsi" */
	const char *version;     /* of the plugin and of its library, text */
	const char *description; /* one line */
	const char *schemes;     /* URI schemes, comma separated: "iscsi" */
	const char *settings_help; /* "key: meaning\n" per setting, or NULL */

	uint32_t scratch_size;     /* bytes per command */
	uint32_t tmf_scratch_size; /* bytes per task management function */

	/*
	 * Opens a back-end; control thread; must not wait for the network. @host lives longer than the target.
	 * Return: 0 or -errno with one line of cause and cure in @why.
	 */
	int (*open)(const struct srpgw_host *host, const char *uri, const struct srpgw_setting *settings,
		    size_t n_settings, struct srpgw_bridge_target **target, char *why, size_t why_cap);
	/* All paths are detached. */
	void (*close)(struct srpgw_bridge_target *target);
	void (*limits)(struct srpgw_bridge_target *target, struct srpgw_limits *out);

	/*
	 * Starts a session on reactor @r for one I_T nexus; reactor thread. Events carry @ctx, and none comes before
	 * attach returns.
	 * Return: 0 (UP or DOWN will come) or -errno (no event will come; @path is not set).
	 */
	int (*attach)(struct srpgw_bridge_target *target, struct srpgw_reactor *r, const struct srpgw_nexus_id *nexus,
		      struct srpgw_path_ctx *ctx, struct srpgw_bridge_path **path);
	void (*detach)(struct srpgw_bridge_path *path, void (*done)(void *arg), void *arg);

	void (*submit)(struct srpgw_bridge_path *path, struct srpgw_io *io);
	void (*abort)(struct srpgw_bridge_path *path, struct srpgw_io *io);
	void (*tmf)(struct srpgw_bridge_path *path, struct srpgw_tmf *tmf);

	/* Optional: facts for the status as key/value lines (address, negotiated limits, ...). Reactor thread. */
	void (*describe)(struct srpgw_bridge_path *path, void (*emit)(void *arg, const char *key, const char *value),
			 void *arg);

	/* Optional: host memory that commands will use; control thread. 0 or -errno. */
	int (*mem_add)(struct srpgw_bridge_target *target, void *base, size_t len);
	void (*mem_del)(struct srpgw_bridge_target *target, void *base, size_t len);

	/* Optional: the ways to the back-end, the preferred first; any thread, never waits. */
	void (*portals)(struct srpgw_bridge_target *target, void (*emit)(void *arg, const struct srpgw_portal *p),
			void *arg);

	/*
	 * Optional: asks the portal in @uri ("iscsi://HOST[:PORT]", no target) what it has, on reactor @r. found() comes
	 * once per target and portal, then done() once: @rc 0, or -errno with one line of cause and cure in @why.
	 * Return: 0 or -errno with text in @why (neither is called).
	 */
	int (*discover)(const struct srpgw_host *host, struct srpgw_reactor *r, const char *uri,
			const struct srpgw_setting *settings, size_t n_settings, const char *initiator_name,
			void (*found)(void *arg, const struct srpgw_found *f),
			void (*done)(void *arg, int rc, const char *why), void *arg, char *why, size_t why_cap);
};

/* True when table pointer @t is large enough to hold member @m and the member is set. */
#define SRPGW_HAS(t, m) \
	((t)->struct_size >= offsetof(__typeof__(*(t)), m) + sizeof((t)->m) && (t)->m)

#define SRPGW_BRIDGE_ENTRY "srpgw_bridge_entry_v1"

/* Use once per plugin: SRPGW_BRIDGE_REGISTER(.name = "mem", .open = mem_open, ...) */
#define SRPGW_BRIDGE_REGISTER(...)                                                             \
	const struct srpgw_bridge *srpgw_bridge_entry_v1(void);                                \
	__attribute__((visibility("default"))) const struct srpgw_bridge *srpgw_bridge_entry_v1(void) \
	{                                                                                      \
		static const struct srpgw_bridge bridge = {                                    \
			.struct_size = sizeof(struct srpgw_bridge),                            \
			.abi = SRPGW_BRIDGE_ABI,                                               \
			__VA_ARGS__                                                            \
		};                                                                             \
		return &bridge;                                                                \
	}

#ifdef __cplusplus
}
#endif

#endif
