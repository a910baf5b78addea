/* Watches whether routes, rules and the device stay as the gate has set them. */
#include <errno.h>
#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/netconf.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "os/netwatch/linux/decode.h"
#include "os/netwatch/linux/netlink.h"
#include "os/netwatch/linux/netlink_owner.h"
#include "os/route/kernel_linux.h"
#include "os/route/route.h"
#include "os/route/route_linux.h"

enum { WATCH_QUEUE = 4 * 1024 * 1024, DATAGRAMS_A_TURN = 64 };

struct watch {
	struct netlink *netlink;
	struct event *readable;
	route_foreign_fn *foreign;
	void *argument;
	bool changed;
	char who[NETLINK_SENDER];
};

/* Every rule has a say in where a packet goes: somebody else's too. */
static bool is_rule(const struct nlmsghdr *message)
{
	return message->nlmsg_type == RTM_NEWRULE || message->nlmsg_type == RTM_DELRULE;
}

/* Before our rules the table of local addresses is asked. */
static bool is_local(const struct nlmsghdr *message)
{
	const struct rtmsg *body = mnl_nlmsg_get_payload(message);

	return message->nlmsg_len >= MNL_NLMSG_HDRLEN + sizeof *body && body->rtm_table == RT_TABLE_LOCAL;
}

/* Ours; and while open all, because the endpoint is reached by others. */
static bool is_route(const struct nlmsghdr *message)
{
	struct route_entry entry;

	return (message->nlmsg_type == RTM_NEWROUTE || message->nlmsg_type == RTM_DELROUTE) &&
	       (route_standing()->index != 0 || is_local(message) ||
		route_decode_entry(message, &entry) != ROUTE_IS_NOT_OURS);
}

/* rp_filter and its like. */
static bool is_setting(const struct nlmsghdr *message)
{
	return message->nlmsg_type == RTM_NEWNETCONF && route_standing()->index != 0;
}

/* Of the tunnel's device, all; of others, that one has the tunnel's address. */
static int of_device(const struct rtnl_message *message, void *argument)
{
	const struct route_standing *standing = route_standing();
	bool *is = argument;

	if (standing->index == 0)
		return 0;
	if ((message->kind == RTNL_LINK && message->link.index == standing->index) ||
	    (message->kind == RTNL_ADDRESS &&
	     (message->address.index == standing->index ||
	      net_address_equal(&message->address.address, &standing->address4) ||
	      net_address_equal(&message->address.address, &standing->address6))))
		*is = true;
	return 0;
}

static void note_message(const struct nlmsghdr *message, void *argument)
{
	struct watch *watch = argument;
	uint32_t sender = route_standing()->sender;
	bool is = false;

	if (is_rule(message) || is_route(message))
		is = sender == 0 || message->nlmsg_pid != sender;
	else if (is_setting(message))
		is = true;
	else
		(void)rtnl_decode(message, message->nlmsg_len, of_device, &is);
	if (!is)
		return;
	watch->changed = true;
	/* At once: a short-lived program is gone soon. */
	if (watch->who[0] == '\0')
		(void)netlink_sender(NETLINK_ROUTE, message->nlmsg_pid, watch->who);
}

static void changes_cb(evutil_socket_t fd, short what, void *argument)
{
	struct watch *watch = argument;

	(void)fd, (void)what;
	watch->changed = false;
	watch->who[0] = '\0';
	if (!netlink_receive_all(watch->netlink, DATAGRAMS_A_TURN, note_message, watch))
		watch->changed = true;
	if (watch->changed)
		watch->foreign(watch->who, watch->argument);
}

static int join(struct watch *watch)
{
	static const int groups[] = {RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE,    RTNLGRP_IPV4_ROUTE,
				     RTNLGRP_IPV6_ROUTE,  RTNLGRP_LINK,         RTNLGRP_IPV4_IFADDR,
				     RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF};

	if ((watch->netlink = netlink_open(NETLINK_ROUTE, 0, WATCH_QUEUE)) == NULL)
		return -1;
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		if (netlink_join(watch->netlink, groups[i]) == -1)
			return -1;
	}
	return 0;
}

/* For the daemon's life. */
int route_watch(struct event_base *base, route_foreign_fn *foreign, void *argument, struct err *e)
{
	struct watch *watch = calloc(1, sizeof *watch);

	if (watch == NULL || join(watch) == -1)
		goto fail;
	watch->foreign = foreign;
	watch->argument = argument;
	watch->readable =
	    event_new(base, netlink_fd(watch->netlink), EV_READ | EV_PERSIST, changes_cb, watch);
	if (watch->readable != NULL && event_add(watch->readable, NULL) == 0)
		return 0;
fail:
	err_errno(e, "the routes can't be watched");
	if (watch != NULL)
		netlink_close(watch->netlink);
	free(watch);
	return -1;
}
