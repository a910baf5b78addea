/* A profile as text: as a file of ours, and as what openvpn may get. */
#include <stdio.h>
#include <string.h>

#include "profile/profile_internal.h"

static const char *proto_word(const struct profile_remote *remote)
{
	static const char *const words[2][3] = {{"udp", "udp4", "udp6"}, {"tcp", "tcp4", "tcp6"}};
	int family = remote->family == NET_IPV4 ? 1 : remote->family == NET_IPV6 ? 2 : 0;

	return words[remote->proto == NET_TCP][family];
}

/* The half of keepalive "P" "R" that openvpn gets: ping "P". */
static void print_ping(const char *keepalive, struct buffer *to)
{
	const char *first = strchr(keepalive, ' '), *second = strchr(first + 1, ' ');

	buffer_text(to, "ping");
	buffer_add(to, first, (size_t)(second - first));
}

static void print_line(const struct profile_line *line, bool for_openvpn, struct buffer *to)
{
	enum option_action action = line->option->action;

	if (for_openvpn && (action == ACT_SET || action == ACT_RANDOM_HOST))
		return;
	if (for_openvpn && action == ACT_KEEPALIVE)
		print_ping(line->text, to);
	else
		buffer_text(to, line->text);
	buffer_text(to, "\n");
}

static void print_body(const struct profile *profile, bool for_openvpn, struct buffer *to)
{
	for (size_t i = 0; i < profile->line_count; i++)
		print_line(&profile->lines[i], for_openvpn, to);
	for (size_t i = 0; i < profile->block_count; i++) {
		const struct profile_block *block = &profile->blocks[i];

		buffer_text(to, "<");
		buffer_text(to, block->option->name);
		buffer_text(to, ">\n");
		buffer_add(to, block->text.bytes, block->text.length);
		buffer_text(to, "</");
		buffer_text(to, block->option->name);
		buffer_text(to, ">\n");
	}
}

char *profile_print(const struct profile *profile, size_t *length)
{
	struct buffer to = {0};
	char line[PROFILE_HOST_SIZE + 64], address[NET_ADDRESS_TEXT];

	for (size_t i = 0; i < profile->kept_count; i++) {
		net_address_text(&profile->kept[i].address, address);
		snprintf(line, sizeof line, "#@address %s %s\n", profile->kept[i].host, address);
		buffer_text(&to, line);
	}
	buffer_text(&to, "client\n");
	for (size_t i = 0; i < profile->remote_count; i++) {
		const struct profile_remote *remote = &profile->remotes[i];

		snprintf(line, sizeof line, "remote \"%s\" \"%u\" \"%s\"\n", remote->host, remote->port,
			 proto_word(remote));
		buffer_text(&to, line);
	}
	print_body(profile, false, &to);
	return buffer_take(&to, length);
}

char *profile_print_canonical(const struct profile *profile, size_t *length)
{
	struct buffer to = {0};
	char line[PROFILE_HOST_SIZE + 64], address[NET_ADDRESS_TEXT];

	for (size_t i = 0; i < profile->remote_count; i++) {
		const struct profile_remote *remote = &profile->remotes[i];

		snprintf(line, sizeof line, "remote %s %u %s", remote->host, remote->port,
			 net_proto_text(remote->proto));
		buffer_text(&to, line);
		for (size_t j = 0; j < remote->address_count; j++) {
			buffer_text(&to, " ");
			buffer_text(&to, net_address_text(&remote->addresses[j], address));
		}
		buffer_text(&to, "\n");
	}
	profile_settings_print(&profile->settings, &to);
	snprintf(line, sizeof line, "needs %d\n\nclient\n", profile->needs);
	buffer_text(&to, line);
	print_body(profile, true, &to);
	return buffer_take(&to, length);
}
