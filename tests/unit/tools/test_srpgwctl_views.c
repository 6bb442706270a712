/* SPDX-License-Identifier: BSD-3-Clause */
/* srpgwctl_views.h: each document as people see it, word by word; and documents of another version do no harm. */
#include "../../../gateway/tools/srpgwctl_views.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void shows(int (*view)(const json_t *doc, FILE *out), const char *json, const char *want)
{
	json_error_t e;
	json_t *doc = json_loads(json, 0, &e);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!doc)
		fail_msg("%d: %s", e.line, e.text);
	assert_non_null(f);
	assert_int_equal(view(doc, f), 0);
	assert_int_equal(fclose(f), 0);
	if (want)
		assert_string_equal(text, want);
	free(text);
	json_decref(doc);
}

static void status(void **state)
{
	(void)state;
	shows(view_status,
	      "{\"gateway\":{\"name\":\"gw\",\"version\":\"1.2\",\"state\":\"ready\",\"uptime_ms\":61000,\"config_"
	      "file\":\"/c\",\"reloads_total\":2,"
	      "\"last_reload_error\":\"/c:1:1: "
	      "no\"},\"listeners\":[{\"fabric\":\"rdma\",\"address\":\"::\",\"port\":5555,\"state\":\"listening\"}],"
	      "\"devices\":[{\"fabric\":\"rdma\",\"device\":\"rxe0\"},{\"fabric\":\"rdma\",\"device\":\"*\"}],\"logins\":{\"logins_accepted_total\":3,"
	      "\"logins_refused_total\":1,"
	      "\"refused_by_reason\":[{\"text\":\"a\",\"total\":0},{\"text\":\"no such "
	      "initiator\",\"total\":1}]},\"sessions\":[{}],"
	      "\"backends\":[{\"name\":\"san\",\"state\":\"up\",\"uri\":\"mem:1M\",\"paths\":[{}]}],\"reactors\":[{"
	      "\"name\":\"control\"},"
	      "{\"name\":\"data0\",\"n_sessions\":1,\"n_channels\":2,\"pool_size_bytes\":1048576,\"pool_free_bytes\":"
	      "1048576,"
	      "\"pool_low_water_bytes\":524288}]}",
	      "gw (srpgw 1.2): ready, up 61 s\n"
	      "configuration  /c, reloaded 2 times\n"
	      "reload failed  /c:1:1: no\n"
	      "listen         rdma :: port 5555: listening\n"
	      "device         rxe0 (rdma)\n"
	      "logins         3 accepted, 1 refused\n"
	      "refused        1: no such initiator\n"
	      "sessions       1\n"
	      "back-end       san: up, 1 paths, mem:1M\n"
	      "reactor        data0: 1 sessions, 2 channels, buffers 0 B of 1.0 MiB in use, at most 512.0 KiB\n");
}

#define IO                                                                                                             \
	"\"io\":{\"reads_total\":10,\"writes_total\":2000000,\"read_bytes_total\":4096,\"write_bytes_total\":0,"       \
	"\"errors_total\":0},"                                                                                         \
	"\"time\":{\"fabric\":{\"p50_ns\":1000},\"gateway\":{\"p50_ns\":0},\"backend\":{\"p50_ns\":2500000},"          \
	"\"total\":{\"p50_ns\":3000000,\"p99_ns\":9000000}}"

static void sessions_and_luns(void **state)
{
	(void)state;
	shows(view_sessions,
	      "{\"sessions\":[{\"id\":7,\"i_port_id\":\"ff\",\"peer\":\"10.0.0.1:1\",\"target\":\"t\",\"group\":"
	      "\"default\",\"n_channels\":2," IO "}]}",
	      "ID  INITIATOR  PEER        TARGET  GROUP    CH  READS  WRITES     READ  WRITTEN  ERRORS  FABRIC  "
	      "GATEWAY  BACKEND     P50     P99\n"
	      " 7  ff         10.0.0.1:1  t       default   2     10   2.0 M  4.0 KiB      0 B       0  1.0 us        "
	      "-   2.5 ms  3.0 ms  9.0 ms\n");
	shows(view_luns,
	      "{\"luns\":[{\"session_id\":7,\"lun\":\"0\",\"backend\":\"san\",\"backend_lun\":\"1\",\"source\":\"all\",\"fenced\":true," IO
	      "}]}",
	      "SESSION  LUN  BACK-END  ITS LUN  SOURCE  FENCED  READS  WRITES     READ  WRITTEN  ERRORS  FABRIC  GATEWAY  "
	      "BACKEND     P50     P99\n"
	      "      7    0  san             1  all     yes        10   2.0 M  4.0 KiB      0 B       0  1.0 us        -   "
	      "2.5 ms  3.0 ms  9.0 ms\n");
	shows(view_sessions, "{\"sessions\":[]}",
	      "ID  INITIATOR  PEER  TARGET  GROUP  CH  READS  WRITES  READ  WRITTEN  ERRORS  FABRIC  GATEWAY  BACKEND  "
	      "P50  P99\n");
}

