/* The object of `status --json`: keys are added, never renamed. */
#include "driver/driver.h"

#include <jansson.h>
#include <string.h>

#include "base/text.h"

/* Text of any origin as JSON: what is not UTF-8 is escaped; "" is null. */
static json_t *text_or_null(const char *text)
{
	char clean[4 * sizeof(struct wire_hello)];
	json_t *string;

	if (text[0] == '\0')
		return json_null();
	string = json_string(text);
	if (string == NULL) {
		text_escape(clean, sizeof clean, text, strlen(text));
		string = json_string(clean);
	}
	return string;
}

static json_t *time_or_null(int64_t when)
{
	char stamp[TEXT_TIME_SIZE];

	if (when == 0)
		return json_null();
	text_time(stamp, (time_t)when);
	return json_string(stamp);
}

static bool has_attempt(const struct driver *d)
{
	switch (d->tunnel.state) {
	case TUNNEL_DOWN:
	case TUNNEL_RESOLVING:
	case TUNNEL_WAITING:
	case TUNNEL_STOPPED:
	case TUNNEL_STATES:
		return false;
	case TUNNEL_ASKED:
	case TUNNEL_CONNECTING:
	case TUNNEL_AUTHENTICATING:
	case TUNNEL_PENDING:
	case TUNNEL_CONFIGURING:
	case TUNNEL_OPENING:
	case TUNNEL_CONNECTED:
	case TUNNEL_LEAVING_DOWN:
	case TUNNEL_LEAVING_WAIT:
	case TUNNEL_LEAVING_STOP:
	case TUNNEL_LEAVING_RETRY:
		break;
	}
	return true;
}

static const char *reason_text(const struct driver *d, char *to, size_t size)
{
	bool of_gate = d->gate == GATE_PAUSED || d->gate == GATE_OFF || d->gate == GATE_UNPROTECTED;
	const char *why = of_gate ? d->gate_text : d->reason;
	bool more = d->notice[0] != '\0' && d->gate != GATE_OFF;
	size_t used = 0;

	uint32_t unanswered = d->tunnel.state == TUNNEL_CONNECTED ? management_unanswered(d->management) : 0;

	text_append(to, size, &used, "%s", why);
	if (!of_gate && d->way.active && d->way.gone_at != 0)
		text_append(to, size, &used, "; no route leads to the server now");
	else if (!of_gate && unanswered != 0)
		text_append(to, size, &used, "; no answer from the server for %u s", unanswered);
	text_append(to, size, &used, "%s%s", more && used > 0 ? "; " : "", more ? d->notice : "");
	return to;
}

static json_t *remote_object(const struct driver *d)
{
	char address[NET_ADDRESS_TEXT];

	if (!has_attempt(d))
		return json_pack("{s:n,s:n,s:n,s:n}", "host", "address", "port", "proto");
	return json_pack("{s:o,s:s,s:i,s:s}", "host", text_or_null(d->remotes.remote.host), "address",
			 net_address_text(&d->remotes.endpoint.address, address), "port",
			 d->remotes.endpoint.port, "proto", net_proto_text(d->remotes.endpoint.proto));
}

static json_t *address_list(const struct net_address *const *addresses, size_t count)
{
	json_t *array = json_array();
	char text[NET_ADDRESS_TEXT];

	for (size_t i = 0; i < count; i++) {
		if (addresses[i]->family != NET_NONE)
			json_array_append_new(array, json_string(net_address_text(addresses[i], text)));
	}
	return array;
}

static void add_tunnel(json_t *object, const struct driver *d)
{
	const struct wire_tunnel *tunnel = management_tunnel(d->management);
	const struct net_address *addresses[] = {&tunnel->address4, &tunnel->address6};
	const struct net_address *servers[WIRE_SERVERS];
	bool known = has_attempt(d);

	for (size_t i = 0; i < WIRE_SERVERS; i++)
		servers[i] = &tunnel->dns[i];
	json_object_set_new(object, "interface", text_or_null(d->hello.interface));
	json_object_set_new(object, "addresses", address_list(addresses, known ? 2 : 0));
	json_object_set_new(object, "dns", address_list(servers, known ? WIRE_SERVERS : 0));
}

static void add_counts(json_t *object, const struct driver *d, uint64_t now)
{
	uint64_t left = d->tunnel.deadline > now ? d->tunnel.deadline - now : 0;

	if (d->counted)
		json_object_set_new(
		    object, "bytes",
		    json_pack("{s:I,s:I}", "in", (json_int_t)d->in, "out", (json_int_t)d->out));
	else
		json_object_set_new(object, "bytes", json_pack("{s:n,s:n}", "in", "out"));
	json_object_set_new(object, "blocked", json_pack("{s:I}", "packets", (json_int_t)d->blocked));
	json_object_set_new(object, "attempt", json_integer(d->tunnel.attempts));
	if (d->tunnel.state == TUNNEL_WAITING)
		json_object_set_new(object, "retry_in", json_integer((json_int_t)((left + 999) / 1000)));
	else
		json_object_set_new(object, "retry_in", json_null());
}

/* Jansson takes an object that there was no memory for, and prints nothing of it. */
char *driver_status(const struct driver *d, uint64_t now)
{
	json_t *object = json_object();
	char *line, why[2 * DRIVER_REASON + 64];

	json_object_set_new(object, "version", json_string(PORTCULLIS_VERSION));
	json_object_set_new(object, "gate", json_string(wire_gate_word(d->gate)));
	json_object_set_new(object, "tunnel", json_string(tunnel_state_word(d->tunnel.state)));
	json_object_set_new(object, "reason", text_or_null(reason_text(d, why, sizeof why)));
	json_object_set_new(object, "since", time_or_null(d->since));
	json_object_set_new(object, "profile", text_or_null(d->hello.profile_name));
	json_object_set_new(object, "remote", remote_object(d));
	add_tunnel(object, d);
	add_counts(object, d, now);
	json_object_set_new(object, "boot_locked_at", time_or_null(d->hello.boot_locked_at));
	json_object_set_new(object, "question", text_or_null(d->login.question));
	json_object_set_new(object, "url", text_or_null(d->login.url));
	line = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(object);
	return line;
}
