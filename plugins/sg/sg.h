/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Local SCSI devices through the kernel's generic driver (/dev/sgN), asynchronously. Knows <srpgw/bridge.h>, libc and,
 * in device.c alone, <scsi/sg.h>.
 *
 * Handing a command to the kernel may sleep until the device's queue has room, so one thread per target, the submitter,
 * does that; answers are read on the path's reactor. All hosts share one I_T nexus at the device: unit attentions are
 * passed on to each of them (attention.c), and reservations, which could not tell hosts apart, are refused unless one
 * host has the device alone (setting "reservations").
 */
#ifndef SG_SG_H
#define SG_SG_H

#include <srpgw/bridge.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#define SG_QUEUE_PER_FD 16u /* the driver's own limit per open file */
#define SG_MAX_FDS 8u
#define SG_MAX_IOV 1024u /* UIO_MAXIOV */
#define SG_CDB_MAX 32u
#define SG_ATTENTIONS 8u /* pending per path; of one kind only one is kept */
#define SG_IDENTITY_BYTES 256u
#define SG_WHY_BYTES 256u

struct sg_conf {
	char node[256]; /* as configured: /dev/sgN, a disk, or a link to one */
	uint32_t max_outstanding, timeout_ms;
	bool pass_reservations;
};

/* ---- device.c: the kernel's interface, and nothing else ---- */

struct sg_request {
	const uint8_t *cdb;
	uint32_t cdb_len, data_len, timeout_ms;
	enum srpgw_dir dir;
	struct iovec *iov; /* data-in: written when the answer is read; data-out: read before the call returns */
	uint32_t n_iov;
	uint8_t *sense; /* SRPGW_SENSE_MAX bytes, as data-in */
	void *tag;
};

struct sg_answer {
	void *tag;
	uint8_t status, sense_len;
	uint16_t host_status; /* DID_*: not zero when the device did not answer */
	int32_t resid;	      /* bytes of data_len that did not move */
};

struct sg_facts {
	char name[128];			     /* of the node, for people: "/dev/sg3" */
	char product[32];		     /* vendor and product of INQUIRY, text */
	uint8_t identity[SG_IDENTITY_BYTES]; /* device identification VPD page, or standard INQUIRY data */
	uint32_t identity_len;
};

#define SG_DID_NO_CONNECT 1u

/* Finds the generic node of @path and opens it. May take a while. Return: descriptor or -errno with @why. */
int sg_node_open(const char *path, char *name, size_t name_cap, char *why, size_t why_cap);
/* Asks the device who it is. Blocks for at most 10 s. Return: 0 or -errno with @why. */
int sg_node_facts(int fd, struct sg_facts *facts, char *why, size_t why_cap);
/* Return: bytes of one command at most, 0 when not known. Does not ask the device. */
uint32_t sg_node_max_transfer(int fd);
/* May sleep until the device's queue has room. Return: 0, or -errno: nothing was sent. */
int sg_node_submit(int fd, const struct sg_request *q);
/* Does not block. Return: 0, -EAGAIN, or -errno: the device is gone. */
int sg_node_reap(int fd, struct sg_answer *a);
/* LOGICAL UNIT RESET. Blocks. Return: 0 or -errno. */
int sg_node_reset(int fd);

/* ---- objects ---- */

/* Open files of one path; the submitter may still be inside one when the path goes. */
struct sg_files {
	_Atomic uint32_t refs;
	uint32_t n;
	int fd[SG_MAX_FDS];
};

enum sg_state { SG_QUEUED, SG_SUBMITTING, SG_AT_DEVICE, SG_REFUSED };

/* In io->scratch. */
struct sg_command {
	STAILQ_ENTRY(sg_command) queue; /* submitter's, under its lock */
	TAILQ_ENTRY(sg_command) node;	/* path's, reactor only */
	struct srpgw_bridge_path *path;
	struct srpgw_io *io;
	uint32_t file;
	enum sg_state state; /* under the submitter's lock */
	int error;	     /* SG_REFUSED: -errno */
};

STAILQ_HEAD(sg_queue, sg_command);
TAILQ_HEAD(sg_commands, sg_command);

struct sg_tmf {
	TAILQ_ENTRY(sg_tmf) node;
	struct srpgw_bridge_path *path;
	struct srpgw_tmf *tmf;
	struct sg_reset *reset; /* on its way, or NULL: answer at once */
};

struct srpgw_bridge_target {
	const struct srpgw_host *host;
	struct sg_conf conf;
	uint32_t max_transfer_bytes;
	struct sg_submitter *submitter;

