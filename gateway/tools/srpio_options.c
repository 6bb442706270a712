/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads srpio's command line. Options may stand before and after the command.
 * Layer: tools.
 */
#include "srpio_options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

const char srpio_usage[] =
	"usage: srpio --target HOST:PORT --id-ext X --ioc-guid Y [OPTION...] COMMAND\n"
	"\n"
	"commands:\n"
	"  login     log in, say what was agreed, log out\n"
	"  luns      list the logical units\n"
	"  inquiry   what a logical unit says about itself (--lun, --vpd)\n"
	"  read      copy from a logical unit to a file or standard output (--file, --offset, --length)\n"
	"  write     copy from a file or standard input to a logical unit (--file, --offset, --length)\n"
	"  verify    write a pattern and compare what is read back: OVERWRITES the range (--offset, --length)\n"
	"  perf      measure (--rw, --bs, --depth, --seconds)\n"
	"\n"
	"target:\n"
	"  --fabric F           rdma (an RDMA device, default) or iwarp (in user space over TCP, needs none)\n"
	"  --target HOST:PORT   where the target listens; port 5555 when left out\n"
	"  --source ADDRESS     connect from this address\n"
	"  --id-ext X           target's identifier extension, 16 hex digits\n"
	"  --ioc-guid Y         target's I/O controller GUID, 16 hex digits\n"
	"  --initiator-ext I    first half of our port identifier, 16 hex digits\n"
	"  --channels N         RDMA channels (1)\n"
	"  --timeout S          seconds to wait for the login (10)\n"
	"  --no-immediate-data  never put data into a command\n"
	"  --no-crc             iwarp: no CRCs, if the target does without them too\n"
	"\n"
	"data:\n"
	"  --lun N              logical unit (0)\n"
	"  --offset BYTES       where to begin (0); K, M, G and T are powers of 1024\n"
	"  --length BYTES       how much (read: all; write: the input; verify: 64M or all; perf: all)\n"
	"  --bs BYTES           bytes per command (read, write, verify: 256K; perf: 4K)\n"
	"  --depth N            commands in flight (read, write, verify: 8; perf: 32)\n"
	"  --file PATH          read, write: \"-\" is standard output or input (default)\n"
	"  --vpd PAGE           inquiry: a vital product data page, in hex\n"
	"  --seed N             verify, perf: another pattern (1)\n"
	"  --generation N       verify: number of this writing, to tell it from an older one (1)\n"
	"  --write-only         verify: write the pattern, do not read\n"
	"  --check-only         verify: compare what an earlier run with the same seed wrote\n"
	"  --rw HOW             perf: read, write, randread (default), randwrite; writing OVERWRITES\n"
	"  --seconds S          perf: how long (5)\n"
	"\n"
	"  --json               results as JSON\n"
	"  --quiet              no progress bar\n"
	"  --progress           read, write, verify: a progress bar that stays, also where there is no terminal\n"
	"  --debug              say what happens on the way\n"
	"  --version, --help\n"
	"\n"
	"exit status: 0 done, 1 failed, 2 wrong usage\n";

static const char *const command_names[SRPIO_N_COMMANDS] = {
	[SRPIO_LOGIN] = "login", [SRPIO_LUNS] = "luns",     [SRPIO_INQUIRY] = "inquiry", [SRPIO_READ] = "read",
	[SRPIO_WRITE] = "write", [SRPIO_VERIFY] = "verify", [SRPIO_PERF] = "perf",
};

const char *srpio_command_name(enum srpio_command c)
{
	return command_names[c];
}

enum option_key {
	OPT_FABRIC = 256, OPT_TARGET, OPT_SOURCE, OPT_ID_EXT, OPT_IOC_GUID, OPT_INITIATOR_EXT, OPT_CHANNELS, OPT_TIMEOUT,
	OPT_NO_IMMEDIATE, OPT_NO_CRC, OPT_LUN, OPT_OFFSET, OPT_LENGTH, OPT_BS, OPT_DEPTH, OPT_FILE, OPT_VPD, OPT_SEED,
	OPT_GENERATION, OPT_WRITE_ONLY,
	OPT_CHECK_ONLY, OPT_RW, OPT_SECONDS, OPT_JSON, OPT_QUIET, OPT_PROGRESS, OPT_DEBUG, OPT_VERSION, OPT_HELP,
};

