/* The child that asks the resolver: it connects, then it gives up everything but that one connection. */
#include "driver/names/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/wire_channel.h"
#include "driver/names/dns_message.h"
#include "driver/remotes.h"
#include "os/host/clock.h"
#include "os/process/descriptor.h"
#include "os/process/sandbox/sandbox.h"

enum {
	REMOTES = 0,
	AUTHORITIES = 3,
	PORT = 853,
	CONNECT_MS = 4000,
	LIMIT_MS = 8000,
	MESSAGE_MAX = 65535,
	NO_SUCH_NAME = 3
};

/* One query: for one family of one name. */
struct query {
	uint8_t bytes[DNS_QUERY];
	size_t length;
	size_t name; /* its place in the list */
	bool answered;
	int code;
};

/* Static: it is large, and there is one. */
static struct asking {
	SSL_CTX *context;
	SSL *tls;
	int socket;
	int64_t end; /* ms */
	char hosts[WIRE_NAMES][WIRE_HOST];
	size_t host_count;
	struct net_address found[WIRE_NAMES][2][WIRE_FRESH / 2];
	size_t found_count[WIRE_NAMES][2];
	struct query queries[2 * WIRE_NAMES];
	size_t query_count, left, first_six;
	uint8_t output[2 * WIRE_NAMES * (DNS_QUERY + 2)], input[MESSAGE_MAX + 2];
} asking;

/* Where systems keep the authorities that they trust; the library's own place first. */
static const char *const bundles[] = {NULL,
				      "/etc/ssl/certs/ca-certificates.crt",
				      "/etc/pki/tls/certs/ca-bundle.crt",
				      "/etc/ssl/cert.pem",
				      "/usr/local/share/certs/ca-root-nss.crt",
				      "/usr/local/etc/openssl@3/cert.pem",
				      "/opt/homebrew/etc/openssl@3/cert.pem"};

/* The distinct names of the profile, in its order. */
static int list_hosts(struct err *e)
{
	struct canonical_remote remote;
	struct net_address literal;
	struct remotes remotes;
	size_t at = 0, same;

	if (remotes_open(&remotes, REMOTES, e) == -1)
		return -1;
	while (canonical_next_remote(remotes.text, remotes.length, &at, &remote) &&
	       asking.host_count < WIRE_NAMES) {
		if (net_address_parse(remote.host, &literal) == 0)
			continue;
		for (same = 0; same < asking.host_count; same++) {
			if (strcmp(asking.hosts[same], remote.host) == 0)
				break;
		}
		if (same == asking.host_count)
			snprintf(asking.hosts[asking.host_count++], WIRE_HOST, "%s", remote.host);
	}
	return 0;
}

static void add_query(size_t name, uint16_t type)
{
	struct query *query = &asking.queries[asking.query_count];

	query->length =
	    dns_query_write(query->bytes, (uint16_t)(asking.query_count + 1), asking.hosts[name], type);
	query->name = name;
	if (query->length > 0)
		asking.query_count++;
}

/* Certificates of authorities, one after the other. Their number. */
static int read_authorities(X509_STORE *store)
{
	FILE *file = fdopen(AUTHORITIES, "r");
	X509 *certificate;
	int count = 0;

	while (file != NULL && (certificate = PEM_read_X509(file, NULL, NULL, NULL)) != NULL) {
		count += X509_STORE_add_cert(store, certificate) == 1;
		X509_free(certificate);
	}
	ERR_clear_error(); /* the end of the file is one */
	return count;
}

static int trust(X509_STORE *store, struct err *e)
{
	if (lseek(AUTHORITIES, 0, SEEK_END) > 0)
		return lseek(AUTHORITIES, 0, SEEK_SET) == 0 && read_authorities(store) > 0
			   ? 0
			   : err_set(e,
				     "names: resolver.ca-file has no certificate; instead: PEM, or leave it "
				     "empty");
	for (size_t i = 0; i < sizeof bundles / sizeof *bundles; i++) {
		const char *path = bundles[i] != NULL ? bundles[i] : X509_get_default_cert_file();

		if (access(path, R_OK) == 0 && X509_STORE_load_file(store, path) == 1)
			return 0;
	}
	return err_set(e, "names: this system has no file of the authorities that it trusts; instead: set "
			  "resolver.ca-file");
}

