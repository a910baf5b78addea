/* Walks the attributes of a netlink message. */
#include "os/netwatch/linux/attributes.h"

#include <libmnl/libmnl.h>

struct attributes attributes_of(const struct nlmsghdr *message, size_t fixed)
{
	size_t size = mnl_nlmsg_get_payload_len(message), header = MNL_ALIGN(fixed);

	return (struct attributes){mnl_nlmsg_get_payload_offset(message, fixed),
				   size < header ? 0 : size - header};
}

struct attributes attributes_inside(const struct nlattr *a)
{
	return a == NULL ? (struct attributes){NULL, 0}
			 : (struct attributes){mnl_attr_get_payload(a), mnl_attr_get_payload_len(a)};
}

static const struct nlattr *if_whole(struct attributes list, const struct nlattr *a)
{
	size_t before = (size_t)((const char *)a - (const char *)list.first);

	return before < list.size && mnl_attr_ok(a, (int)(list.size - before)) ? a : NULL;
}

const struct nlattr *attributes_first(struct attributes list)
{
	return if_whole(list, list.first);
}

const struct nlattr *attributes_next(struct attributes list, const struct nlattr *a)
{
	return if_whole(list, mnl_attr_next(a));
}

const struct nlattr *attributes_find(struct attributes list, uint16_t type)
{
	const struct nlattr *a = attributes_first(list);

	while (a != NULL && mnl_attr_get_type(a) != type)
		a = attributes_next(list, a);
	return a;
}
