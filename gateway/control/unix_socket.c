/* SPDX-License-Identifier: BSD-3-Clause */
/* The runtime folder and the sockets in it, see unix_socket.h. Layer: control. Knows base. */
#include "unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define LOCK_NAME "srpgwd.lock"
#define BACKLOG 64

int runtime_dir_take(const char *dir, int *lock_fd, struct err *e)
{
	char path[256];
	int fd, rc;

	/* Whatever the umask says: members of the group must get through to the status socket. */
	if ((mkdir(dir, 0755) || chmod(dir, 0755)) && errno != EEXIST) {
		rc = -errno;
		err_cure(e, rc == -ENOENT ? "make the folder that it lies in"
					  : "run as root, or choose another \"runtime_dir\"");
		return err_set(e, rc, "cannot make the runtime folder %s: %s", dir, strerror(-rc));
	}
	snprintf(path, sizeof(path), "%s/" LOCK_NAME, dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		rc = -errno;
		err_cure(e, "run as root, or choose another \"runtime_dir\"");
		return err_set(e, rc, "cannot make %s: %s", path, strerror(-rc));
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
		close(fd);
		err_cure(e, "stop it (srpgwctl --runtime-dir %s status), or choose another \"runtime_dir\"", dir);
		return err_set(e, rc, "another srpgwd runs in %s", dir);
	}
	*lock_fd = fd;
	return 0;
}

static int open_listening(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return -errno;
	/* The mode of the descriptor becomes the mode of the name, so that it is never wider than wanted. */
	if (fchmod(fd, 0600) == 0 && (unlink(sun->sun_path) == 0 || errno == ENOENT) &&
	    bind(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int unix_socket_listen(const char *dir, const char *name, const char *group, int *fd, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int n = snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s", dir, name), rc;
	const struct group *gr;

	if (n < 0 || (size_t)n >= sizeof(sun.sun_path))
		return err_set(e, -ENAMETOOLONG, "%s/%s is too long for a socket", dir, name);
	rc = open_listening(&sun);
	if (rc < 0) {
		err_cure(e, "check the folder and its owner");
		return err_set(e, rc, "cannot listen on %s: %s", sun.sun_path, strerror(-rc));
	}
	gr = group ? getgrnam(group) : NULL;
	if (gr && (lchown(sun.sun_path, (uid_t)-1, gr->gr_gid) || chmod(sun.sun_path, 0660))) {
		int code = -errno;

		close(rc);
		unlink(sun.sun_path);
		return err_set(e, code, "cannot give %s to group %s: %s", sun.sun_path, group, strerror(-code));
	}
	*fd = rc;
	return 0;
}

void unix_socket_unlink(const char *dir, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}