static int prepare_tls(char *name, struct err *e)
{
	X509_VERIFY_PARAM *verify;

	if ((asking.context = SSL_CTX_new(TLS_client_method())) == NULL ||
	    SSL_CTX_set_min_proto_version(asking.context, TLS1_2_VERSION) != 1)
		return err_set(e, "names: no TLS");
	if (trust(SSL_CTX_get_cert_store(asking.context), e) == -1)
		return -1;
	SSL_CTX_set_verify(asking.context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(asking.context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if ((asking.tls = SSL_new(asking.context)) == NULL)
		return err_set(e, "names: no TLS");
	verify = SSL_get0_param(asking.tls);
	X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_host(verify, name, 0) != 1 ||
	    SSL_set_tlsext_host_name(asking.tls, name) != 1 || SSL_set_fd(asking.tls, asking.socket) != 1)
		return err_set(e, "names: no TLS");
	SSL_set_connect_state(asking.tls);
	return 0;
}

/* 0, or -1 at the end of the time. */
static int wait_for(short what)
{
	struct pollfd poll_socket = {.fd = asking.socket, .events = what};
	int64_t left;

	while ((left = asking.end - clock_steady_ms()) > 0) {
		if (poll(&poll_socket, 1, (int)left) > 0)
			return 0;
	}
	errno = ETIMEDOUT;
	return -1;
}

static socklen_t fill_address(const struct net_address *address, struct sockaddr_storage *to)
{
	struct sockaddr_in *four = (struct sockaddr_in *)(void *)to;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)to;

	memset(to, 0, sizeof *to);
	if (address->family == NET_IPV4) {
		four->sin_family = AF_INET;
		four->sin_port = htons(PORT);
		memcpy(&four->sin_addr, address->bytes, sizeof four->sin_addr);
		return sizeof *four;
	}
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(PORT);
	memcpy(&six->sin6_addr, address->bytes, sizeof six->sin6_addr);
	return sizeof *six;
}

static int connect_to(const char *text, struct err *e)
{
	struct net_address address;
	struct sockaddr_storage to;
	socklen_t size, length = sizeof(int);
	int failure = 0;

	if (net_address_parse(text, &address) == -1)
		return err_set(e, "names: %s is no address", text);
	asking.first_six = address.family == NET_IPV6;
	size = fill_address(&address, &to);
	if ((asking.socket = socket(to.ss_family, SOCK_STREAM, 0)) == -1 ||
	    fcntl(asking.socket, F_SETFL, O_NONBLOCK) == -1)
		return err_errno(e, "names: no socket");
	if (connect(asking.socket, (struct sockaddr *)&to, size) == -1 &&
	    (errno != EINPROGRESS || wait_for(POLLOUT) == -1 ||
	     getsockopt(asking.socket, SOL_SOCKET, SO_ERROR, &failure, &length) == -1 ||
	     (errno = failure) != 0))
		return err_errno(e, "names: the resolver %s, port %d, can't be reached", text, PORT);
	asking.end += LIMIT_MS - CONNECT_MS;
	return 0;
}

/* After a call of the TLS library that did not succeed: waits for what it needs. 0: call it again. */
static int wait_for_tls(int result, struct err *e)
{
	long verified = SSL_get_verify_result(asking.tls);

	switch (SSL_get_error(asking.tls, result)) {
	case SSL_ERROR_WANT_READ:
		if (wait_for(POLLIN) == 0)
			return 0;
		break;
	case SSL_ERROR_WANT_WRITE:
		if (wait_for(POLLOUT) == 0)
			return 0;
		break;
	default:
		if (verified != X509_V_OK)
			return err_set(
			    e,
			    "names: the resolver's certificate is refused: %s; instead: check "
			    "resolver.name, resolver.ca-file and the clock, or log in to a captive "
			    "portal (sudo portcullis portal)",
			    X509_verify_cert_error_string(verified));
		return err_set(e, "names: the resolver has broken off the connection; instead: check that it "
				  "speaks DNS over TLS");
	}
	return err_set(e, "names: the resolver has not answered in %d s", LIMIT_MS / 1000);
}

static int shake_hands(struct err *e)
{
	int result;

	while ((result = SSL_do_handshake(asking.tls)) != 1) {
		if (wait_for_tls(result, e) == -1)
			return -1;
	}
	return 0;
}

static int send_queries(struct err *e)
{
	size_t length = 0;

	for (size_t i = 0; i < asking.query_count; i++) {
		const struct query *query = &asking.queries[i];

		asking.output[length++] = (uint8_t)(query->length >> 8);
		asking.output[length++] = (uint8_t)query->length;
		memcpy(asking.output + length, query->bytes, query->length);
		length += query->length;
	}
	for (size_t sent = 0; sent < length;) {
		int result = SSL_write(asking.tls, asking.output + sent, (int)(length - sent));

		if (result > 0)
			sent += (size_t)result;
		else if (wait_for_tls(result, e) == -1)
			return -1;
	}
	return 0;
}

