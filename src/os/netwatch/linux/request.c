/* Requests to rtnetlink: queries and changes, one at a time, answered at once. */
#include "os/netwatch/linux/request.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "os/netwatch/linux/message.h"
#include "os/netwatch/linux/netlink.h"

enum { REQUEST_SIZE = 256 };

struct rtnl {
	struct netlink *netlink;
};

struct rtnl *rtnl_open(struct err *e)
{
	struct rtnl *rtnl = calloc(1, sizeof *rtnl);

	if (rtnl == NULL || (rtnl->netlink = netlink_open(NETLINK_ROUTE, 0, 0)) == NULL) {
		err_errno(e, "rtnetlink");
		rtnl_close(rtnl);
		return NULL;
	}
	return rtnl;
}

void rtnl_close(struct rtnl *rtnl)
{
	if (rtnl == NULL)
		return;
	netlink_close(rtnl->netlink);
	free(rtnl);
}

static struct rtnl *shared;

struct rtnl *rtnl_shared(struct err *e)
{
	if (shared == NULL)
		shared = rtnl_open(e);
	return shared;
}

int rtnl_shared_result(int result)
{
	if (result == -1) {
		rtnl_close(shared);
		shared = NULL;
	}
	return result;
}

struct reading {
	rtnl_message_fn *each;
	void (*again)(void *argument); /* a long answer begins anew */
	void *argument;
	int stopped;
};

static void decode_message(const struct nlmsghdr *message, void *argument)
{
	struct reading *reading = argument;

	if (reading->stopped == 0)
		reading->stopped = rtnl_decode(message, message->nlmsg_len, reading->each, reading->argument);
}

/* 0, or -1 with errno. */
static int send_request(struct rtnl *rtnl, struct nlmsghdr *header, struct reading *reading)
{
	int result = netlink_request(rtnl->netlink, header, reading == NULL ? NULL : decode_message, reading);

	errno = -result;
	return result == 0 ? 0 : -1;
}

int rtnl_change(struct rtnl *rtnl, struct nlmsghdr *message)
{
	return send_request(rtnl, message, NULL) == 0 ? 0 : errno;
}

static void read_again(void *argument)
{
	struct reading *reading = argument;

	if (reading->stopped == 0 && reading->again != NULL)
		reading->again(reading->argument);
}

