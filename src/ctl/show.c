/* A status object as text and as an exit code. */
#include "ctl/show.h"

#include <stdio.h>
#include <string.h>

#include "base/shown.h"
#include "base/text.h"
#include "ctl/ctl.h"

struct gate_word {
	const char *word;
	int exit_code;
	const char *colour, *means;
};

static const struct gate_word gates[] = {
    {"locked", CTL_SHUT, "33", "shut; nothing leaves this machine"},
    {"dialling", CTL_SHUT, "33", "shut, except for openvpn's packets to its server"},
    {"open", CTL_OPEN, "32", "traffic leaves through the tunnel only"},
    {"paused", CTL_CLEAR, "31", "NOT PROTECTED for a limited time: traffic leaves in the clear"},
    {"off", CTL_CLEAR, "31", "NOT PROTECTED: Portcullis is off, traffic leaves in the clear"},
    {"unprotected", CTL_UNPROTECTED, "31;1", "NOT PROTECTED: the lock can't be put in place"},
};

struct printer {
	char *to;
	size_t size, used;
};

static const char *string_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static const struct gate_word *gate_of(const json_t *status)
{
	const char *word = string_of(status, "gate");

	for (size_t i = 0; word != NULL && i < sizeof gates / sizeof *gates; i++) {
		if (strcmp(gates[i].word, word) == 0)
			return &gates[i];
	}
	return NULL;
}

int show_exit(const json_t *status)
{
	const struct gate_word *gate = gate_of(status);

	return gate != NULL ? gate->exit_code : CTL_ERROR;
}

json_t *show_nothing(const char *reason)
{
	static const char *const keys[] = {"version",  "gate",    "tunnel",    "reason",    "since",
					   "profile",  "remote",  "interface", "addresses", "dns",
					   "bytes",    "blocked", "attempt",   "retry_in",  "boot_locked_at",
					   "question", "url"};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		json_object_set_new(object, keys[i], json_null());
	json_object_set_new(object, "remote",
			    json_pack("{s:n,s:n,s:n,s:n}", "host", "address", "port", "proto"));
	json_object_set_new(object, "bytes", json_pack("{s:n,s:n}", "in", "out"));
	json_object_set_new(object, "blocked", json_pack("{s:n}", "packets"));
	if (reason != NULL)
		json_object_set_new(object, "reason", json_string(reason));
	return object;
}

static void put(struct printer *printer, const char *text)
{
	char safe[1024];

	text_append(printer->to, printer->size, &printer->used, "%s", shown(safe, sizeof safe, text));
}

static void put_gate(struct printer *printer, const json_t *status, bool colour)
{
	const struct gate_word *gate = gate_of(status);
	const char *word = string_of(status, "gate");

	if (colour && gate != NULL)
		text_append(printer->to, printer->size, &printer->used, "\033[%sm", gate->colour);
	put(printer, word != NULL ? word : "unknown");
	if (colour && gate != NULL)
		text_append(printer->to, printer->size, &printer->used, "\033[0m");
}

static void label(struct printer *printer, const char *name)
{
	text_append(printer->to, printer->size, &printer->used, "%-11s", name);
}

static void end_line(struct printer *printer)
{
	text_append(printer->to, printer->size, &printer->used, "\n");
}

static void put_string(struct printer *printer, const json_t *status, const char *name, const char *key)
{
	const char *value = string_of(status, key);

	if (value == NULL || value[0] == '\0')
		return;
	label(printer, name);
	put(printer, value);
	end_line(printer);
}

static void put_list(struct printer *printer, const json_t *status, const char *name, const char *key)
{
	const json_t *list = json_object_get(status, key);

	if (json_array_size(list) == 0)
		return;
	label(printer, name);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *value = json_string_value(json_array_get(list, i));

		if (i > 0)
			text_append(printer->to, printer->size, &printer->used, ", ");
		put(printer, value != NULL ? value : "?");
	}
	end_line(printer);
}

static bool has_remote(const json_t *status)
{
	const json_t *remote = json_object_get(status, "remote");

	return string_of(remote, "host") != NULL || string_of(remote, "address") != NULL;
}

