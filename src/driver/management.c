/* The management connection: which process may connect, and its bytes in and out. */
#include "driver/management.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "driver/login.h"
#include "driver/management_session.h"
#include "os/host/clock.h"
#include "os/process/descriptor.h"
#include "os/process/peer.h"

/* READ_TURN: the most reads in one turn of the loop. WAITING: connections that came before the gate has named
 * openvpn's pid. */
enum { READ_SIZE = 16 * 1024, READ_TURN = 8, WAITING = 4 };

struct waiting {
	int descriptor; /* -1: free */
	int32_t pid;
};

struct management {
	struct event_base *base;
	struct event *acceptable, *readable, *writable, *look;
	struct waiting waiting[WAITING];
	struct management_session session;
	struct ovm_session *parser; /* NULL: nobody is connected */
	int descriptor;
	int32_t wanted; /* 0: the gate has not named it yet; -1: nobody */
	uint32_t every; /* ms between two looks at whether the server sends; 0: none */
	bool busy;      /* inside ovm_feed: the parser must stay */
	bool leave;     /* it was ended there */
};

static void hang_up(struct management *m)
{
	if (m->parser == NULL)
		return;
	if (m->busy) {
		m->leave = true;
		return;
	}
	event_free(m->readable);
	event_free(m->writable);
	ovm_free(m->parser);
	m->parser = m->session.parser = NULL;
	close(m->descriptor);
	if (m->every != 0)
		event_del(m->look);
	m->session.peer.active = false;
	m->every = 0;
	m->leave = false;
}

/* The connection ended or broke by itself: that is an event; management_end causes none. */
static void connection_lost(struct management *m)
{
	hang_up(m);
	management_session_lost(&m->session);
}

static void send_pending(struct management *m)
{
	const void *bytes;
	size_t length;

	while ((bytes = ovm_pending(m->parser, &length)) != NULL && length > 0) {
		ssize_t sent = write(m->descriptor, bytes, length);

		if (sent > 0) {
			ovm_sent(m->parser, (size_t)sent);
			continue;
		}
		if (errno == EAGAIN || errno == EINTR)
			event_add(m->writable, NULL);
		/* A real failure is also reported by the next read, after openvpn's last messages. */
		return;
	}
}

static void writable_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	send_pending(argument);
}

static void arm_look(struct management *m)
{
	uint32_t every = dead_peer_interval_ms(&m->session.peer);
	struct timeval interval = clock_timeval(every);

	if (every == m->every)
		return;
	if (m->every != 0)
		event_del(m->look);
	if (every != 0)
		event_add(m->look, &interval);
	m->every = every;
}

static void look_cb(evutil_socket_t fd, short what, void *argument)
{
	struct management *m = argument;

	(void)fd, (void)what;
	m->session.now = (uint64_t)clock_steady_ms();
	management_session_look(&m->session);
	arm_look(m);
	if (m->parser != NULL)
		send_pending(m);
}

static void readable_cb(evutil_socket_t fd, short what, void *argument)
{
	struct management *m = argument;
	char bytes[READ_SIZE];
	ssize_t got = 0;
	int result = 0;

	(void)what;
	m->session.now = (uint64_t)clock_steady_ms();
	for (int turn = 0; turn < READ_TURN && result == 0 && !m->leave; turn++) {
		if ((got = read(fd, bytes, sizeof bytes)) <= 0)
			break;
		m->busy = true;
		result = ovm_feed(m->parser, bytes, (size_t)got);
		m->busy = false;
	}
	if (m->leave)
		hang_up(m);
	else if (result == -1 || got == 0 || (got == -1 && errno != EAGAIN && errno != EINTR))
		connection_lost(m);
	else {
		arm_look(m);
		send_pending(m);
	}
}

static void accept_openvpn(struct management *m, int descriptor)
{
	m->parser = ovm_new(management_session_event, &m->session);
	m->descriptor = descriptor;
	m->readable = event_new(m->base, descriptor, EV_READ | EV_PERSIST, readable_cb, m);
	m->writable = event_new(m->base, descriptor, EV_WRITE, writable_cb, m);
	if (m->parser == NULL || m->readable == NULL || m->writable == NULL)
		abort(); /* no memory: the gate locks and starts another driver */
	event_add(m->readable, NULL);
	m->session.parser = m->parser;
	management_session_greet(&m->session);
	send_pending(m);
}

static void refuse_stranger(struct management *m, int descriptor, int32_t pid)
{
	if (openvpn_log_may(&m->session.log, (uint64_t)clock_steady_ms(), LOG_WARN))
		log_warn("driver", "closed a management connection from process %d, which is not our openvpn",
			 (int)pid);
	close(descriptor);
}

