/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An iSCSI back-end through libiscsi 1.19: what the files of this folder share. One path is one libiscsi context, used
 * on one reactor only; it is connected, logged in, used, and destroyed, never reconnected. All but tcp.c is shared with
 * other transports of libiscsi (see struct transport). Knows <srpgw/bridge.h>, libc and libiscsi.
 *
 * Rules of libiscsi that the code keeps, and where:
 *  - automatic reconnection is off: it would replay writes under another ISID (login.c);
 *  - a context is never destroyed from inside one of its callbacks: they note what is wrong, path_run() acts
 *    (session.c);
 *  - a command that libiscsi may still have to send is not cancelled: it would leave a hole in CmdSN (command.c);
 *  - task management goes through calls that leave other commands alone (tmf.c);
 *  - deadlines are ours: login, NOP, logout; libiscsi's own timeouts stay off (timers.c).
 */
#ifndef ISCSI_SESSION_H
#define ISCSI_SESSION_H

#include "choice.h"
#include "lookout.h"
#include "portals.h"

#include <srpgw/bridge.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include <sys/queue.h>

#define NS_PER_MS 1000000ull
#define NAME_MAX_BYTES 224u /* RFC 7143 4.2.7.1: 223 and the end */
#define MAX_REDIRECTS 4u

/*
 * Parts of a session's life away from the reactor. All of these are called there, though. One errand at a time: from
 * its start path->errand is set and path->iscsi is NULL.
 */
struct offsite {
	/*
	 * Connects path->iscsi to path->address and logs in; then calls login_unreachable() or login_answered(), with
	 * path->iscsi back in place. Return: 0, or -errno: it has not begun.
	 */
	int (*dial)(struct srpgw_bridge_path *path);
	bool (*is_connected)(struct srpgw_bridge_path *path);
	/*
	 * Ends path->iscsi, of which no callback can come any more. @wait: calls path_hung_up() then. Return: true if
	 * it will be called.
	 */
	bool (*hang_up)(struct srpgw_bridge_path *path, bool wait);
	/* Nobody waits for the errand any more; it ends by itself, and the context with it. */
	void (*forget)(struct srpgw_bridge_path *path);
};

/* What differs between the transports that libiscsi has. */
struct transport {
	const char *name, *scheme;
	enum iscsi_transport_type type;
	uint32_t default_outstanding, most_outstanding;
	uint32_t max_transfer_bytes; /* 0: none */
	/* Else a function waits for what it is to end, for a moment; then the session ends, and the host's path is built anew. */
	bool has_tmf;
	/* libiscsi fills the whole of a data-in buffer, whatever the target sent. */
	bool pads_data_in;
	/* What must not happen on a reactor because it blocks; NULL: nothing does. */
	const struct offsite *offsite;
	/* Settings of the context before it connects; may be NULL. Return: 0, or -1 with one line in @why. */
	int (*prepare)(struct iscsi_context *iscsi, char *why, size_t why_cap);
	/* Facts for the status; may be NULL. */
	void (*describe)(struct srpgw_bridge_path *path, void (*emit)(void *arg, const char *key, const char *value),
			 void *arg);
	/* Revents as the transport's iscsi_service() bears them; may be NULL. */
	int (*revents)(int revents);
	/* Settings of the socket of a session that is up; may be NULL. */
	void (*tune)(int fd);
	/* Has what is written to the socket wait until push(), or go as it comes; may be NULL. */
	void (*hold)(int fd, bool on);
	/* Sends what waits; what is written after it waits again. Not NULL if hold() is not. */
	void (*push)(int fd);
};

/* A back-end's configuration. */
struct conf {
	char target_name[NAME_MAX_BYTES];
	struct portal portal[MAX_PORTALS];
	uint32_t n_portal;
	int32_t portal_group; /* NO_GROUP: that of the portal in the URI */
	bool discover_portals, has_failback;
	uint32_t failback_s;
	char chap_user[256], chap_secret[256], mutual_user[256], mutual_secret[256];
	enum iscsi_header_digest header_digest;
	uint32_t login_timeout_ms, nop_interval_ms, nop_timeout_ms, tcp_user_timeout_ms, max_outstanding;
	uint32_t max_outstanding_bytes;
};

