/* The route port on Linux: the plan, compared with what the kernel has, and the difference set right. */
#include "os/route/route.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "os/netwatch/linux/netlink.h"
#include "os/route/kernel_linux.h"
#include "os/route/route_linux.h"

enum { PASSES = 8, DUMP_TRIES = 8 };

/* Kept open: it stands between a tunnel that is up and a gate that opens. */
static struct netlink *netlink;

static struct route_standing standing_now;

const struct route_standing *route_standing(void)
{
	return &standing_now;
}

int route_request(struct nlmsghdr *message, netlink_message_fn *each, void *argument)
{
	int result;

	if (netlink == NULL) {
		if ((netlink = netlink_open(NETLINK_ROUTE, 0, 0)) == NULL)
			return errno;
		/* One table is wanted; a router's main one may hold a million routes. */
		(void)setsockopt(netlink_fd(netlink), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &(int){1},
				 sizeof(int));
		standing_now.sender = netlink_address(netlink);
	}
	result = netlink_request(netlink, message, each, argument);
	/* After that nobody knows what may still arrive. */
	if (result == -ETIMEDOUT || result == -EPROTO || result == -ENOBUFS) {
		netlink_close(netlink);
		netlink = NULL;
	}
	return -result;
}

/* What the kernel has of ours, compared with the plan. */
struct standing {
	const struct route_plan *plan;
	bool rules[ROUTE_RULES], entries[ROUTE_ENTRIES];
	struct route_raw wrong[ROUTE_WRONG];
	size_t wrong_count;
	bool more_wrong;
	int64_t foreign; /* priority of the first rule of somebody else that comes before ours; -1: none */
};

static void put_aside(struct standing *standing, const struct nlmsghdr *message)
{
	if (standing->wrong_count < ROUTE_WRONG &&
	    route_keep(message, &standing->wrong[standing->wrong_count]))
		standing->wrong_count++;
	else
		standing->more_wrong = true;
}

static bool is_planned_rule(struct standing *standing, const struct route_rule *rule)
{
	for (size_t i = 0; i < standing->plan->rule_count; i++) {
		if (!standing->rules[i] && route_rule_equal(&standing->plan->rules[i], rule))
			return standing->rules[i] = true;
	}
	return false;
}

static bool is_planned_entry(struct standing *standing, const struct route_entry *entry)
{
	for (size_t i = 0; i < standing->plan->entry_count; i++) {
		if (!standing->entries[i] && route_entry_equal(&standing->plan->entries[i], entry))
			return standing->entries[i] = true;
	}
	return false;
}

/* The kernel's own first rule asks the table of local addresses, and stands at 0 too. */
static void note_foreign(struct standing *standing, const struct nlmsghdr *message, uint32_t priority)
{
	const struct fib_rule_hdr *body = mnl_nlmsg_get_payload(message);

	if (priority >= ROUTE_END || (priority == 0 && body->table == RT_TABLE_LOCAL))
		return;
	if (standing->foreign == -1 || priority < standing->foreign)
		standing->foreign = priority;
}

static void sort_message(const struct nlmsghdr *message, void *argument)
{
	struct standing *standing = argument;
	struct route_rule rule = {.priority = 0};
	struct route_entry entry;
	enum route_decoded is;

	if (message->nlmsg_type == RTM_NEWRULE)
		is = route_decode_rule(message, &rule);
	else if (message->nlmsg_type == RTM_NEWROUTE)
		is = route_decode_entry(message, &entry);
	else
		return;
	if (is == ROUTE_IS_NOT_OURS && message->nlmsg_type == RTM_NEWRULE)
		note_foreign(standing, message, rule.priority);
	if (is == ROUTE_IS_NOT_OURS)
		return;
	if (is == ROUTE_IS_STRANGE ||
	    !(message->nlmsg_type == RTM_NEWRULE ? is_planned_rule(standing, &rule)
						 : is_planned_entry(standing, &entry)))
		put_aside(standing, message);
}

static int read_standing(const struct route_plan *plan, struct standing *standing)
{
	_Alignas(8) char buffer[ROUTE_MESSAGE];
	int failure = 0;

	for (int i = 0; i < DUMP_TRIES; i++) {
		memset(standing, 0, sizeof *standing);
		standing->plan = plan;
		standing->foreign = -1;
		failure = route_request(route_request_rules(buffer, plan->family), sort_message, standing);
		if (failure == 0)
			failure = route_request(route_request_entries(buffer, plan->family), sort_message,
						standing);
		/* A table that nobody has put a route into is none. */
		if (failure == ENOENT)
			failure = 0;
		if (failure != EINTR)
			break;
	}
	return failure;
}

