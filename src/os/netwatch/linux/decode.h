/* What the kernel's route messages say, as values. Pure: bytes in, structs out. */
#ifndef OS_NETWATCH_LINUX_DECODE_H
#define OS_NETWATCH_LINUX_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/net.h"

enum rtnl_kind {
	RTNL_OTHER, /* any other message: to be ignored */
	RTNL_LINK,
	RTNL_ADDRESS,
	RTNL_ROUTE,
	RTNL_PREFIX64,
	RTNL_DONE, /* end of a dump */
	RTNL_ERROR /* error: 0 is an acknowledgement, else an errno */
};

struct rtnl_link {
	unsigned index;
	uint16_t type;  /* ARPHRD_* */
	uint32_t flags; /* IFF_* */
	char name[NET_NAME_SIZE];
	char driver[16]; /* IFLA_INFO_KIND, "" for hardware */
	bool tap;        /* driver "tun" in its Ethernet shape */
	bool persists;   /* driver "tun": stays when nobody holds it */
	bool owned;      /* driver "tun": is for a user and for a group to open */
	char alias[16];  /* cut */
	uint32_t mtu;    /* 0: not reported */
};

struct rtnl_address {
	unsigned index;
	struct net_address address; /* our own end */
	uint8_t length;
};

struct rtnl_route {
	uint8_t family, protocol, type; /* NET_IPV4 or NET_IPV6; RTPROT_*, RTN_* */
	uint32_t table, priority;
	struct net_prefix destination; /* length 0: a default route */
	struct net_address gateway;    /* NET_NONE: the destination is on the link */
	struct net_address source;     /* of packets that take it; NET_NONE: not said */
	unsigned link;                 /* 0: none, or several */
	bool multipath;
};

/* What a router announces for NAT64 (RFC 8781). */
struct rtnl_prefix64 {
	unsigned index;
	uint32_t seconds;
	struct net_prefix prefix;
};

struct rtnl_message {
	enum rtnl_kind kind;
	uint32_t sequence;
	bool gone;        /* RTM_DEL*: what is described has ended */
	bool interrupted; /* the dump is not of one moment: request it again */
	int error;
	union {
		struct rtnl_link link;
		struct rtnl_address address;
		struct rtnl_route route;
		struct rtnl_prefix64 prefix64;
	};
};

/* Returning other than 0 ends the walk. */
typedef int rtnl_message_fn(const struct rtnl_message *message, void *argument);

/* Walks the messages of one datagram. `bytes` is aligned for a uint32_t. Returns
 * 0, what `each` returned, or -1 if a message is torn (those before it were
 * handed on). A message that is whole but wrong inside comes as RTNL_OTHER. */
int rtnl_decode(const void *bytes, size_t length, rtnl_message_fn *each, void *argument);

#endif