struct srpgw_bridge_target {
	const struct srpgw_host *host;
	const struct transport *transport;
	struct conf conf;
	struct portal_table portals;
};

enum path_state {
	PATH_CHOOSING,   /* one of several portals is looked for */
	PATH_RESOLVING,  /* the portal's name is looked up */
	PATH_CONNECTING,
	PATH_LOGGING_IN,
	PATH_UP,
	PATH_CLOSING,    /* failed or detached; the context is ended offsite */
	PATH_DOWN,       /* no context; only detach() is left */
};

/* Where a command is. */
enum command_place {
	COMMAND_QUEUED,  /* ours: no byte left */
	COMMAND_SENT,    /* libiscsi's */
	COMMAND_LATE,    /* answered, but libiscsi still holds data of it */
};

/* A command: the bridge's scratch bytes of its io. */
struct command {
	TAILQ_ENTRY(command) node;
	struct srpgw_bridge_path *path;
	struct srpgw_io *io;
	struct scsi_task *task;
	struct tmf *abort; /* ABORT TASK that waits for it */
	uint64_t serial;
	enum command_place place;
	bool aborted;      /* a confirmed function ended it: no answer will come */
	bool unknown;      /* ... and the back-end did not know it any more */
	bool has_head_mark, has_tail_mark;
};

enum tmf_state {
	TMF_WAITING,  /* for libiscsi to have sent what came before */
	TMF_SENT,
	TMF_ANSWERED, /* result is set; reported from path_run() */
};

/* A task management function: the bridge's scratch bytes of its tmf. */
struct tmf {
	TAILQ_ENTRY(tmf) node;
	struct srpgw_bridge_path *path;
	struct srpgw_tmf *pub;
	struct command *command; /* of ABORT TASK; NULL when it was answered meanwhile */
	uint64_t serial;         /* commands below it are affected */
	enum tmf_state state;
};

TAILQ_HEAD(command_list, command);
TAILQ_HEAD(tmf_list, tmf);

struct resolve;

struct srpgw_bridge_path {
	struct srpgw_bridge_target *target;
	const struct srpgw_host *host;
	struct srpgw_reactor *reactor;
	struct srpgw_path_ctx *ctx;

	char initiator_name[NAME_MAX_BYTES], alias[256];
	uint8_t isid[6];
	char portal[PORTAL_MAX_BYTES];  /* as configured or redirected to, for people */
	char address[PORTAL_MAX_BYTES]; /* numeric */
	uint32_t portal_index, n_redirects;
	struct choice choice;
	struct lookout lookout;

	struct iscsi_context *iscsi; /* NULL when there is none */
	struct srpgw_watch *watch;
	int watched; /* events */
	struct srpgw_timer *kick;     /* path_run() from a clean stack, in the next round of the reactor */
	struct srpgw_timer *deadline; /* of the state */
	struct srpgw_timer *patience; /* of task management without the transport's help; else NULL */
	struct resolve *resolve;
	void *errand; /* of struct offsite */
	enum path_state state;
	bool kicked;
	unsigned inside; /* calls of ours on the stack that path_run() waits for */

	/* What callbacks note. */
	bool failed, permanent, redirected, closing;
	bool no_room; /* the target has as many sessions as it admits */
	bool elsewhere;  /* another portal may do better */
	bool foreign;    /* the portal is of another group */
	bool is_counted; /* among the portal's sessions */
	bool header_digest; /* agreed in this login */
	char why[WHY_BYTES];

	struct command_list queued, sent, late;
	uint32_t n_queued, n_sent, n_aborted;
	uint64_t sent_bytes; /* of data, of those sent */
	uint32_t n_fed; /* given to libiscsi since it last wrote */
	uint32_t n_out; /* of sent and late: with data-out */
	uint64_t serial;
	struct tmf_list tmfs;
	uint32_t n_tmf_waiting;
	uint64_t mark; /* secret pattern, see command.c */