static int add_missing(const struct route_plan *plan, const struct standing *standing)
{
	_Alignas(8) char buffer[ROUTE_MESSAGE];
	int failure = 0;

	/* The table comes first: a rule that leads to an empty table leads past it. */
	for (size_t i = 0; i < plan->entry_count && failure == 0; i++) {
		if (!standing->entries[i])
			failure = route_request(route_add_entry(buffer, &plan->entries[i]), NULL, NULL);
	}
	for (size_t i = 0; i < plan->rule_count && (failure == 0 || failure == EEXIST); i++) {
		if (!standing->rules[i])
			failure =
			    route_request(route_add_rule(buffer, plan->family, &plan->rules[i]), NULL, NULL);
	}
	return failure == EEXIST ? 0 : failure;
}

static int remove_wrong(struct standing *standing)
{
	int failure = 0;

	for (size_t i = 0; i < standing->wrong_count; i++) {
		int result = route_request(route_delete(&standing->wrong[i]), NULL, NULL);

		if (result != 0 && result != ENOENT && result != ESRCH)
			failure = result;
	}
	return failure;
}

static const char *family_name(uint8_t family)
{
	return family == NET_IPV4 ? "IPv4" : "IPv6";
}

/* 0, or -1 and `e`: what is missing or too much. */
static int check(const struct route_plan *plan, const struct standing *standing, struct err *e)
{
	const char *family = family_name(plan->family);
	char to[NET_PREFIX_TEXT];

	for (size_t i = 0; i < plan->rule_count; i++) {
		if (!standing->rules[i])
			return err_set(e, "the gate's %s rule %u is missing", family,
				       plan->rules[i].priority);
	}
	for (size_t i = 0; i < plan->entry_count; i++) {
		if (!standing->entries[i])
			return err_set(e, "the gate's route to %s is missing",
				       net_prefix_text(&plan->entries[i].to, to));
	}
	if (standing->wrong_count > 0 || standing->more_wrong)
		return err_set(e, "an %s rule or route that somebody else added is in the gate's name",
			       family);
	return 0;
}

/* Until what is read back is what is planned: the kernel's word, not ours. 0, or an errno. */
static int settle(const struct route_plan *plan)
{
	static struct standing standing;
	int failure = 0, changed = 0;

	for (int i = 0; i < PASSES; i++) {
		if ((failure = read_standing(plan, &standing)) != 0)
			return failure;
		if (check(plan, &standing, NULL) == 0)
			return 0;
		if (changed != 0)
			return changed;
		failure = add_missing(plan, &standing);
		changed = remove_wrong(&standing);
		if (failure != 0)
			return failure;
	}
	return EBUSY;
}

static bool lacks_family(int failure)
{
	return failure == EAFNOSUPPORT || failure == EOPNOTSUPP;
}

static int assert_family(const struct route_desired *desired, uint8_t family, struct err *e)
{
	static struct route_plan plan;

	route_plan_make(desired, family, &plan);
	errno = settle(&plan);
	if (errno == 0 || (lacks_family(errno) && !route_carried(desired, family)))
		return 0;
	if (lacks_family(errno))
		return err_set(e, "this kernel has no rules for %s routes", family_name(family));
	return err_errno(e, "setting the %s routes", family_name(family));
}

int route_stands(const struct route_plan *plan, bool needed, struct err *e)
{
	static struct standing standing;
	int failure = read_standing(plan, &standing);

	if (failure != 0 && (!lacks_family(failure) || needed)) {
		errno = failure;
		return err_errno(e, "the %s rules and routes can't be read", family_name(plan->family));
	}
	if (failure != 0)
		return 0;
	return check(plan, &standing, e);
}

/* The plan that nothing of ours stands. */
static const struct route_plan *nothing(uint8_t family)
{
	static struct route_plan plan;

	plan.family = family;
	return &plan;
}

int64_t route_foreign_rule(uint8_t family)
{
	static struct standing standing;

	return read_standing(nothing(family), &standing) == 0 ? standing.foreign : -1;
}

int route_assert(const struct route_desired *desired, struct err *e)
{
	int result;

	standing_now.index = desired->tunnel != NULL ? desired->index : 0;
	if (desired->tunnel != NULL) {
		standing_now.address4 = desired->tunnel->address4;
		standing_now.address6 = desired->tunnel->address6;
	}
	result = assert_family(desired, NET_IPV4, e);
	return assert_family(desired, NET_IPV6, e) == -1 ? -1 : result;
}

int route_remove(struct err *e)
{
	static const uint8_t families[] = {NET_IPV4, NET_IPV6};
	int result = 0;

	for (size_t i = 0; i < 2; i++) {
		errno = settle(nothing(families[i]));
		if (errno != 0 && !lacks_family(errno))
			result = err_errno(e, "removing routes and rules of ours");
	}
	return result;
}

/* openvpn's user looks up the machine's own routes. */
int route_follow(const struct net_address *endpoint, const struct wire_way *way, struct err *e)
{
	(void)endpoint, (void)way, (void)e;
	return 0;
}
