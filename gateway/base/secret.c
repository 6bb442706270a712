/* SPDX-License-Identifier: BSD-3-Clause */
/* Secrets from files of their own, see secret.h. Layer: base. */
#include "secret.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static int check_file(int fd, const char *file, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_set(e, -errno, "%s: %s", file, strerror(errno));
	if (!S_ISREG(st.st_mode)) {
		err_cure(e, "name a file whose first line is the secret");
		return err_set(e, -EINVAL, "%s is no regular file", file);
	}
	if (st.st_mode & 07137) {
		err_cure(e, "run: chmod 0600 %s", file);
		return err_set(e, -EPERM, "%s has mode %04o: others could read or change the secret", file,
			       st.st_mode & 07777u);
	}
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		err_cure(e, "run: chown root %s", file);
		return err_set(e, -EPERM, "%s belongs to user %u, who could change the secret", file,
			       (unsigned)st.st_uid);
	}
	return 0;
}

/* From now on secrets are in our memory, and in that of libraries that we cannot wipe: no core file may tell them. */
static void no_core_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) || !limit.rlim_cur)
		return;
	limit.rlim_cur = 0;
	if (setrlimit(RLIMIT_CORE, &limit) == 0)
		log_info("no core file will be written: it would hold CHAP secrets");
}

int secret_read(const char *file, char out[SECRET_MAX_BYTES + 1], struct err *e)
{
	CLEANUP_FD int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t n = 0;
	ssize_t got;
	int rc;

	memset(out, 0, SECRET_MAX_BYTES + 1);
	if (fd < 0) {
		rc = -errno;
		err_set(e, rc, "cannot read the secret: %s: %s", file, strerror(-rc));
		err_cure(e, rc == -ENOENT ? "write the secret into this file, with mode 0600"
					  : "make it readable for the gateway");
		return rc;
	}
	rc = check_file(fd, file, e);
	if (rc)
		return rc;
	while (n < SECRET_MAX_BYTES + 1 && (got = read(fd, out + n, SECRET_MAX_BYTES + 1 - n)) > 0)
		n += (size_t)got;
	for (size_t i = 0; i < n; i++) {
		if (out[i] == '\n' || out[i] == '\r') {
			memset(out + i, 0, SECRET_MAX_BYTES + 1 - i);
			n = i;
		}
	}
	if (n >= 1 && n <= SECRET_MAX_BYTES && strlen(out) == n) {
		no_core_files();
		return 0;
	}
	secret_wipe(out);
	err_cure(e, "write the secret into its first line, at most %u bytes", SECRET_MAX_BYTES);
	return err_set(e, -EINVAL, "%s holds no usable secret", file);
}

void secret_wipe(char out[SECRET_MAX_BYTES + 1])
{
	explicit_bzero(out, SECRET_MAX_BYTES + 1);
}