static void backends(void **state)
{
	(void)state;
	shows(
	    view_backends,
	    "{\"backends\":[{\"name\":\"san\",\"state\":\"down\",\"bridge\":\"iscsi\",\"uri\":\"iscsi://h/iqn.x\",\"warning\":\"full\","
	    "\"portals\":[{\"address\":\"h:3260\",\"group\":null,\"state\":\"down\",\"why\":\"refused\",\"since\":null,"
	    "\"n_paths\":0},{\"address\":\"i:3260\",\"group\":2,\"state\":\"active\",\"why\":\"\","
	    "\"since\":\"2026-11-23T01:02:03.004Z\",\"n_paths\":3}],"
	    "\"paths\":[{\"session_id\":1,\"state\":\"down\",\"why\":\"no answer\",\"n_waiting\":3,\"downs_total\":2}],"
	    "\"identities\":[{\"target\":\"t\",\"group\":\"g\",\"initiator\":\"ff*\",\"initiator_name\":\"iqn.y\","
	    "\"isid\":\"809bb96cade3\"}]}]}",
	    "BACK-END  STATE  BRIDGE  PATHS  URI\n"
	    "san       down   iscsi       1  iscsi://h/iqn.x\n"
	    "san: full\n"
	    "\n"
	    "BACK-END  PORTAL  GROUP  STATE   SINCE                     PATHS  WHY\n"
	    "san       h:3260      -  down    -                             0  refused\n"
	    "san       i:3260      2  active  2026-11-23T01:02:03.004Z      3  \n"
	    "\n"
	    "BACK-END  SESSION  STATE  OUTSTANDING  WAITING  DETACHED  UPS  DOWNS  P50  P99  WHY\n"
	    "san             1  down             0        3         0    0      2    -    -  no answer\n"
	    "\n"
	    "BACK-END  TARGET  GROUP  INITIATOR  INITIATOR NAME AT THE BACK-END  ISID\n"
	    "san       t       g      ff*        iqn.y                           809bb96cade3\n");
}

#define LIMITED                                                                                                        \
	"\"backends\":[{\"name\":\"san\",\"state\":\"up\",\"bridge\":\"iscsi\",\"uri\":\"iscsi://h/x\",\"queue_depth\":64,"        \
	"\"queue_depth_used\":12,\"max_inflight_bytes\":4194304,\"sessions\":3,\"max_sessions\":8,\"paths\":["              \
	"{\"session_id\":1,\"state\":\"up\",\"limited_total\":0,\"refused_total\":0,\"depth\":0},"                           \
	"{\"session_id\":2,\"state\":\"up\",\"limited_total\":120,\"refused_total\":0,\"depth\":0},"                         \
	"{\"session_id\":3,\"state\":\"up\",\"limited_total\":7,\"refused_total\":5,\"depth\":4}]},"                         \
	"{\"name\":\"tape\",\"state\":\"idle\",\"uri\":\"mem:1M\",\"queue_depth\":0,\"max_sessions\":0,\"sessions\":1}],"     \
	"\"targets\":[{\"name\":\"t\",\"groups\":[{\"name\":\"g\",\"iops\":1000,\"bytes_per_second\":1048576,\"luns\":["      \
	"{\"lun\":\"0\",\"limits\":null},{\"lun\":\"1\",\"limits\":{\"queue_depth\":4,\"queue_depth_used\":1,"                 \
	"\"iops\":0,\"bytes_per_second\":2097152}}]},{\"name\":\"h\",\"iops\":0,\"luns\":[]}]}]"

