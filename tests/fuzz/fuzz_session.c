/* Any bytes from openvpn: what goes on to the gate is always well formed, and only
 * CONNECTED,SUCCESS makes a success. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "driver/management_session.h"

static void on_asked(void *argument)
{
	(void)argument;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *whole;
static size_t whole_size;

static void require(int condition)
{
	if (!condition)
		abort();
}

static void on_event(enum tunnel_event event, const char *cause, void *argument)
{
	static const char success[] = "CONNECTED,SUCCESS";

	(void)argument;
	require(event < TUNNEL_EVENTS && strlen(cause) < SESSION_CAUSE);
	require(event != TUNNEL_SUCCESS || memmem(whole, whole_size, success, sizeof success - 1) != NULL);
}

static void on_count(uint64_t in, uint64_t out, void *argument)
{
	(void)in, (void)out, (void)argument;
}

/* What comes from openvpn is in the form that the process with the key takes. */
static void on_sign(const struct key_request *request, void *argument)
{
	(void)argument;
	require(key_request_fits(request));
}

static int is_family(const struct net_address *address, uint8_t family)
{
	return address->family == NET_NONE || address->family == family;
}

static void check_tunnel(const struct wire_tunnel *tunnel)
{
	require(net_is_interface_name(tunnel->name));
	require(is_family(&tunnel->address4, NET_IPV4) && is_family(&tunnel->address6, NET_IPV6));
	for (size_t i = 0; i < WIRE_SERVERS; i++)
		require(tunnel->dns[i].family == NET_NONE || net_address_is_dialable(&tunnel->dns[i]));
	for (size_t i = 0; i < WIRE_DOMAINS; i++) {
		require(memchr(tunnel->domains[i], '\0', WIRE_DOMAIN) != NULL);
		require(tunnel->domains[i][0] == '\0' || text_is_name(tunnel->domains[i], WIRE_DOMAIN - 1));
	}
	for (size_t i = 0; i < WIRE_NETWORKS; i++)
		require(tunnel->networks[i].length <=
			(tunnel->networks[i].address.family == NET_IPV4 ? 32 : 128));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct management_session session;
	static struct login login;
	static int password = -1;
	struct management_attempt attempt = {.interface = "tun0", .username = "", .profile = ""};
	struct ovm_session *parser;

	if (password == -1) {
		password = memfd_create("password", 0);
		require(write(password, "user\npass\nkey\n", 14) == 14);
		log_open(-1, LOG_ERROR);
	}
	whole = data;
	whole_size = size;
	memset(&session, 0, sizeof session);
	memset(&login, 0, sizeof login);
	login.files = (struct credentials_files){password, password, password, -1};
	login.totp_use = size > 0 ? data[0] >> 2 & 3 : 0;
	session.events = (struct management_events){on_event, on_asked, on_count, on_sign, NULL};
	session.login = &login;
	attempt.needs = size > 0 ? data[0] & 3 : 0;
	require(net_endpoint_parse("192.0.2.1:1194/udp", &attempt.endpoint) == 0);
	management_session_begin(&session, &attempt, 1);
	require((parser = session.parser = ovm_new(management_session_event, &session)) != NULL);
	management_session_greet(&session);
	(void)ovm_feed(parser, data, size);
	if (size > 1)
		(void)login_answer(&login, "an answer", data[1]);
	(void)management_session_reply(&session);
	management_session_signed(&session, &(struct key_answer){.length = size % (KEY_SIGNATURE_MAX + 1)});
	require(login.question[sizeof login.question - 1] == '\0' && login.url[sizeof login.url - 1] == '\0');
	for (int i = 0; i < 12; i++)
		management_session_look(&session);
	management_session_lost(&session);
	tunnel_config_finish(&session.config);
	check_tunnel(&session.config.tunnel);
	ovm_free(parser);
	return 0;
}
