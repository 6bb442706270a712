/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's generic SCSI driver: version 3 headers by write() and read(), which returns before the device answers.
 * The driver copies data-out in write() and data-in in read(); after close() it touches no memory of ours.
 */
#include "sg.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <scsi/scsi_ioctl.h>
#include <scsi/sg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define ASK_TIMEOUT_MS 10000u
#define RESET_LU_ONLY (SG_SCSI_RESET_DEVICE | 0x100) /* 100h: go no further when the device refuses */

/* A disk's generic node: /sys/dev/block/MAJOR:MINOR/device/scsi_generic/sgN. */
static int node_of_disk(dev_t dev, char *name, size_t cap)
{
	char dir[96];
	struct dirent *e;
	int rc = -ENODEV;

	snprintf(dir, sizeof(dir), "/sys/dev/block/%u:%u/device/scsi_generic", major(dev), minor(dev));
	DIR *d = opendir(dir);

	if (!d)
		return -ENODEV;
	while ((e = readdir(d))) {
		if (!strncmp(e->d_name, "sg", 2)) {
			snprintf(name, cap, "/dev/%.32s", e->d_name);
			rc = 0;
		}
	}
	closedir(d);
	return rc;
}

int sg_node_open(const char *path, char *name, size_t name_cap, char *why, size_t why_cap)
{
	struct stat st;
	int version = 0;

	if (stat(path, &st)) {
		int err = errno;

		snprintf(why, why_cap, "%s: %s; is the device attached, and the generic driver loaded (modprobe sg)?",
			 path, strerror(err));
		return -err;
	}
	if (S_ISBLK(st.st_mode) && node_of_disk(st.st_rdev, name, name_cap)) {
		snprintf(why, why_cap, "%s is no SCSI disk, or the generic driver is not loaded: modprobe sg", path);
		return -ENODEV;
	}
	if (!S_ISBLK(st.st_mode))
		snprintf(name, name_cap, "%s", path);
	int fd = open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		int err = errno;

		snprintf(why, why_cap, "cannot open %s: %s", name, strerror(err));
		return -err;
	}
	if (ioctl(fd, SG_GET_VERSION_NUM, &version) || version < 30000) {
		snprintf(why, why_cap, "%s is no SCSI generic device; give /dev/sgN or a SCSI disk", name);
		close(fd);
		return -ENOTTY;
	}
	return fd;
}

uint32_t sg_node_max_transfer(int fd)
{
	int bytes = 0;

	return !ioctl(fd, BLKSECTGET, &bytes) && bytes > 0 ? (uint32_t)bytes : 0;
}

/* INQUIRY. Return: bytes in @buf or -errno. */
static int inquiry(int fd, int page, uint8_t *buf, uint8_t cap)
{
	uint8_t cdb[6] = { 0x12, page >= 0, (uint8_t)(page >= 0 ? page : 0), 0, cap }, sense[32];
	sg_io_hdr_t h = {
		.interface_id = 'S',
		.dxfer_direction = SG_DXFER_FROM_DEV,
		.cmd_len = sizeof(cdb),
		.cmdp = cdb,
		.dxfer_len = cap,
		.dxferp = buf,
		.mx_sb_len = sizeof(sense),
		.sbp = sense,
		.timeout = ASK_TIMEOUT_MS,
	};

	/* Twice: what the first is told may be a unit attention of a device that minds. */
	for (int i = 0; i < 2; i++) {
		if (ioctl(fd, SG_IO, &h))
			return -errno;
		if (h.host_status)
			return -EIO;
		if (!h.status)
			return h.resid < 0 || h.resid > cap ? 0 : cap - h.resid;
	}
	return -ENOTSUP;
}

static void copy_text(char *to, const uint8_t *from, size_t len)
{
	while (len && (from[len - 1] == ' ' || !from[len - 1]))
		len--;
	for (size_t i = 0; i < len; i++)
		*to++ = (char)(isprint(from[i]) ? from[i] : '.');
	*to = 0;
}

int sg_node_facts(int fd, struct sg_facts *f, char *why, size_t why_cap)
{
	uint8_t std[96] = { 0 };
	int n = inquiry(fd, -1, std, sizeof(std));

	if (n < 36) {
		snprintf(why, why_cap, "%s does not answer INQUIRY: %s", f->name, n < 0 ? strerror(-n) : "short data");
		return n < 0 ? n : -EIO;
	}
	copy_text(f->product, std + 8, 24);
	n = inquiry(fd, 0x83, f->identity, SG_IDENTITY_BYTES - 1);
	if (n < 8) {
		/* SPC-4 6.4.2: vendor, product; the revision may change under us. */
		memset(f->identity, 0, sizeof(f->identity));
		memcpy(f->identity, std + 8, 24);
		n = 24;
	}
	f->identity_len = (uint32_t)n;
	return 0;
}

static int direction(enum srpgw_dir dir)
{
	return dir == SRPGW_DIR_IN ? SG_DXFER_FROM_DEV : dir == SRPGW_DIR_OUT ? SG_DXFER_TO_DEV : SG_DXFER_NONE;
}

int sg_node_submit(int fd, const struct sg_request *q)
{
	sg_io_hdr_t h = {
		.interface_id = 'S',
		.dxfer_direction = direction(q->data_len ? q->dir : SRPGW_DIR_NONE),
		.cmd_len = (unsigned char)q->cdb_len,
		.cmdp = (unsigned char *)(uintptr_t)q->cdb,
		.iovec_count = (unsigned short)q->n_iov,
		.dxfer_len = q->data_len,
		.dxferp = q->iov,
		.mx_sb_len = SRPGW_SENSE_MAX,
		.sbp = q->sense,
		.timeout = q->timeout_ms,
		.usr_ptr = q->tag,
	};
	ssize_t n;

	if (!q->data_len) {
		h.iovec_count = 0;
		h.dxferp = NULL;
	}
	do
		n = write(fd, &h, sizeof(h));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int sg_node_reap(int fd, struct sg_answer *a)
{
	sg_io_hdr_t h = { .interface_id = 'S', .pack_id = -1 };

	if (read(fd, &h, sizeof(h)) < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	*a = (struct sg_answer){
		.tag = h.usr_ptr,
		.status = h.status,
		.sense_len = h.sb_len_wr,
		.host_status = h.host_status,
		.resid = h.resid,
	};
	return 0;
}

int sg_node_reset(int fd)
{
	int what = RESET_LU_ONLY;

	return ioctl(fd, SG_SCSI_RESET, &what) ? -errno : 0;
}
