/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads one shared object and decides whether it can be used: its entry, ABI version, size and required members.
 * Layer: bridge.
 */
#include "internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

/* The first version of the interface had all of these, in this order. */
static const struct {
	const char *name;
	size_t offset;
} required[] = {
#define MEMBER(m) { #m, offsetof(struct srpgw_bridge, m) }
	MEMBER(name), MEMBER(version), MEMBER(description), MEMBER(schemes), MEMBER(open), MEMBER(close),
	MEMBER(limits), MEMBER(attach), MEMBER(detach), MEMBER(submit), MEMBER(abort), MEMBER(tmf),
#undef MEMBER
};

static bool member_is_set(const struct srpgw_bridge *b, size_t offset)
{
	static const char none[sizeof(void *)];

	return memcmp((const char *)b + offset, none, sizeof(none));
}

static int check_entry(struct plugin *p, const struct srpgw_bridge *b, struct err *e)
{
	if (!b)
		return err_set(e, -EPROTO, "%s: " SRPGW_BRIDGE_ENTRY "() returned nothing", p->path);
	if (b->struct_size < offsetof(struct srpgw_bridge, name)) {
		err_set(e, -EPROTO, "%s: its table says that it is %u bytes long, too short to be one", p->path,
			b->struct_size);
		err_cure(e, "make the table with SRPGW_BRIDGE_REGISTER()");
		return -EPROTO;
	}
	if (b->abi != SRPGW_BRIDGE_ABI) {
		err_set(e, -EPROTO, "%s: built for bridge interface %u, this gateway speaks %u", p->path, b->abi,
			SRPGW_BRIDGE_ABI);
		err_cure(e, "build the plugin against this gateway's srpgw/bridge.h");
		return -EPROTO;
	}
	memcpy(&p->real, b, b->struct_size < sizeof(p->real) ? b->struct_size : sizeof(p->real));
	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
		if (member_is_set(&p->real, required[i].offset))
			continue;
		err_set(e, -EPROTO, "%s: the bridge does not set \"%s\"", p->path, required[i].name);
		err_cure(e, "give it a .%s in SRPGW_BRIDGE_REGISTER()", required[i].name);
		return -EPROTO;
	}
	return 0;
}

/* "iscsi" in "iscsi,iser"? */
static bool has_scheme(const char *schemes, const char *name)
{
	size_t len = strlen(name);

	for (const char *s = schemes; s && *s; s += strcspn(s, ","), s += *s == ',')
		if (strcspn(s, ",") == len && !memcmp(s, name, len))
			return true;
	return false;
}

int plugin_load(struct bridge_host *h, const char *path, const char *name, struct plugin **out, struct err *e)
{
	const struct srpgw_bridge *(*entry)(void);
	struct plugin *p = calloc(1, sizeof(*p));
	int rc;

	if (p)
		p->path = strdup(path);
	if (!p || !p->path) {
		free(p);
		return err_set(e, -ENOMEM, "out of memory");
	}
	p->host = h;
	list_node_init(&p->node);
	/*
	 * RTLD_LOCAL: plugins with equal symbols do not meet. RTLD_NOW: a missing symbol is found here and not in the
	 * data path. RTLD_NODELETE: a name lookup that outlives its path returns into the plugin, and leak reports need
	 * its symbols.
	 */
	p->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!p->handle) {
		rc = err_set(e, -ENOEXEC, "cannot load a bridge: %s", dlerror());
		err_cure(e, "build it as a shared object for this machine and install the libraries that it needs");
		goto fail;
	}
	*(void **)&entry = dlsym(p->handle, SRPGW_BRIDGE_ENTRY);
	if (!entry) {
		rc = err_set(e, -EPROTO, "%s: no symbol " SRPGW_BRIDGE_ENTRY ", so this is no bridge", path);
		err_cure(e, "use SRPGW_BRIDGE_REGISTER() once in the plugin, or remove the file");
		goto fail;
	}
	rc = check_entry(p, entry(), e);
	if (rc)
		goto fail;
	if (name && !has_scheme(p->real.schemes, name)) {
		rc = err_set(e, -EPROTO, "%s: the bridge serves the schemes \"%s\", not \"%s\"", path, p->real.schemes,
			     name);
		err_cure(e, "name the file after its scheme");
		goto fail;
	}
	guard_wrap_bridge(p);
	*out = p;
	return 0;
fail:
	plugin_unload(p);
	return rc;
}

void plugin_unload(struct plugin *p)
{
	if (p->handle)
		dlclose(p->handle);
	free(p->path);
	free(p);
}
