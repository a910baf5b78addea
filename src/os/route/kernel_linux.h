/* Rules and routes as the kernel's messages, both ways. Pure: bytes and values. */
#ifndef OS_ROUTE_KERNEL_LINUX_H
#define OS_ROUTE_KERNEL_LINUX_H

#include <stdbool.h>
#include <stddef.h>

#include "os/route/plan.h"

struct nlmsghdr;

enum { ROUTE_MESSAGE = 512, ROUTE_WRONG = 64 };

/* A message of the kernel's, kept to be named when it is deleted: whatever it says is said again. */
struct route_raw {
	_Alignas(8) char bytes[ROUTE_MESSAGE];
};

/* Strange: it bears our mark, or stands in our table, and is none that we make. */
enum route_decoded { ROUTE_IS_NOT_OURS, ROUTE_IS_OURS, ROUTE_IS_STRANGE };
enum route_decoded route_decode_rule(const struct nlmsghdr *message, struct route_rule *rule);
enum route_decoded route_decode_entry(const struct nlmsghdr *message, struct route_entry *entry);

bool route_rule_equal(const struct route_rule *a, const struct route_rule *b);
bool route_entry_equal(const struct route_entry *a, const struct route_entry *b);

/* Keeps of a message of any length what names it. False: it does not fit. */
bool route_keep(const struct nlmsghdr *message, struct route_raw *raw);

/* Each fills `buffer` (ROUTE_MESSAGE bytes, aligned) and returns it. */
struct nlmsghdr *route_request_rules(char *buffer, uint8_t family);
struct nlmsghdr *route_request_entries(char *buffer, uint8_t family);
struct nlmsghdr *route_add_rule(char *buffer, uint8_t family, const struct route_rule *rule);
struct nlmsghdr *route_add_entry(char *buffer, const struct route_entry *entry);
struct nlmsghdr *route_delete(struct route_raw *raw);

/* What the kernel is asked: how such a packet would be routed. Nothing is sent. */
struct route_question {
	struct net_address to, from; /* from NET_NONE: no address yet */
	uint32_t user;               /* of the program that sends it */
	unsigned received;           /* index of the link by which it came; 0: made here */
	uint8_t protocol;            /* 0: any */
	uint16_t port;               /* of its destination, 0: any */
};

struct route_answer {
	uint8_t type;   /* RTN_* */
	unsigned index; /* of the link that it leaves by */
	struct net_address source;
};

struct nlmsghdr *route_ask(char *buffer, const struct route_question *question);
/* False: it is no answer to that. */
bool route_decode_answer(const struct nlmsghdr *message, struct route_answer *answer);

/* The link's MTU and whether it is up: what is asked, and the answer. */
struct nlmsghdr *route_ask_link(char *buffer, unsigned index);
struct nlmsghdr *route_ask_addresses(char *buffer);

#endif