/* 0, or -1: it answers no query of ours. */
static int take_message(const uint8_t *message, size_t length)
{
	size_t id = length >= 2 ? (size_t)message[0] << 8 | message[1] : 0, six = (id + 1) % 2;
	struct query *query;

	if (id == 0 || id > asking.query_count || asking.queries[id - 1].answered)
		return -1;
	query = &asking.queries[id - 1];
	query->code = dns_answer_read(message, length, query->bytes, asking.found[query->name][six],
				      WIRE_FRESH / 2, &asking.found_count[query->name][six]);
	if (query->code == -1)
		return -1;
	query->answered = true;
	asking.left--;
	return 0;
}

static int read_answers(struct err *e)
{
	size_t filled = 0;

	for (asking.left = asking.query_count; asking.left > 0;) {
		int result = SSL_read(asking.tls, asking.input + filled, (int)(sizeof asking.input - filled));
		size_t length;

		if (result <= 0 && wait_for_tls(result, e) == -1)
			return -1;
		filled += result > 0 ? (size_t)result : 0;
		while (filled >= 2 &&
		       filled >= (length = ((size_t)asking.input[0] << 8 | asking.input[1]) + 2)) {
			if (take_message(asking.input + 2, length - 2) == -1)
				return err_set(
				    e, "names: the resolver sends what is no answer; instead: check that "
				       "it speaks DNS over TLS");
			memmove(asking.input, asking.input + length, filled - length);
			filled -= length;
		}
		if (clock_steady_ms() >= asking.end)
			return err_set(e, "names: the resolver has not answered in %d s", LIMIT_MS / 1000);
	}
	return 0;
}

/* The family by which the resolver was reached comes first: it works here. */
static size_t list_addresses(size_t host, struct net_address *all)
{
	size_t first = asking.first_six, next = !first, count = asking.found_count[host][first];

	memcpy(all, asking.found[host][first], count * sizeof *all);
	memcpy(all + count, asking.found[host][next], asking.found_count[host][next] * sizeof *all);
	count += asking.found_count[host][next];
	net_alternate(all, count);
	return count;
}

/* What has been found, also if not all of it was. */
static int write_answers(struct err *e)
{
	struct net_address all[WIRE_FRESH];
	struct wire_answer answer;

	for (size_t i = 0; i < asking.host_count; i++) {
		size_t count = list_addresses(i, all);

		for (size_t j = 0; j < count; j++) {
			memset(&answer, 0, sizeof answer);
			memcpy(answer.host, asking.hosts[i], sizeof answer.host);
			answer.address = all[j];
			if (io_write_all(STDOUT_FILENO, (const char *)&answer, sizeof answer) == -1)
				return err_errno(e, "names: the answers can't be handed on");
		}
	}
	return 0;
}

/* Each query has its answer; the first name without an address is the one to tell of. */
static int check_found(struct err *e)
{
	for (size_t i = 0; i < asking.query_count; i++) {
		const struct query *query = &asking.queries[i];
		const char *host = asking.hosts[query->name];

		if (asking.found_count[query->name][0] + asking.found_count[query->name][1] > 0)
			continue;
		if (query->code == NO_SUCH_NAME)
			return err_set(e,
				       "names: %s does not exist, says the resolver; instead: check the "
				       "profile's remote",
				       host);
		if (query->code != 0)
			return err_set(e, "names: the resolver has no answer for %s (code %d)", host,
				       query->code);
		if (i % 2 == 1)
			return err_set(e, "names: %s has no address, says the resolver", host);
	}
	return 0;
}

static void ask(struct err *e)
{
	struct err lost = {""};

	if (shake_hands(e) == 0 && send_queries(e) == 0 && read_answers(e) == 0)
		(void)check_found(e);
	if (write_answers(&lost) == -1)
		*e = lost;
}

int ask_main(const char *address, char *name)
{
	struct err e = {""};

	descriptor_close_from(AUTHORITIES + 1);
	tzset(); /* OpenSSL compares times, for which the C library wants a file once */
	asking.end = clock_steady_ms() + CONNECT_MS;
	if (list_hosts(&e) == 0) {
		for (size_t i = 0; i < asking.host_count; i++) {
			add_query(i, DNS_A);
			add_query(i, DNS_AAAA);
		}
		if (connect_to(address, &e) == 0 && prepare_tls(name, &e) == 0 &&
		    sandbox_enter(SANDBOX_ASK, &e) == 0)
			ask(&e);
	}
	if (e.text[0] != '\0') {
		io_write_all(STDERR_FILENO, e.text, strlen(e.text));
		io_write_all(STDERR_FILENO, "\n", 1);
	}
	return e.text[0] == '\0' ? EXIT_SUCCESS : EXIT_FAILURE;
}