	uint64_t heard_ns; /* when bytes came last */
	uint64_t busy_ns;  /* when the present stretch with commands under way began */
	uint64_t nop_sent_ns; /* 0: none under way */
	uint32_t login_ms; /* for the login at this portal */
	bool is_slow;   /* the next look at the signs of life is far away: nothing was under way */
	bool is_silent; /* SILENT was said */
	bool is_held;   /* what is written to the socket waits until push() */
	uint64_t nops_total, commands_total;

	void (*detached)(void *arg); /* set: detach() was called */
	void *detached_arg;
	uint64_t detach_ns;
	bool logout_sent, logged_out;
};

/* ---- conf.c: pure ---- */

extern const char conf_settings_help[];
/* Return: 0 or -EINVAL with one line in @why. */
int conf_parse(const struct transport *t, const char *uri, const struct srpgw_setting *settings, size_t n_settings,
	       struct conf *out, char *why, size_t why_cap);
/* "host", "host:port", "[v6]:port"; @len bytes of @text. A portal group tag (",1") is cut off. Return: 0 or -EINVAL. */
int portal_parse(const char *text, size_t len, struct portal *out);
const char *portal_str(const struct portal *p, char *buf, size_t cap);
/* What libiscsi found wrong with the target's own proof (mutual CHAP), in words; NULL: something else. No retry helps. */
const char *login_proof_str(const char *libiscsi_text);
#define LOGIN_NOT_AUTHENTICATED 0x0201
/* The target has no room for another session. */
#define LOGIN_TOO_MANY 0x0206
#define LOGIN_NO_RESOURCES 0x0302
/* RFC 7143 11.13.5, in words; @code: class << 8 | detail. @permanent: no retry helps until a person acts. */
const char *login_status_str(int code, bool *permanent);

/* ---- resolve.c ---- */

/*
 * Looks @p's host up without blocking, then calls @done once, on the reactor; for a number from inside this call.
 * @done: address: "10.0.0.1:3260", or NULL with why.
 * @out: NULL when nothing is under way; must stay where it is until then: it becomes NULL when @done is called.
 * Return: 0, or -errno (@done is not called).
 */
int resolve_start(const struct srpgw_host *host, struct srpgw_reactor *reactor, const struct portal *p,
		  void (*done)(void *arg, const char *address, const char *why), void *arg, struct resolve **out);
/* The answer is not wanted any more: @done is not called. */
void resolve_forget(struct resolve **r);

/* ---- login.c ---- */

/* A new context for @path's address, on its way. Return: 0, or -1 with path_fail() called. */
int login_start(struct srpgw_bridge_path *path);
/* The number that libiscsi puts at the end of its text: "... Refused(111)". Return: -1 when there is none. */
int login_number_in(const char *text);
/* What became of the connection, unless it stands; of the login. */
void login_unreachable(struct srpgw_bridge_path *path, const char *why, const char *advice);
void login_answered(struct srpgw_bridge_path *path, int status);
/* Whose login libiscsi works on, on this thread, from now on; NULL: none. One at a time in the process, until NULL. */
void login_listen(struct srpgw_bridge_path *path);

/* ---- session.c ---- */