static const struct option long_options[] = {
	{ "fabric", required_argument, NULL, OPT_FABRIC },
	{ "target", required_argument, NULL, OPT_TARGET },
	{ "source", required_argument, NULL, OPT_SOURCE },
	{ "id-ext", required_argument, NULL, OPT_ID_EXT },
	{ "ioc-guid", required_argument, NULL, OPT_IOC_GUID },
	{ "initiator-ext", required_argument, NULL, OPT_INITIATOR_EXT },
	{ "channels", required_argument, NULL, OPT_CHANNELS },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "no-immediate-data", no_argument, NULL, OPT_NO_IMMEDIATE },
	{ "no-crc", no_argument, NULL, OPT_NO_CRC },
	{ "lun", required_argument, NULL, OPT_LUN },
	{ "offset", required_argument, NULL, OPT_OFFSET },
	{ "length", required_argument, NULL, OPT_LENGTH },
	{ "bs", required_argument, NULL, OPT_BS },
	{ "depth", required_argument, NULL, OPT_DEPTH },
	{ "file", required_argument, NULL, OPT_FILE },
	{ "vpd", required_argument, NULL, OPT_VPD },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "generation", required_argument, NULL, OPT_GENERATION },
	{ "write-only", no_argument, NULL, OPT_WRITE_ONLY },
	{ "check-only", no_argument, NULL, OPT_CHECK_ONLY },
	{ "rw", required_argument, NULL, OPT_RW },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "progress", no_argument, NULL, OPT_PROGRESS },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

/* ---- values ---- */

int srpio_size_parse(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	unsigned long long v;
	const char *unit;
	unsigned shift = 0;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno)
		return -EINVAL;
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit)
			return -EINVAL;
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
		if (strcmp(end, "") != 0 && strcmp(end, "iB") != 0)
			return -EINVAL;
	}
	if (v > UINT64_MAX >> shift)
		return -EINVAL;
	*bytes = (uint64_t)v << shift;
	return 0;
}

int srpio_id_parse(const char *text, uint8_t id[8])
{
	uint64_t v = 0;
	int n = 0;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	for (; *text; text++) {
		if (*text == ':')
			continue;
		if (!isxdigit((unsigned char)*text) || ++n > 16)
			return -EINVAL;
		v = v << 4 | (uint64_t)(isdigit((unsigned char)*text) ? *text - '0' : tolower((unsigned char)*text) - 'a' + 10);
	}
	for (int i = 7; i >= 0; i--, v >>= 8)
		id[i] = (uint8_t)v;
	return n ? 0 : -EINVAL;
}

static int number(const char *name, const char *text, int base, uint64_t min, uint64_t max, uint64_t *out, struct err *e)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, base);
	if (!isxdigit((unsigned char)*text) || errno || *end || v < min || v > max)
		return err_set(e, -EINVAL, "%s %s: not a number from %llu to %llu", name, text, (unsigned long long)min,
			       (unsigned long long)max);
	*out = v;
	return 0;
}

static int number32(const char *name, const char *text, uint32_t min, uint32_t max, uint32_t *out, struct err *e)
{
	uint64_t v = 0;
	int rc = number(name, text, 10, min, max, &v, e);

	*out = (uint32_t)v;
	return rc;
}

static int size(const char *name, const char *text, uint64_t max, uint64_t *out, struct err *e)
{
	if (srpio_size_parse(text, out) || *out > max)
		return err_set(e, -EINVAL, "%s %s: not a number of bytes, such as 4096, 256K or 1G", name, text);
	return 0;
}

static int id(const char *name, const char *text, uint8_t out[8], struct err *e)
{
	if (srpio_id_parse(text, out))
		return err_set(e, -EINVAL, "%s %s: not 16 hex digits", name, text);
	return 0;
}

