/* The route port on Linux: what the kernel's own routing answers, asked as for a program's packet. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>

#include "base/text.h"
#include "os/netwatch/linux/decode.h"
#include "os/netwatch/linux/request.h"
#include "os/route/kernel_linux.h"
#include "os/route/probes.h"
#include "os/route/route.h"
#include "os/route/route_linux.h"
#include "os/route/twin.h"

enum { NOBODY = 65534, HTTPS = 443, DNS = 53, SETTLES_MS = 50 };

/* A proof that is under way. */
struct proof {
	const struct route_desired *desired;
	const struct wire_tunnel *tunnel;
	struct route_probe probes[2 * PROBES_MAX]; /* of both families */
	bool own[2 * PROBES_MAX];                  /* it is an address of this machine: it proves nothing */
	size_t count;
	unsigned twin; /* another link that has the tunnel's address; 0: none */
	const struct net_address *twin_address;
	bool up, stands4, stands6;
	uint32_t mtu;
};

/* --- one question ------------------------------------------------------------------------- */

struct asked {
	struct route_answer answer;
	bool answered;
};

static void take_answer(const struct nlmsghdr *message, void *argument)
{
	struct asked *asked = argument;

	asked->answered = asked->answered || route_decode_answer(message, &asked->answer);
}

/* 0; or an errno, which is an answer too: of a route that leads nowhere. */
static int ask(const struct route_question *question, struct route_answer *answer)
{
	_Alignas(8) char buffer[ROUTE_MESSAGE];
	struct asked asked = {.answered = false};
	int failure = route_request(route_ask(buffer, question), take_answer, &asked);

	*answer = asked.answer;
	return failure != 0 ? failure : asked.answered ? 0 : EPROTO;
}

static const char *link_text(unsigned index, char to[static NET_NAME_SIZE])
{
	struct rtnl *rtnl = rtnl_open(NULL);

	if (rtnl == NULL || rtnl_link_name(rtnl, index, to) == -1)
		memcpy(to, "another", sizeof "another");
	rtnl_close(rtnl);
	return to;
}

/* Somebody who is neither root nor openvpn: nobody of whom a rule of ours says anything else. */
static uint32_t somebody(const struct route_desired *desired)
{
	return desired->openvpn != NOBODY ? NOBODY : NOBODY - 1;
}

/* --- what is wrong ------------------------------------------------------------------------ */

/* Before ours only two things have a say: rules that somebody put there, and the table of local addresses. */
static int blame(uint8_t family, struct err *e)
{
	const char *six = family == NET_IPV6 ? "-6 " : "";
	int64_t rule = route_foreign_rule(family);
	size_t used = strlen(e->text);

	if (rule >= 0)
		(void)text_append(e->text, sizeof e->text, &used,
				  "; a rule of somebody else comes before the gate's" ERR_INSTEAD
				  "remove it (ip %srule del pref %d), or give it a priority above %d",
				  six, (int)rule, ROUTE_END);
	else
		(void)text_append(e->text, sizeof e->text, &used,
				  "; a route of somebody else comes before the gate's" ERR_INSTEAD
				  "remove it (ip %sroute show table local)",
				  six);
	return -1;
}

/* Where it goes, in words. */
static int goes_wrong(const struct net_address *to, int failure, const struct route_answer *answer,
		      const char *device, struct err *e)
{
	char text[NET_ADDRESS_TEXT], link[NET_NAME_SIZE];

	net_address_text(to, text);
	if (failure != 0) {
		errno = failure;
		(void)err_errno(e, "the way to %s leads nowhere, not into %s", text, device);
	} else if (answer->type != RTN_UNICAST) {
		(void)err_set(e, "the way to %s leads to this machine itself, not into %s", text, device);
	} else {
		(void)err_set(e, "the way to %s leads to %s, not into %s", text,
			      link_text(answer->index, link), device);
	}
	return blame(to->family, e);
}

/* --- the device and its addresses ---------------------------------------------------------- */

static void note_address(struct proof *proof, const struct net_address *address, unsigned index)
{
	for (size_t i = 0; i < proof->count; i++)
		proof->own[i] = proof->own[i] || net_address_equal(&proof->probes[i].to, address);
	for (int i = 0; i < 2; i++) {
		const struct net_address *own = route_own(proof->tunnel, i == 0 ? NET_IPV4 : NET_IPV6);

		if (!net_address_equal(own, address))
			continue;
		if (index == proof->desired->index) {
			*(i == 0 ? &proof->stands4 : &proof->stands6) = true;
		} else {
			proof->twin = index;
			proof->twin_address = own;
		}
	}
}