/* Notes the first cause; path_run() ends the session. From anywhere. */
void path_fail(struct srpgw_bridge_path *path, bool permanent, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Looks for the cause of a connection that broke, and fails. */
void path_lost(struct srpgw_bridge_path *path);
/* Has path_run() called soon. */
void path_kick(struct srpgw_bridge_path *path);
/* The context is ended, offsite. */
void path_hung_up(struct srpgw_bridge_path *path);
/* Waiting for that takes too long. */
void path_give_up_closing(struct srpgw_bridge_path *path);
/* Lets libiscsi work, then settles. Not from inside a callback of libiscsi. */
void path_run(struct srpgw_bridge_path *path, int revents);
/*
 * Sends the only command under way at once: nobody else would share its system call, and waiting for the next round of
 * the reactor costs latency. Return: false when path_run() has still to look after it.
 */
bool path_send_now(struct srpgw_bridge_path *path);
/* After the login. */
void path_up(struct srpgw_bridge_path *path);
void path_watch(struct srpgw_bridge_path *path);
/* The portal did not do: the attach goes on with another. */
void path_blame_portal(struct srpgw_bridge_path *path);
/* Logs in through portal @i of the table. @address: its numbers, or NULL: to be looked up. */
void path_take_portal(struct srpgw_bridge_path *path, uint32_t i, const char *address);
/* The target says in the login which target portal group this is. */
void path_group_told(struct srpgw_bridge_path *path, int32_t group);
/* The connection and its context go. Not from inside a callback of libiscsi. */
void path_drop_context(struct srpgw_bridge_path *path);
/* Bytes came. */
void path_heard(struct srpgw_bridge_path *path);

/* ---- timers.c ---- */

void timers_login(struct srpgw_bridge_path *path);
/* A login through one of several portals begins: it gets its own time. */
void timers_portal(struct srpgw_bridge_path *path);
/* The first command after a rest is under way. */
void timers_busy(struct srpgw_bridge_path *path);
void timers_up(struct srpgw_bridge_path *path);
void timers_closing(struct srpgw_bridge_path *path);
void on_deadline(void *arg);
/* One step of an orderly end. Return: true when the session may be destroyed. */
bool detach_step(struct srpgw_bridge_path *path);

/* ---- command.c ---- */

void command_submit(struct srpgw_bridge_path *path, struct srpgw_io *io);
void command_abort(struct srpgw_bridge_path *path, struct srpgw_io *io);
/* Moves commands from our queue to libiscsi as the window allows. */
void commands_feed(struct srpgw_bridge_path *path);
/* Nothing of any command waits to be sent. */
bool commands_are_sent(struct srpgw_bridge_path *path);
/* With commands_are_sent(): answers those that were answered early or ended by a function. Return: it did look. */
bool commands_sweep(struct srpgw_bridge_path *path);
/* The context is gone: answers everything. */
void commands_drop(struct srpgw_bridge_path *path);
/* Answers what no byte left of: delivery NEVER. @lun: of this unit only, or NULL. */
void commands_drop_queued(struct srpgw_bridge_path *path, const uint8_t *lun);
struct command *command_of(const struct srpgw_io *io);

/* ---- tmf.c ---- */

void tmf_submit(struct srpgw_bridge_path *path, struct srpgw_tmf *pub);
/* Sends those that waited, when all commands before them are sent. */
void tmfs_feed(struct srpgw_bridge_path *path);
/* Reports what is answered. */
void tmfs_report(struct srpgw_bridge_path *path);
/* The context is gone: fails all. */
void tmfs_drop(struct srpgw_bridge_path *path);
/* path->patience fired. */
void tmf_patience_is_over(void *arg);
/* 16 bits of LUN as libiscsi puts them on the wire. Return: -1 for a LUN of more than one level. */
int lun_bits(const uint8_t lun[8]);

/* ---- bridge.c: the members of srpgw_bridge that all transports share ---- */

/* What libiscsi would take from the environment, and what it does to the process. Any thread, any number of times. */
void bridge_prepare_process(void);
int bridge_open_target(const struct transport *t, const struct srpgw_host *host, const char *uri,
		       const struct srpgw_setting *settings, size_t n_settings, struct srpgw_bridge_target **target,
		       char *why, size_t why_cap);
/* discover_op.c */
int bridge_discover_targets(const struct transport *t, const struct srpgw_host *host, struct srpgw_reactor *r,
			    const char *uri, const struct srpgw_setting *settings, size_t n_settings,
			    const char *initiator_name, void (*found)(void *arg, const struct srpgw_found *f),
			    void (*done)(void *arg, int rc, const char *why), void *arg, char *why, size_t why_cap);
void bridge_close(struct srpgw_bridge_target *target);
void bridge_limits(struct srpgw_bridge_target *target, struct srpgw_limits *out);
int bridge_attach(struct srpgw_bridge_target *target, struct srpgw_reactor *r, const struct srpgw_nexus_id *nexus,
		  struct srpgw_path_ctx *ctx, struct srpgw_bridge_path **out_path);
void bridge_detach(struct srpgw_bridge_path *path, void (*done)(void *arg), void *arg);
void bridge_portals(struct srpgw_bridge_target *target, void (*emit)(void *arg, const struct srpgw_portal *p),
		    void *arg);
void bridge_describe(struct srpgw_bridge_path *path, void (*emit)(void *arg, const char *key, const char *value),
		     void *arg);

#endif