/* host (address:port/proto); what is not known is left out */
static void put_endpoint(struct printer *printer, const json_t *status)
{
	const json_t *remote = json_object_get(status, "remote");
	const char *host = string_of(remote, "host"), *address = string_of(remote, "address"),
		   *proto = string_of(remote, "proto");
	const json_t *port = json_object_get(remote, "port");
	bool named = host != NULL && (address == NULL || strcmp(host, address) != 0);
	bool six = address != NULL && strchr(address, ':') != NULL;

	if (named)
		put(printer, host);
	if (address == NULL)
		return;
	text_append(printer->to, printer->size, &printer->used, named ? " (%s" : "%s", six ? "[" : "");
	put(printer, address);
	text_append(printer->to, printer->size, &printer->used, "%s", six ? "]" : "");
	if (json_is_integer(port))
		text_append(printer->to, printer->size, &printer->used, ":%lld",
			    (long long)json_integer_value(port));
	if (proto != NULL) {
		text_append(printer->to, printer->size, &printer->used, "/");
		put(printer, proto);
	}
	if (named)
		text_append(printer->to, printer->size, &printer->used, ")");
}

static void put_bytes(struct printer *printer, const json_t *count, const char *direction)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	double value = json_number_value(count);
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < sizeof units / sizeof *units) {
		value /= 1024;
		unit++;
	}
	text_append(printer->to, printer->size, &printer->used, "%.*f %s %s", unit == 0 ? 0 : 1, value,
		    units[unit], direction);
}

static void put_traffic(struct printer *printer, const json_t *status)
{
	const json_t *bytes = json_object_get(status, "bytes");

	if (!json_is_number(json_object_get(bytes, "in")) || !json_is_number(json_object_get(bytes, "out")))
		return;
	label(printer, "traffic");
	put_bytes(printer, json_object_get(bytes, "in"), "in, ");
	put_bytes(printer, json_object_get(bytes, "out"), "out\n");
}

static void put_count(struct printer *printer, const json_t *number, const char *name, const char *before,
		      int digits, const char *after)
{
	if (!json_is_number(number))
		return;
	label(printer, name);
	text_append(printer->to, printer->size, &printer->used, "%s%.*f%s", before, digits,
		    json_number_value(number), after);
	end_line(printer);
}

void show_full(const json_t *status, bool colour, char *to, size_t size)
{
	const struct gate_word *gate = gate_of(status);
	struct printer printer = {.to = to, .size = size};

	to[0] = '\0';
	label(&printer, "gate");
	put_gate(&printer, status, colour);
	if (gate != NULL)
		text_append(to, size, &printer.used, ": %s", gate->means);
	end_line(&printer);
	put_string(&printer, status, "tunnel", "tunnel");
	put_string(&printer, status, "reason", "reason");
	put_string(&printer, status, "since", "since");
	put_string(&printer, status, "profile", "profile");
	if (has_remote(status)) {
		label(&printer, "remote");
		put_endpoint(&printer, status);
		end_line(&printer);
	}
	put_string(&printer, status, "question", "question");
	put_string(&printer, status, "open", "url");
	put_string(&printer, status, "interface", "interface");
	put_list(&printer, status, "addresses", "addresses");
	put_list(&printer, status, "dns", "dns");
	put_traffic(&printer, status);
	put_count(&printer, json_object_get(json_object_get(status, "blocked"), "packets"), "stopped", "", 0,
		  " packets");
	if (gate == NULL || gate->exit_code != CTL_OPEN) {
		put_count(&printer, json_object_get(status, "attempt"), "attempt", "", 0, "");
		put_count(&printer, json_object_get(status, "retry_in"), "next try", "in ", 1, " s");
	}
	put_string(&printer, status, "boot lock", "boot_locked_at");
}

/* In a line: "  open: https://..." */
static void put_labelled(struct printer *printer, const json_t *status, const char *name, const char *key)
{
	const char *value = string_of(status, key);

	if (value == NULL || value[0] == '\0')
		return;
	text_append(printer->to, printer->size, &printer->used, "  %s: ", name);
	put(printer, value);
}

void show_line(const json_t *status, bool colour, char *to, size_t size)
{
	struct printer printer = {.to = to, .size = size};
	const char *since = string_of(status, "since"), *tunnel = string_of(status, "tunnel"),
		   *reason = string_of(status, "reason");

	to[0] = '\0';
	put(&printer, since != NULL ? since : "-");
	text_append(to, size, &printer.used, "  ");
	put_gate(&printer, status, colour);
	text_append(to, size, &printer.used, "  ");
	put(&printer, tunnel != NULL ? tunnel : "-");
	if (has_remote(status)) {
		text_append(to, size, &printer.used, "  ");
		put_endpoint(&printer, status);
	}
	if (reason != NULL && reason[0] != '\0') {
		text_append(to, size, &printer.used, "  ");
		put(&printer, reason);
	}
	put_labelled(&printer, status, "question", "question");
	put_labelled(&printer, status, "open", "url");
	end_line(&printer);
}

void show_log(const char *line, char *to, size_t size)
{
	shown(to, size, line);
}