static void sort_connection(struct management *m, int descriptor, int32_t pid)
{
	if (m->wanted > 0 && pid == m->wanted && m->parser == NULL) {
		accept_openvpn(m, descriptor);
		return;
	}
	for (size_t i = 0; m->wanted == 0 && i < WAITING; i++) {
		if (m->waiting[i].descriptor == -1) {
			m->waiting[i] = (struct waiting){descriptor, pid};
			return;
		}
	}
	refuse_stranger(m, descriptor, pid);
}

static void acceptable_cb(evutil_socket_t fd, short what, void *argument)
{
	struct management *m = argument;
	int descriptor = descriptor_accept(fd);
	struct peer peer;

	(void)what;
	if (descriptor == -1)
		return;
	if (peer_of(descriptor, &peer) == -1)
		refuse_stranger(m, descriptor, 0);
	else
		sort_connection(m, descriptor, peer.pid);
}

static void clear_waiting(struct management *m)
{
	for (size_t i = 0; i < WAITING; i++) {
		if (m->waiting[i].descriptor != -1)
			close(m->waiting[i].descriptor);
		m->waiting[i].descriptor = -1;
	}
}

struct management *management_new(struct event_base *base, int listener, struct login *login,
				  const struct management_events *events)
{
	struct management *m = calloc(1, sizeof *m);

	if (m == NULL)
		return NULL;
	m->base = base;
	m->wanted = -1;
	m->session.events = *events;
	m->session.login = login;
	for (size_t i = 0; i < WAITING; i++)
		m->waiting[i].descriptor = -1;
	m->acceptable = event_new(base, listener, EV_READ | EV_PERSIST, acceptable_cb, m);
	m->look = event_new(base, -1, EV_PERSIST, look_cb, m);
	if (m->acceptable == NULL || m->look == NULL || event_add(m->acceptable, NULL) == -1) {
		management_free(m);
		return NULL;
	}
	return m;
}

void management_free(struct management *m)
{
	if (m == NULL)
		return;
	hang_up(m);
	clear_waiting(m);
	if (m->acceptable != NULL)
		event_free(m->acceptable);
	if (m->look != NULL)
		event_free(m->look);
	free(m);
}

void management_begin(struct management *m, const struct management_attempt *attempt)
{
	hang_up(m);
	clear_waiting(m);
	m->wanted = 0;
	management_session_begin(&m->session, attempt, (uint64_t)clock_steady_ms());
}

void management_expect(struct management *m, int32_t pid)
{
	m->wanted = pid;
	for (size_t i = 0; i < WAITING; i++) {
		struct waiting waiting = m->waiting[i];

		m->waiting[i].descriptor = -1;
		if (waiting.descriptor != -1)
			sort_connection(m, waiting.descriptor, waiting.pid);
	}
}

void management_end(struct management *m)
{
	m->wanted = -1;
	clear_waiting(m);
	hang_up(m);
	login_settle(m->session.login);
}

bool management_reply(struct management *m)
{
	m->session.now = (uint64_t)clock_steady_ms();
	if (m->parser == NULL || !management_session_reply(&m->session))
		return false;
	send_pending(m);
	return true;
}

void management_signed(struct management *m, const struct key_answer *answer)
{
	m->session.now = (uint64_t)clock_steady_ms();
	management_session_signed(&m->session, answer);
	if (m->parser != NULL)
		send_pending(m);
}

bool management_ask_count(struct management *m)
{
	static const char *const words[] = {"load-stats", NULL};

	if (m->parser == NULL || ovm_command(m->parser, words) == -1)
		return false;
	send_pending(m);
	return true;
}

void management_away(struct management *m, bool away)
{
	dead_peer_away(&m->session.peer, away);
	arm_look(m);
}

void management_hurry(struct management *m)
{
	management_session_hurry(&m->session);
	arm_look(m);
	if (m->parser != NULL)
		send_pending(m);
}

uint32_t management_unanswered(const struct management *m)
{
	return dead_peer_unanswered(&m->session.peer);
}

uint32_t management_dead_peer(const struct management *m)
{
	return m->session.peer.limit;
}

uint64_t management_patience(const struct management *m)
{
	return m->session.patience;
}

struct refusal management_refusal(const struct management *m)
{
	return m->session.refusal;
}

const char *management_own_fault(const struct management *m)
{
	return m->session.own_fault;
}

const struct wire_tunnel *management_tunnel(const struct management *m)
{
	return &m->session.config.tunnel;
}
