/* The attributes of a netlink message, or inside another attribute. No length is believed. Pure. */
#ifndef OS_NETWATCH_LINUX_ATTRIBUTES_H
#define OS_NETWATCH_LINUX_ATTRIBUTES_H

#include <stddef.h>
#include <stdint.h>

struct nlattr;
struct nlmsghdr;

struct attributes {
	const struct nlattr *first;
	size_t size;
};

/* Those after a header of `fixed` bytes; those inside `a`, none if that is NULL. */
struct attributes attributes_of(const struct nlmsghdr *message, size_t fixed);
struct attributes attributes_inside(const struct nlattr *a);

/* What is not there, or not whole, is NULL. */
const struct nlattr *attributes_first(struct attributes list);
const struct nlattr *attributes_next(struct attributes list, const struct nlattr *a);
const struct nlattr *attributes_find(struct attributes list, uint16_t type);

#endif