static int read_message(const struct rtnl_message *message, void *argument)
{
	struct proof *proof = argument;

	if (message->kind == RTNL_LINK && message->link.index == proof->desired->index) {
		proof->up = (message->link.flags & IFF_UP) != 0;
		proof->mtu = message->link.mtu;
	} else if (message->kind == RTNL_ADDRESS) {
		note_address(proof, &message->address.address, message->address.index);
	}
	return 0;
}

static void take_message(const struct nlmsghdr *message, void *argument)
{
	(void)rtnl_decode(message, message->nlmsg_len, read_message, argument);
}

static void forget_addresses(struct proof *proof)
{
	memset(proof->own, 0, sizeof proof->own);
	proof->stands4 = proof->stands6 = false;
	proof->twin = 0;
}

static int read_addresses(struct proof *proof)
{
	_Alignas(8) char buffer[ROUTE_MESSAGE];
	int failure = EINTR;

	for (int tries = 0; failure == EINTR && tries < 8; tries++) {
		forget_addresses(proof);
		failure = route_request(route_ask_addresses(buffer), take_message, proof);
	}
	return failure;
}

static int check_device(struct proof *proof, struct err *e)
{
	_Alignas(8) char buffer[ROUTE_MESSAGE];
	const struct wire_tunnel *tunnel = proof->tunnel;
	char link[NET_NAME_SIZE];

	if ((errno = route_request(route_ask_link(buffer, proof->desired->index), take_message, proof)) != 0)
		return err_errno(e, "%s can't be queried", tunnel->name);
	if (!proof->up)
		return err_set(e, "%s is down", tunnel->name);
	if (proof->mtu != tunnel->mtu)
		return err_set(e, "%s has the MTU %u, not %u", tunnel->name, proof->mtu, tunnel->mtu);
	if ((errno = read_addresses(proof)) != 0)
		return err_errno(e, "addresses can't be read");
	if ((tunnel->address4.family != NET_NONE && !proof->stands4) ||
	    (tunnel->address6.family != NET_NONE && !proof->stands6))
		return err_set(e, "%s has lost its address", tunnel->name);
	if (proof->twin != 0)
		return route_twin(proof->twin_address, link_text(proof->twin, link), tunnel->name, e);
	return 0;
}

/* --- the ways ------------------------------------------------------------------------------ */

static int prove_out(const struct proof *proof, const struct route_probe *probe, struct err *e)
{
	static const struct {
		uint8_t protocol;
		uint16_t port;
	} programs[] = {{NET_TCP, HTTPS}, {NET_UDP, DNS}, {NET_UDP, HTTPS}, {0, 0}};
	const struct wire_tunnel *tunnel = proof->tunnel;
	const struct net_address *own = route_own(tunnel, probe->to.family);
	struct route_answer answer;

	for (size_t i = 0; i < (probe->everywhere ? sizeof programs / sizeof *programs : 1); i++) {
		const struct route_question question = {.to = probe->to,
							.user = somebody(proof->desired),
							.protocol = programs[i].protocol,
							.port = programs[i].port};
		int failure = ask(&question, &answer);

		if (failure != 0 || answer.type != RTN_UNICAST || answer.index != proof->desired->index)
			return goes_wrong(&probe->to, failure, &answer, tunnel->name, e);
		if (!net_address_equal(&answer.source, own))
			return err_set(e, "what goes into %s has not its address", tunnel->name);
	}
	return 0;
}

/* What comes back is for this machine, and its sender is believed (rp_filter). */
static int prove_in(const struct proof *proof, const struct net_address *from, struct err *e)
{
	const struct wire_tunnel *tunnel = proof->tunnel;
	const struct route_question question = {
	    .to = *route_own(tunnel, from->family), .from = *from, .received = proof->desired->index};
	struct route_answer answer = {0};
	char text[NET_ADDRESS_TEXT];
	int failure = 0;

	for (int i = 0; i <= SETTLES_MS; i++) {
		failure = ask(&question, &answer);
		if (failure == 0 && answer.type == RTN_LOCAL)
			return 0;
		/* A new address of IPv6 is not taken for this machine's at once. */
		if (from->family == NET_IPV6)
			(void)poll(NULL, 0, 1);
		else
			break;
	}
	net_address_text(&question.to, text);
	if (failure == 0)
		return err_set(e, "what comes out of %s for %s is not taken for this machine's", tunnel->name,
			       text);
	errno = failure;
	return err_errno(e, "what comes out of %s for %s is refused", tunnel->name, text);
}

