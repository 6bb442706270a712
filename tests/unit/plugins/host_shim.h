/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The smallest host for a bridge: one reactor, stepped by the test; the real loader with its guard; helpers that send a
 * command and wait for its answer. Tests only.
 */
#ifndef TEST_HOST_SHIM_H
#define TEST_HOST_SHIM_H

#include "../../../gateway/bridge/host.h"
#include "../../../gateway/rt/reactor.h"

#define SHIM_SCRATCH 1024u

struct shim {
	struct reactor *reactor;
	struct bridge_host *host;
	const struct srpgw_bridge *b;
	struct srpgw_bridge_target *t;
};

/* One session. */
struct shim_path {
	struct shim *shim;
	struct srpgw_bridge_path *p; /* NULL after detach */
	bool up, down, permanent, no_room, detached, inventory;
	uint32_t n_silent, n_heard, n_move;
	char why[512]; /* of DOWN */
	uint32_t n_events, n_progress;
};

struct shim_io {
	struct srpgw_io pub;
	void (*on_done)(struct shim_io *io); /* or NULL */
	void *arg;
	uint32_t n_done; /* answers since shim_prepare() */
	uint8_t cdb[32];
	struct iovec iov[64];
	_Alignas(16) uint8_t scratch[SHIM_SCRATCH];
};

struct shim_tmf {
	struct srpgw_tmf pub;
	uint32_t n_done;
	_Alignas(16) uint8_t scratch[SHIM_SCRATCH];
};

/* Folder with the bridges, relative to the test program's; the built ones by default. Set before shim_open(). */
extern const char *shim_bridges;

/* How long a helper thread sits on work before it does it; and how many pieces of work are not done yet. */
extern uint32_t shim_work_delay_ms, shim_n_works;

/* All of these fail the cmocka test when something goes wrong that the test did not ask for. */

/* Opens @uri. @settings: "key", "value", ..., NULL; or NULL. */
void shim_open(struct shim *s, const char *uri, const char *const *settings);
/* As above, and expects that the bridge refuses. @line: what it said. */
void shim_open_refused(const char *uri, const char *const *settings, int code, char *line, size_t cap);
/* A second user of the target that @of has open, on a reactor of its own; close it first. */
void shim_share(struct shim *s, const struct shim *of);
void shim_close(struct shim *s);

/* @number: tells initiators apart (port identifiers, name, ISID). Does not wait. */
void shim_attach_start(struct shim *s, struct shim_path *p, unsigned number);
/* ... and waits until it is UP. */
void shim_attach(struct shim *s, struct shim_path *p, unsigned number);
void shim_detach(struct shim_path *p);

/* Runs the reactor until @cond is true. Return: false after @timeout_ms. */
bool shim_run(struct shim *s, bool (*cond)(void *arg), void *arg, uint32_t timeout_ms);
/* Runs the reactor for as long, whatever happens. */
void shim_run_for(struct shim *s, uint32_t ms);

/*
 * Fills in a command. @dir: enum srpgw_dir. @buf, @len: cut into @n_iov pieces of uneven size.
 */
void shim_prepare(struct shim_io *io, uint32_t lun, const void *cdb, size_t cdb_len, uint8_t dir, void *buf,
		  uint32_t len, uint32_t n_iov);
void shim_submit(struct shim_path *p, struct shim_io *io);
/* Submits and waits. Return: SCSI status, or -1 - delivery when the device did not answer. */
int shim_command(struct shim_path *p, struct shim_io *io);
/* shim_prepare() in one piece and shim_command(). */
int shim_do(struct shim_path *p, struct shim_io *io, uint32_t lun, const void *cdb, size_t cdb_len, uint8_t dir,
	    void *buf, uint32_t len);
void shim_tmf_start(struct shim_path *p, struct shim_tmf *t, uint8_t function, uint32_t lun, struct shim_io *io);
/* Starts and waits. Return: result. */
int shim_tmf(struct shim_path *p, struct shim_tmf *t, uint8_t function, uint32_t lun, struct shim_io *io);
bool shim_io_is_done(void *io);

/* key << 16 | asc << 8 | ascq of the fixed or descriptor sense of a command; 0 when there is none. */
uint32_t shim_sense(const struct shim_io *io);

/* READ/WRITE(16) CDB. */
void shim_rw16(uint8_t cdb[16], bool write, uint64_t lba, uint32_t n_blocks);
/* Waits until every unit attention of @lun is reported. */
void shim_clear_ua(struct shim_path *p, uint32_t lun);
/* The fact that describe() emits under @key, or "". */
const char *shim_fact(struct shim_path *p, const char *key, char *buf, size_t cap);

#endif
