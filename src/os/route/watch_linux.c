/* Watches whether routes, rules and the device stay as the gate has set them. */
#include <errno.h>
#include <event2/event.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "os/netwatch/linux/decode.h"
#include "os/netwatch/linux/netlink.h"
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
};

static bool is_rule(const struct nlmsghdr *message)
{
	struct route_rule rule;

	return (message->nlmsg_type == RTM_NEWRULE || message->nlmsg_type == RTM_DELRULE) &&
	       route_decode_rule(message, &rule) != ROUTE_IS_NOT_OURS;
}

static bool is_entry(const struct nlmsghdr *message)
{
	struct route_entry entry;

	return (message->nlmsg_type == RTM_NEWROUTE || message->nlmsg_type == RTM_DELROUTE) &&
	       route_decode_entry(message, &entry) != ROUTE_IS_NOT_OURS;
}

/* What we set ourselves is reported as we set it; only what differs is somebody else's. That it went is the
 * network port's news. */
static int of_device(const struct rtnl_message *message, void *argument)
{
	const struct route_standing *standing = route_standing();
	struct watch *watch = argument;

	if (standing->index == 0)
		return 0;
	if (message->kind == RTNL_LINK && !message->gone && message->link.index == standing->index &&
	    message->link.mtu != standing->mtu)
		watch->changed = true;
	if (message->kind == RTNL_ADDRESS && message->gone && message->address.index == standing->index &&
	    (net_address_equal(&message->address.address, &standing->address4) ||
	     net_address_equal(&message->address.address, &standing->address6)))
		watch->changed = true;
	return 0;
}

static void note_message(const struct nlmsghdr *message, void *argument)
{
	struct watch *watch = argument;
	uint32_t sender = route_standing()->sender;

	if ((is_rule(message) || is_entry(message)) && (sender == 0 || message->nlmsg_pid != sender))
		watch->changed = true;
	(void)rtnl_decode(message, message->nlmsg_len, of_device, watch);
}

static void changes_cb(evutil_socket_t fd, short what, void *argument)
{
	struct watch *watch = argument;

	(void)fd, (void)what;
	watch->changed = false;
	if (!netlink_receive_all(watch->netlink, DATAGRAMS_A_TURN, note_message, watch))
		watch->changed = true;
	if (watch->changed)
		watch->foreign(watch->argument);
}

static int join(struct watch *watch)
{
	static const int groups[] = {RTNLGRP_IPV4_RULE,  RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_ROUTE,
				     RTNLGRP_IPV6_ROUTE, RTNLGRP_LINK,      RTNLGRP_IPV4_IFADDR,
				     RTNLGRP_IPV6_IFADDR};

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