/* "host", "host:port", "[v6]", "[v6]:port", and a bare IPv6 address. */
static int target(const char *text, struct srpio_options *o, struct err *e)
{
	const char *host = text, *colon = strrchr(text, ':'), *end = colon;
	uint64_t port = 0;
	size_t len;

	if (*text == '[') {
		const char *close = strchr(text, ']');

		if (!close || (close[1] && close[1] != ':'))
			return err_set(e, -EINVAL, "--target %s: not [ADDRESS]:PORT", text);
		host = text + 1;
		end = close;
		colon = close[1] ? close + 1 : NULL;
	} else if (colon && strchr(text, ':') != colon) {
		colon = NULL; /* more than one: an address without a port */
		end = NULL;
	}
	len = end ? (size_t)(end - host) : strlen(host);
	if (!len || len >= sizeof(o->host))
		return err_set(e, -EINVAL, "--target %s: not HOST:PORT", text);
	memcpy(o->host, host, len);
	o->host[len] = '\0';
	if (!colon)
		return 0;
	if (number("--target port", colon + 1, 10, 1, 65535, &port, e))
		return -EINVAL;
	o->port = (uint16_t)port;
	return 0;
}

static int rw(const char *text, struct srpio_options *o, struct err *e)
{
	static const char *const names[] = { "read", "write", "randread", "randwrite" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(text, names[i]) == 0) {
			o->rw = (enum srpio_rw)i;
			return 0;
		}
	return err_set(e, -EINVAL, "--rw %s: not read, write, randread or randwrite", text);
}

/* ---- options ---- */

static int where_option(int c, const char *arg, struct srpio_options *o, struct err *e)
{
	uint32_t seconds = 0;
	int rc;

	switch (c) {
	case OPT_FABRIC:
		o->fabric = arg;
		return 0;
	case OPT_TARGET:
		return target(arg, o, e);
	case OPT_SOURCE:
		o->source = arg;
		return 0;
	case OPT_ID_EXT:
		return id("--id-ext", arg, o->id_ext, e);
	case OPT_IOC_GUID:
		return id("--ioc-guid", arg, o->ioc_guid, e);
	case OPT_INITIATOR_EXT:
		o->has_initiator_ext = true;
		return id("--initiator-ext", arg, o->initiator_ext, e);
	case OPT_CHANNELS:
		return number32("--channels", arg, 1, 64, &o->channels, e);
	case OPT_TIMEOUT:
		rc = number32("--timeout", arg, 1, 3600, &seconds, e);
		o->timeout_ms = seconds * 1000;
		return rc;
	case OPT_NO_CRC:
		o->no_crc = true;
		return 0;
	default: /* OPT_NO_IMMEDIATE */
		o->no_immediate_data = true;
		return 0;
	}
}

static int data_option(int c, const char *arg, struct srpio_options *o, struct err *e)
{
	uint64_t v = 0;
	int rc;

	switch (c) {
	case OPT_LUN:
		return number32("--lun", arg, 0, 16383, &o->lun, e);
	case OPT_OFFSET:
		return size("--offset", arg, INT64_MAX, &o->offset_bytes, e);
	case OPT_LENGTH:
		rc = size("--length", arg, INT64_MAX, &o->length_bytes, e);
		return rc || o->length_bytes ? rc : err_set(e, -EINVAL, "--length 0: nothing to do");
	case OPT_BS:
		rc = size("--bs", arg, 16u << 20, &v, e);
		o->bs_bytes = (uint32_t)v;
		return rc || v ? rc : err_set(e, -EINVAL, "--bs 0: nothing to do");
	case OPT_DEPTH:
		return number32("--depth", arg, 1, 4096, &o->depth, e);
	case OPT_FILE:
		o->file = arg;
		return 0;
	case OPT_VPD:
		rc = number("--vpd", arg, 16, 0, 255, &v, e);
		o->vpd_page = (int)v;
		return rc;
	case OPT_SEED:
		return number("--seed", arg, 10, 0, UINT64_MAX, &o->seed, e);
	case OPT_GENERATION:
		return number32("--generation", arg, 0, UINT32_MAX, &o->generation, e);
	case OPT_RW:
		return rw(arg, o, e);
	default: /* OPT_SECONDS */
		return number32("--seconds", arg, 1, 86400, &o->seconds, e);
	}
}

