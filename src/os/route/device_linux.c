/* The device port on Linux: /dev/net/tun makes the device, rtnetlink sets it. */
#include "os/route/device.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "os/netwatch/linux/decode.h"
#include "os/netwatch/linux/message.h"
#include "os/netwatch/linux/request.h"
#include "os/route/route_linux.h"
#include "os/route/twin.h"

#define TUN "/dev/net/tun"
/* What tells a device of ours from another's. */
#define ALIAS "portcullis"

enum { LEFT_MAX = 16 };

/* Its owner may be another user than today: an earlier run may have had another configuration. */
static bool is_our_device(const struct rtnl_link *link)
{
	return strcmp(link->driver, "tun") == 0 && !link->tap && link->persists && link->owned &&
	       strcmp(link->alias, ALIAS) == 0;
}

/* Nobody but its owner can open it; if both a user and a group are set, the kernel checks both. */
static int make(int tun, const char *name, uint32_t uid, uint32_t gid)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL};

	text_copy(request.ifr_name, sizeof request.ifr_name, name);
	if (ioctl(tun, TUNSETIFF, &request) == -1 || ioctl(tun, TUNSETOWNER, (unsigned long)uid) == -1 ||
	    ioctl(tun, TUNSETGROUP, (unsigned long)gid) == -1)
		return -1;
	return 0;
}

static struct nlmsghdr *link_message(char *buffer, const struct rtnl_link *link)
{
	struct nlmsghdr *message = message_begin(buffer, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *body = mnl_nlmsg_get_payload(message);

	body->ifi_index = (int)link->index;
	return message;
}

/* The kernel generates no address for it; otherwise it would solicit routers in the tunnel. */
static int no_own_addresses(struct rtnl *rtnl, const struct rtnl_link *link)
{
	_Alignas(8) char buffer[RTNL_REQUEST];
	struct nlmsghdr *message = link_message(buffer, link);
	struct nlattr *families = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	struct nlattr *six = mnl_attr_nest_start(message, AF_INET6);
	int failure;

	mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(message, six);
	mnl_attr_nest_end(message, families);
	failure = rtnl_change(rtnl, message);
	return failure == EAFNOSUPPORT ? 0 : failure; /* a kernel without IPv6 */
}

static int mark_as_ours(const char *name, struct err *e)
{
	_Alignas(8) char buffer[RTNL_REQUEST];
	struct rtnl *rtnl = rtnl_open(e);
	struct rtnl_link link;
	struct nlmsghdr *message;
	int result = -1;

	if (rtnl == NULL)
		return -1;
	if (rtnl_link_by_name(rtnl, name, &link, e) == 0) {
		message = link_message(buffer, &link);
		mnl_attr_put_strz(message, IFLA_IFALIAS, ALIAS);
		if ((errno = rtnl_change(rtnl, message)) != 0 || (errno = no_own_addresses(rtnl, &link)) != 0)
			err_errno(e, "%s: preparing the device", name);
		else
			result = 0;
	}
	rtnl_close(rtnl);
	return result;
}

int device_make(const char *name, uint32_t uid, uint32_t gid, struct err *e)
{
	int tun = open(TUN, O_RDWR | O_CLOEXEC), result = -1;

	if (tun == -1)
		return err_errno(e, "%s; instead: see the check of tun in `portcullis doctor`", TUN);
	if (make(tun, name, uid, gid) == -1)
		err_errno(e, "%s: creating the device", name);
	/* It stays when it is closed, from here on; until then it goes by itself. */
	else if (mark_as_ours(name, e) == 0)
		result =
		    ioctl(tun, TUNSETPERSIST, 1UL) == 0 ? 0 : err_errno(e, "%s: keeping the device", name);
	close(tun);
	return result;
}

static int set_size(struct rtnl *rtnl, const struct rtnl_link *link, unsigned mtu)
{
	_Alignas(8) char buffer[RTNL_REQUEST];
	struct nlmsghdr *message = link_message(buffer, link);

	mnl_attr_put_u32(message, IFLA_MTU, mtu);
	return rtnl_change(rtnl, message);
}

/* Its route is for the table of ours, not for everybody's. */
static int add_address(struct rtnl *rtnl, const struct rtnl_link *link, const struct net_address *address,
		       const struct net_address *peer, uint8_t length)
{
	_Alignas(8) char buffer[RTNL_REQUEST];
	struct nlmsghdr *message =
	    message_begin(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(struct ifaddrmsg));
	struct ifaddrmsg *body = mnl_nlmsg_get_payload(message);
	size_t size = address->family == NET_IPV4 ? 4 : 16;
	bool alone = peer->family == NET_NONE;

	if (address->family == NET_NONE)
		return 0;
	body->ifa_family = address->family == NET_IPV4 ? AF_INET : AF_INET6;
	body->ifa_prefixlen = alone ? length : (uint8_t)(size * 8);
	body->ifa_index = link->index;
	mnl_attr_put(message, IFA_LOCAL, size, address->bytes);
	mnl_attr_put(message, IFA_ADDRESS, size, alone ? address->bytes : peer->bytes);
	mnl_attr_put_u32(message, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE | IFA_F_PERMANENT);
	return rtnl_change(rtnl, message);
}

struct looking {
	const struct wire_tunnel *tunnel;
	unsigned index, other; /* the tunnel's; who has its address too, 0: nobody */
	const struct net_address *address;
};

static int look_for_twin(const struct rtnl_message *message, void *argument)
{
	struct looking *looking = argument;

	const struct net_address *own[] = {&looking->tunnel->address4, &looking->tunnel->address6};

	if (message->kind != RTNL_ADDRESS || message->address.index == looking->index)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		if (!net_address_equal(&message->address.address, own[i]))
			continue;
		looking->other = message->address.index;
		looking->address = own[i];
	}
	return 0;
}