/* Shown where there are some, and what they did. */
static void limits(void **state)
{
	(void)state;
	shows(view_status, "{" LIMITED "}",
	      " (srpgw ): , up 0 s\n"
	      "configuration  , reloaded 0 times\n"
	      "logins         0 accepted, 0 refused\n"
	      "sessions       0\n"
	      "back-end       san: up, 3 paths, iscsi://h/x\n"
	      "limit          san: queue depth 64 (12 in use), 4.0 MiB under way per session, 8 sessions (3 up)\n"
	      "held up        san: 127 times by a limit; 5 commands that the back-end had refused\n"
	      "back-end       tape: idle, 0 paths, mem:1M\n"
	      "limit          each host of t, g: 1000 commands/s, 1.0 MiB/s\n"
	      "limit          LUN 1 of t, g: queue depth 4 (1 in use), 2.0 MiB/s\n");
	shows(view_backends, "{" LIMITED "}",
	      "BACK-END  STATE  BRIDGE  PATHS  URI\n"
	      "san       up     iscsi       3  iscsi://h/x\n"
	      "tape      idle               0  mem:1M\n"
	      "san: queue depth 64 (12 in use), 4.0 MiB under way per session, 8 sessions (3 up)\n"
	      "\n"
	      "BACK-END  PORTAL  GROUP  STATE  SINCE  PATHS  WHY\n"
	      "\n"
	      "BACK-END  SESSION  STATE  OUTSTANDING  WAITING  DETACHED  UPS  DOWNS  P50  P99  WHY\n"
	      "san             1  up               0        0         0    0      0    -    -     \n"
	      "san             2  up               0        0         0    0      0    -    -     \n"
	      "san             3  up               0        0         0    0      0    -    -     \n"
	      "\n"
	      "BACK-END  SESSION  LIMITED  REFUSED  SENDS AT ONCE\n"
	      "san             2      120        0              -\n"
	      "san             3        7        5              4\n"
	      "\n"
	      "BACK-END  TARGET  GROUP  INITIATOR  INITIATOR NAME AT THE BACK-END  ISID\n");
}

static void bridges_and_events(void **state)
{
	(void)state;
	shows(
	    view_bridges,
	    "{\"bridges\":[{\"path\":\"/b/"
	    "mem.so\",\"usable\":true,\"name\":\"mem\",\"version\":\"1\",\"schemes\":\"mem\",\"description\":\"RAM "
	    "disk\","
	    "\"settings_help\":\"a: first\\nb: second\"},{\"path\":\"/b/x.so\",\"usable\":false,\"why\":\"too old\"}]}",
	    "BRIDGE  VERSION  SCHEMES  WHAT IT IS  FILE\n"
	    "mem           1  mem      RAM disk    /b/mem.so\n"
	    "-                         too old     /b/x.so\n"
	    "\nSettings of mem:\n  a: first\n  b: second\n");
	shows(view_events,
	      "{\"events\":[{\"time\":\"T\",\"level\":\"warn\",\"text\":\"hm\"},{\"time\":\"T2\",\"level\":\"error\","
	      "\"text\":\"oh\"}]}",
	      "T   warn   hm\nT2  error  oh\n");
}

static void other_versions(void **state)
{
	(void)state;
	static const char *const docs[] = {
		"{}", "{\"sessions\":7,\"backends\":{},\"luns\":[1],\"bridges\":[null],\"events\":[[]],\"gateway\":[]}"
	};

	for (size_t i = 0; i < sizeof(docs) / sizeof(docs[0]); i++) {
		shows(view_status, docs[i], NULL);
		shows(view_sessions, docs[i], NULL);
		shows(view_luns, docs[i], NULL);
		shows(view_backends, docs[i], NULL);
		shows(view_bridges, docs[i], NULL);
		shows(view_events, docs[i], NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status),	  cmocka_unit_test(sessions_and_luns),
		cmocka_unit_test(backends), cmocka_unit_test(limits),	  cmocka_unit_test(bridges_and_events),
		cmocka_unit_test(other_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