static int option(int c, const char *arg, struct srpio_options *o, struct err *e)
{
	if (c >= OPT_FABRIC && c <= OPT_NO_CRC)
		return where_option(c, arg, o, e);
	switch (c) {
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_QUIET:
		o->quiet = true;
		return 0;
	case OPT_PROGRESS:
		o->progress = true;
		return 0;
	case OPT_DEBUG:
		o->debug = true;
		return 0;
	case OPT_WRITE_ONLY:
	case OPT_CHECK_ONLY:
		if (o->part != SRPIO_VERIFY_BOTH)
			return err_set(e, -EINVAL, "--write-only and --check-only leave nothing to do");
		o->part = c == OPT_WRITE_ONLY ? SRPIO_VERIFY_WRITE : SRPIO_VERIFY_CHECK;
		return 0;
	case OPT_VERSION:
		o->version = true;
		return 0;
	case OPT_HELP:
		o->help = true;
		return 0;
	default:
		return data_option(c, arg, o, e);
	}
}

static int check(const struct srpio_options *o, unsigned seen_ids, struct err *e)
{
	if (!o->host[0])
		return err_set(e, -EINVAL, "--target is missing: where does the target listen?");
	if (o->quiet && o->progress)
		return err_set(e, -EINVAL, "--quiet and --progress contradict each other");
	if (o->no_crc && strcmp(o->fabric, "iwarp") != 0)
		return err_set(e, -EINVAL, "--no-crc is for --fabric iwarp: RDMA devices settle it themselves");
	if (seen_ids != 3) {
		err_set(e, -EINVAL, "%s is missing", seen_ids & 1 ? "--ioc-guid" : "--id-ext");
		err_cure(e, "take both from the gateway's configuration, or from srpgwctl status");
		return -EINVAL;
	}
	return 0;
}

static int command(const char *text, struct srpio_options *o, struct err *e)
{
	for (int i = 0; i < SRPIO_N_COMMANDS; i++)
		if (strcmp(text, command_names[i]) == 0) {
			o->command = (enum srpio_command)i;
			return 0;
		}
	return err_set(e, -EINVAL, "%s: no such command; there are login, luns, inquiry, read, write, verify, perf", text);
}

int srpio_options_parse(int argc, char *const argv[], struct srpio_options *o, struct err *e)
{
	unsigned seen_ids = 0;
	int c, rc;

	*o = (struct srpio_options){
		.fabric = "rdma", .port = 5555, .channels = 1, .timeout_ms = 10000, .file = "-", .vpd_page = -1, .seed = 1,
		.generation = 1, .rw = SRPIO_RW_RANDREAD, .seconds = 5,
	};
	optind = 0; /* glibc: start afresh */
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		if (c == ':')
			return err_set(e, -EINVAL, "%s needs a value", argv[optind - 1]);
		if (c == '?')
			return err_set(e, -EINVAL, "%s: no such option", argv[optind - 1]);
		rc = option(c, optarg, o, e);
		if (rc)
			return rc;
		if (c == OPT_ID_EXT)
			seen_ids |= 1;
		if (c == OPT_IOC_GUID)
			seen_ids |= 2;
	}
	if (o->help || o->version)
		return 0;
	if (optind == argc)
		return err_set(e, -EINVAL, "no command; there are login, luns, inquiry, read, write, verify, perf");
	rc = command(argv[optind], o, e);
	if (rc)
		return rc;
	if (optind + 1 < argc)
		return err_set(e, -EINVAL, "%s: one command at a time", argv[optind + 1]);
	return check(o, seen_ids, e);
}