/* Row 2 of the promise would silence the other link, and with it openvpn. */
static int check_twins(struct rtnl *rtnl, const struct rtnl_link *link, const struct wire_tunnel *tunnel,
		       struct err *e)
{
	struct looking looking = {.tunnel = tunnel, .index = link->index};
	char name[NET_NAME_SIZE];

	if (rtnl_dump(rtnl, RTM_GETADDR, NET_NONE, look_for_twin, NULL, &looking, e) == -1)
		return -1;
	if (looking.other == 0)
		return 0;
	if (rtnl_link_name(rtnl, looking.other, name) == -1)
		text_copy(name, sizeof name, "another link");
	return route_twin(looking.address, name, tunnel->name, e);
}

static int set(struct rtnl *rtnl, const struct wire_tunnel *tunnel, struct err *e)
{
	static const struct net_address none = {.family = NET_NONE};
	struct rtnl_link link;
	int found = rtnl_link_by_name(rtnl, tunnel->name, &link, e);

	if (found == 1)
		return err_set(e, "the tunnel's interface %s is gone", tunnel->name);
	if (found == -1 || !is_our_device(&link))
		return found == -1 ? -1 : err_set(e, "%s is not the device that the gate made", tunnel->name);
	if (check_twins(rtnl, &link, tunnel, e) == -1)
		return -1;
	if ((errno = set_size(rtnl, &link, tunnel->mtu)) != 0)
		return err_errno(e, "%s: setting the MTU to %u", tunnel->name, tunnel->mtu);
	if ((errno = add_address(rtnl, &link, &tunnel->address4, &tunnel->peer4, tunnel->length4)) != 0)
		return err_errno(e, "%s: setting its IPv4 address", tunnel->name);
	if ((errno = add_address(rtnl, &link, &tunnel->address6, &none, tunnel->length6)) != 0)
		return err_errno(e, "%s: setting its IPv6 address", tunnel->name);
	return rtnl_link_set_up(rtnl, &link, true, e);
}

int device_set(const struct wire_tunnel *tunnel, struct err *e)
{
	struct rtnl *rtnl;
	int result;

	if (tunnel->mtu == 0)
		return err_set(e, "openvpn has not reported the tunnel's MTU");
	if ((rtnl = rtnl_open(e)) == NULL)
		return -1;
	result = set(rtnl, tunnel, e);
	rtnl_close(rtnl);
	return result;
}

struct left {
	const char *name; /* NULL: any */
	struct rtnl_link links[LEFT_MAX];
	size_t count;
};

static void collect_none(void *argument)
{
	((struct left *)argument)->count = 0;
}

static int collect(const struct rtnl_message *message, void *argument)
{
	struct left *left = argument;

	if (message->kind == RTNL_LINK && is_our_device(&message->link) && left->count < LEFT_MAX &&
	    (left->name == NULL || strcmp(left->name, message->link.name) == 0))
		left->links[left->count++] = message->link;
	return 0;
}

static int delete_of(const char *name, struct err *e)
{
	struct left left = {.name = name, .count = 0};
	struct rtnl *rtnl = rtnl_open(e);
	int result;

	if (rtnl == NULL)
		return -1;
	result = rtnl_dump(rtnl, RTM_GETLINK, NET_NONE, collect, collect_none, &left, e);
	for (size_t i = 0; i < left.count; i++) {
		if (rtnl_link_delete(rtnl, &left.links[i], e) == -1)
			result = -1;
	}
	rtnl_close(rtnl);
	return result;
}

int device_delete(const char *name, struct err *e)
{
	return delete_of(name, e);
}

int device_delete_all(struct err *e)
{
	return delete_of(NULL, e);
}