	pthread_mutex_t lock;
	LIST_HEAD(sg_paths, srpgw_bridge_path) paths; /* those that are UP; under lock */
	uint8_t identity[SG_IDENTITY_BYTES];  /* of the first device seen; under lock */
	uint32_t identity_len;
};

struct srpgw_bridge_path {
	struct srpgw_bridge_target *target;
	const struct srpgw_host *host;
	struct srpgw_reactor *reactor;
	struct srpgw_path_ctx *ctx;
	LIST_ENTRY(srpgw_bridge_path) node;

	struct sg_login *login; /* under way, or NULL */
	struct sg_files *files; /* NULL when not logged in */
	struct srpgw_watch *watch[SG_MAX_FDS];
	uint32_t load[SG_MAX_FDS]; /* commands of each file */
	struct srpgw_watch *refused_watch;
	int refused_fd; /* eventfd: the submitter has something for us */
	struct sg_queue refused; /* under the submitter's lock */
	struct srpgw_timer *later; /* what must not happen inside the host's call */
	bool up, down, registered, permanent;
	char why[SG_WHY_BYTES]; /* DOWN is to be said */

	struct sg_commands commands;
	TAILQ_HEAD(sg_tmfs, sg_tmf) tmfs;
	uint64_t commands_total;
	char product[32], name[128];

	/* Unit attentions that other hosts' commands were told of; under target->lock, the count also read without. */
	_Atomic uint32_t n_attentions;
	uint16_t attention[SG_ATTENTIONS];

	void (*detached)(void *arg);
	void *detached_arg;
	uint64_t detach_ns;
};

/* ---- conf.c: pure ---- */

extern const char sg_settings_help[];
/* Return: 0 or -EINVAL with one line in @why. */
int sg_conf_parse(const char *uri, const struct srpgw_setting *settings, size_t n_settings, struct sg_conf *out,
		  char *why, size_t why_cap);

/* ---- login.c ---- */

/* Opens the device on a helper thread; then login_done(). Return: 0 or -errno. */
int sg_login_start(struct srpgw_bridge_path *path);
void sg_login_forget(struct srpgw_bridge_path *path);
/* bridge.c: @files is the path's now, or NULL with @why. Reactor. */
void sg_login_done(struct srpgw_bridge_path *path, struct sg_files *files, const struct sg_facts *facts,
		   const char *why);
void sg_files_unref(struct sg_files *files);

/* ---- submitter.c ---- */

/* Return: NULL without memory or thread. */
struct sg_submitter *sg_submitter_new(uint32_t max_transfer_bytes);
/* All paths are gone. A thread that is stuck in the kernel is left to itself. */
void sg_submitter_free(struct sg_submitter *s);
void sg_submitter_put(struct sg_submitter *s, struct sg_command *c);
/* Return: true when @c waited and was taken back. */
bool sg_submitter_take_back(struct sg_submitter *s, struct sg_command *c);
/* The command's memory is given up: the submitter must not touch it any more. */
void sg_submitter_disown(struct sg_submitter *s, struct sg_command *c);
/* The next command that could not be handed over, or NULL. */
struct sg_command *sg_submitter_refused(struct sg_submitter *s, struct srpgw_bridge_path *path);

/* ---- command.c ---- */

void sg_submit(struct srpgw_bridge_path *path, struct srpgw_io *io);
void sg_abort(struct srpgw_bridge_path *path, struct srpgw_io *io);
void sg_on_readable(void *arg, int revents);
void sg_on_refused(void *arg, int revents);
/* Takes back what waits (NEVER); with @all also gives up what is at the device (MAYBE). */
void sg_commands_end(struct srpgw_bridge_path *path, bool all);

/* ---- reset.c ---- */

void sg_tmf(struct srpgw_bridge_path *path, struct srpgw_tmf *tmf);
/* Answers what needs no device; with @all also gives up what is under way. */
void sg_tmfs_answer(struct srpgw_bridge_path *path, bool all);

/* ---- attention.c ---- */

/* What @sense says concerns every other path, too. */
void sg_attention_raise(struct srpgw_bridge_path *from, const uint8_t *sense, uint32_t sense_len);
/* Return: ASC << 8 | ASCQ to tell before the next command, or 0. */
uint16_t sg_attention_take(struct srpgw_bridge_path *path);

/* ---- bridge.c ---- */

/* Notes the first cause and has DOWN said soon. */
void sg_path_fail(struct srpgw_bridge_path *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