static int prove_family(struct proof *proof, uint8_t family, struct err *e)
{
	bool proven = false;

	for (size_t i = 0; i < proof->count; i++) {
		const struct route_probe *probe = &proof->probes[i];

		if (probe->to.family != family || proof->own[i])
			continue;
		if (prove_out(proof, probe, e) == -1 || (!proven && prove_in(proof, &probe->to, e) == -1))
			return -1;
		proven = true;
	}
	return 0;
}

static int ask_endpoint(const struct route_desired *desired, struct route_answer *answer)
{
	const struct net_endpoint *endpoint = &desired->situation->endpoint;

	return ask(&(struct route_question){.to = endpoint->address,
					    .user = desired->openvpn,
					    .protocol = endpoint->proto,
					    .port = endpoint->port},
		   answer);
}

static bool is_no_way(int failure)
{
	return failure == ENETUNREACH || failure == EHOSTUNREACH;
}

bool route_reaches(const struct route_desired *desired)
{
	struct route_answer answer;

	return !is_no_way(ask_endpoint(desired, &answer));
}

static int prove_endpoint(const struct proof *proof, struct err *e)
{
	const struct net_address *endpoint = &proof->desired->situation->endpoint.address;
	struct route_answer answer;
	char text[NET_ADDRESS_TEXT];
	int failure = ask_endpoint(proof->desired, &answer);

	if (is_no_way(failure) ||
	    (failure == 0 && answer.type == RTN_UNICAST && answer.index != proof->desired->index))
		return 0;
	net_address_text(endpoint, text);
	if (failure != 0) {
		errno = failure;
		return err_errno(e, "somebody else's route keeps openvpn from the server %s", text);
	}
	return err_set(e, "somebody else's route leads openvpn's packets to the server %s %s", text,
		       answer.type == RTN_UNICAST ? "into the tunnel itself" : "to this machine itself");
}

static int prove_open(struct proof *proof, struct err *e)
{
	if (check_device(proof, e) == -1 || prove_family(proof, NET_IPV4, e) == -1 ||
	    prove_family(proof, NET_IPV6, e) == -1)
		return -1;
	return prove_endpoint(proof, e);
}

/* Shut: it leads nowhere, as it would lead into the tunnel. */
static int prove_shut(const struct route_desired *desired, const struct route_plan *plan, struct err *e)
{
	static struct route_probe probes[PROBES_MAX];
	size_t count = route_probes_of_last_word(plan, probes);
	struct route_answer answer;

	for (size_t i = 0; i < count; i++) {
		const struct route_question question = {
		    .to = probes[i].to, .user = somebody(desired), .protocol = NET_TCP, .port = HTTPS};
		int failure = ask(&question, &answer);

		if (!is_no_way(failure))
			return goes_wrong(&probes[i].to, failure, &answer, desired->situation->tunnel.name,
					  e);
	}
	return 0;
}

int route_prove(const struct route_desired *desired, struct err *e)
{
	static const uint8_t families[] = {NET_IPV4, NET_IPV6};
	static struct route_plan plan;
	static struct proof proof;

	memset(&proof, 0, sizeof proof);
	proof.desired = desired;
	proof.tunnel = desired->tunnel;
	for (size_t i = 0; i < 2; i++) {
		bool carried = route_carried(desired, families[i]);

		route_plan_make(desired, families[i], &plan);
		if (route_stands(&plan, carried, e) == -1)
			return -1;
		if (carried)
			proof.count += route_probes(&plan, desired->tunnel, proof.probes + proof.count);
		else if (desired->tunnel == NULL &&
			 (families[i] == NET_IPV4 ? desired->four : desired->six) &&
			 prove_shut(desired, &plan, e) == -1)
			return -1;
	}
	return desired->tunnel == NULL ? 0 : prove_open(&proof, e);
}