int rtnl_dump(struct rtnl *rtnl, uint16_t type, uint8_t family, rtnl_message_fn *each,
	      void (*again)(void *argument), void *argument, struct err *e)
{
	_Alignas(8) char buffer[REQUEST_SIZE];
	struct reading reading = {.each = each, .again = again, .argument = argument};
	struct nlmsghdr *header = message_begin(buffer, type, NLM_F_DUMP, sizeof(struct ifinfomsg));
	struct rtmsg *body = mnl_nlmsg_get_payload(header);
	int result;

	/* rtmsg, ifaddrmsg and ifinfomsg all begin with the family. */
	body->rtm_family = family == NET_IPV4 ? AF_INET : family == NET_IPV6 ? AF_INET6 : AF_UNSPEC;
	if (type == RTM_GETLINK) /* counters are most of a link's message */
		mnl_attr_put_u32(header, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	result = netlink_dump(rtnl->netlink, header, decode_message, read_again, &reading);
	if (result == 0 || reading.stopped != 0)
		return reading.stopped;
	if (result == -EINTR)
		return err_set(e, "rtnetlink: the network changes faster than it can be read");
	errno = -result;
	return err_errno(e, "rtnetlink: reading");
}

static int copy_link(const struct rtnl_message *message, void *argument)
{
	if (message->kind == RTNL_LINK)
		*(struct rtnl_link *)argument = message->link;
	return 0;
}

int rtnl_link_by_name(struct rtnl *rtnl, const char *name, struct rtnl_link *link, struct err *e)
{
	_Alignas(8) char buffer[REQUEST_SIZE];
	struct reading reading = {.each = copy_link, .argument = link};
	struct nlmsghdr *header = message_begin(buffer, RTM_GETLINK, NLM_F_ACK, sizeof(struct ifinfomsg));

	memset(link, 0, sizeof *link);
	if (!net_is_interface_name(name))
		return err_set(e, "not the name of an interface");
	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	if (send_request(rtnl, header, &reading) == -1)
		return errno == ENODEV ? 1 : err_errno(e, "%s", name);
	return link->index != 0 ? 0 : err_set(e, "%s: the kernel's answer is not valid", name);
}

int rtnl_link_by_index(struct rtnl *rtnl, unsigned index, struct rtnl_link *link)
{
	_Alignas(8) char buffer[RTNL_REQUEST];
	struct reading reading = {.each = copy_link, .argument = link};
	struct nlmsghdr *header = message_begin(buffer, RTM_GETLINK, NLM_F_ACK, sizeof(struct ifinfomsg));

	memset(link, 0, sizeof *link);
	((struct ifinfomsg *)mnl_nlmsg_get_payload(header))->ifi_index = (int)index;
	return send_request(rtnl, header, &reading) == -1 || link->index != index ? -1 : 0;
}

int rtnl_link_name(struct rtnl *rtnl, unsigned index, char name[static NET_NAME_SIZE])
{
	struct rtnl_link link;

	return rtnl_link_by_index(rtnl, index, &link) == -1 ? -1 : text_copy(name, NET_NAME_SIZE, link.name);
}

struct assigned {
	unsigned index;
	const struct net_address *wanted;
	bool found;
};

static int look_for_address(const struct rtnl_message *message, void *argument)
{
	struct assigned *assigned = argument;

	if (message->kind == RTNL_ADDRESS && message->address.index == assigned->index &&
	    net_address_equal(&message->address.address, assigned->wanted))
		assigned->found = true;
	return 0;
}

int rtnl_has_address(struct rtnl *rtnl, unsigned index, const struct net_address *address, struct err *e)
{
	struct assigned assigned = {.index = index, .wanted = address};

	if (rtnl_dump(rtnl, RTM_GETADDR, address->family, look_for_address, NULL, &assigned, e) != 0)
		return -1;
	return assigned.found;
}

static int copy_route(const struct rtnl_message *message, void *argument)
{
	if (message->kind == RTNL_ROUTE)
		*(struct rtnl_route *)argument = message->route;
	return 0;
}

static bool is_no_way(int failure)
{
	return failure == ENETUNREACH || failure == EHOSTUNREACH || failure == EACCES || failure == EINVAL ||
	       failure == EAFNOSUPPORT || failure == ENETDOWN;
}

int rtnl_route_to(struct rtnl *rtnl, const struct net_address *to, uint32_t user, struct rtnl_route *route,
		  struct err *e)
{
	_Alignas(8) char buffer[REQUEST_SIZE];
	char text[NET_ADDRESS_TEXT];
	struct reading reading = {.each = copy_route, .argument = route};
	struct nlmsghdr *header = message_begin(buffer, RTM_GETROUTE, NLM_F_ACK, sizeof(struct rtmsg));
	struct rtmsg *body = mnl_nlmsg_get_payload(header);
	size_t size = to->family == NET_IPV4 ? 4 : 16;

	memset(route, 0, sizeof *route);
	body->rtm_family = to->family == NET_IPV4 ? AF_INET : AF_INET6;
	body->rtm_dst_len = (uint8_t)(8 * size);
	mnl_attr_put(header, RTA_DST, size, to->bytes);
	mnl_attr_put_u32(header, RTA_UID, user);
	if (send_request(rtnl, header, &reading) == -1)
		return is_no_way(errno) ? 1 : err_errno(e, "how %s is reached", net_address_text(to, text));
	return route->type == RTN_UNICAST && route->link != 0 ? 0 : 1;
}

/* A link is meant by its index: a name may have passed to another meanwhile. */
static struct nlmsghdr *link_request(char *buffer, uint16_t type, unsigned index, unsigned flags,
				     unsigned change)
{
	struct nlmsghdr *header = message_begin(buffer, type, NLM_F_ACK, sizeof(struct ifinfomsg));
	struct ifinfomsg *body = mnl_nlmsg_get_payload(header);

	body->ifi_index = (int)index;
	body->ifi_flags = flags;
	body->ifi_change = change;
	return header;
}

int rtnl_link_delete(struct rtnl *rtnl, const struct rtnl_link *link, struct err *e)
{
	_Alignas(8) char buffer[REQUEST_SIZE];

	if (send_request(rtnl, link_request(buffer, RTM_DELLINK, link->index, 0, 0), NULL) == -1 &&
	    errno != ENODEV)
		return err_errno(e, "%s: removing the device", link->name);
	return 0;
}

int rtnl_link_set_up(struct rtnl *rtnl, const struct rtnl_link *link, bool up, struct err *e)
{
	_Alignas(8) char buffer[REQUEST_SIZE];

	if (send_request(rtnl, link_request(buffer, RTM_NEWLINK, link->index, up ? IFF_UP : 0, IFF_UP),
			 NULL) == -1 &&
	    errno != ENODEV)
		return err_errno(e, "%s: setting it %s", link->name, up ? "up" : "down");
	return 0;
}

int rtnl_route_delete(struct rtnl *rtnl, const struct rtnl_route *route, struct err *e)
{
	_Alignas(8) char buffer[REQUEST_SIZE];
	char text[NET_PREFIX_TEXT];
	struct nlmsghdr *header = message_begin(buffer, RTM_DELROUTE, NLM_F_ACK, sizeof(struct rtmsg));
	struct rtmsg *body = mnl_nlmsg_get_payload(header);
	size_t size = route->family == NET_IPV4 ? 4 : 16;

	body->rtm_family = route->family == NET_IPV4 ? AF_INET : AF_INET6;
	body->rtm_dst_len = route->destination.length;
	body->rtm_table = route->table < 256 ? (uint8_t)route->table : RT_TABLE_UNSPEC;
	body->rtm_protocol = route->protocol;
	body->rtm_type = route->type;
	body->rtm_scope = RT_SCOPE_NOWHERE; /* any */
	mnl_attr_put(header, RTA_DST, size, route->destination.address.bytes);
	mnl_attr_put_u32(header, RTA_OIF, route->link);
	mnl_attr_put_u32(header, RTA_TABLE, route->table);
	if (route->priority != 0)
		mnl_attr_put_u32(header, RTA_PRIORITY, route->priority);
	if (route->gateway.family == route->family)
		mnl_attr_put(header, RTA_GATEWAY, size, route->gateway.bytes);
	if (send_request(rtnl, header, NULL) == -1 && errno != ESRCH && errno != ENODEV)
		return err_errno(e, "removing the route to %s", net_prefix_text(&route->destination, text));
	return 0;
}
