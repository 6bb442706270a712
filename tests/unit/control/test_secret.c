/* SPDX-License-Identifier: BSD-3-Clause */
/* secret.h and unix_socket.h: who may read what, and that a second daemon is told so. */
#include "../../../gateway/base/secret.h"
#include "../../../gateway/control/unix_socket.h"
#include "unit.h"

#include <errno.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/un.h>

static int read_from(const char *dir, const char *name, char out[SECRET_MAX_BYTES + 1], struct err *e)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	memset(e, 0, sizeof(*e));
	return secret_read(path, out, e);
}

static void secrets(void **state)
{
	char dir[UNIT_DIR], out[SECRET_MAX_BYTES + 1], longest[SECRET_MAX_BYTES + 2];
	struct err e;

	(void)state;
	unit_mkdir(dir);
	unit_write(dir, "s", "hush\nsecond line\n", 0600);
	assert_int_equal(read_from(dir, "s", out, &e), 0);
	assert_string_equal(out, "hush");
	unit_write(dir, "s", "dos\r\n", 0640);
	assert_int_equal(read_from(dir, "s", out, &e), 0);
	assert_string_equal(out, "dos");
	unit_write(dir, "s", "bare", 0400);
	assert_int_equal(read_from(dir, "s", out, &e), 0);
	assert_string_equal(out, "bare");

	static const mode_t wide[] = { 0644, 0660, 0604, 0700, 0641, 04600 };
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		unit_write(dir, "s", "hush\n", wide[i]);
		assert_int_equal(read_from(dir, "s", out, &e), -EPERM);
		assert_non_null(strstr(e.cause, "others could read or change the secret"));
		assert_non_null(strstr(e.cure, "chmod 0600"));
		assert_string_equal(out, "");
	}
	unit_write(dir, "s", "", 0600);
	assert_int_equal(read_from(dir, "s", out, &e), -EINVAL);
	unit_write(dir, "s", "\nsecond", 0600);
	assert_int_equal(read_from(dir, "s", out, &e), -EINVAL);

	memset(longest, 'x', SECRET_MAX_BYTES + 1);
	longest[SECRET_MAX_BYTES + 1] = '\0';
	unit_write(dir, "s", longest, 0600);
	assert_int_equal(read_from(dir, "s", out, &e), -EINVAL);
	longest[SECRET_MAX_BYTES] = '\0';
	unit_write(dir, "s", longest, 0600);
	assert_int_equal(read_from(dir, "s", out, &e), 0);
	assert_string_equal(out, longest);
	secret_wipe(out);
	assert_string_equal(out, "");

	assert_int_equal(read_from(dir, "none", out, &e), -ENOENT);
	assert_int_equal(read_from(dir, ".", out, &e), -EINVAL);
	assert_non_null(strstr(e.cause, "no regular file"));
	unit_rm(dir, (const char *[]){ "s", NULL });
}

static void a_folder_has_one_daemon(void **state)
{
	char top[UNIT_DIR], dir[160];
	int first, second;
	struct err e = ERR_INIT;
	struct stat st;

	(void)state;
	unit_mkdir(top);
	snprintf(dir, sizeof(dir), "%s/none/run", top);
	assert_int_equal(runtime_dir_take(dir, &first, &e), -ENOENT);
	assert_non_null(strstr(e.cause, "cannot make the runtime folder"));
	snprintf(dir, sizeof(dir), "%s/run", top);
	memset(&e, 0, sizeof(e));
	assert_int_equal(runtime_dir_take(dir, &first, &e), 0);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(runtime_dir_take(dir, &second, &e), -EBUSY);
	assert_non_null(strstr(e.cause, "another srpgwd runs in"));
	close(first);
	assert_int_equal(runtime_dir_take(dir, &second, &e), 0);
	close(second);
	unit_rm(dir, (const char *[]){ "srpgwd.lock", NULL });
	unit_rm(top, NULL);
}

static void sockets(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct err e = ERR_INIT;
	char dir[UNIT_DIR];
	struct stat st;
	int fd, client;

	(void)state;
	unit_mkdir(dir);
	assert_int_equal(unix_socket_listen(dir, "a.sock", NULL, &fd, &e), 0);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/a.sock", dir);
	assert_int_equal(lstat(sun.sun_path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	/* What a killed daemon left behind is replaced. */
	close(fd);
	assert_int_equal(unix_socket_listen(dir, "a.sock", "no-such-group-here", &fd, &e), 0);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(lstat(sun.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	close(client);
	close(fd);
	if (getgrgid(getgid()) && geteuid() == 0) {
		assert_int_equal(unix_socket_listen(dir, "a.sock", getgrgid(getgid())->gr_name, &fd, &e), 0);
		assert_int_equal(lstat(sun.sun_path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0660);
		assert_int_equal(st.st_gid, getgid());
		close(fd);
	}
	unix_socket_unlink(dir, "a.sock");
	assert_int_equal(unix_socket_listen("/proc/no/such/folder", "a.sock", NULL, &fd, &e), -ENOENT);
	unit_rm(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets),
		cmocka_unit_test(a_folder_has_one_daemon),
		cmocka_unit_test(sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
