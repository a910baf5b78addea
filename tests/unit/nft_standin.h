/* A kernel under the nft firewall that a test plays, and stand-ins for the firewall's other files, which say
 * what they are asked. */
#ifndef TESTS_UNIT_NFT_STANDIN_H
#define TESTS_UNIT_NFT_STANDIN_H

#include <errno.h>
#include <net/if.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include "base/fault.h"
#include "journal.h"
#include "os/firewall/nft/nft.h"

enum { OURS = 4711, OTHERS = 815, LOOKUP = 77, EVER = 1000 };

struct netlink {
	int open;
};
static struct netlink kernel_socket, route_socket;
static int sockets; /* that are open */

/* What the kernel holds; by which names somebody else bars us; what it moves on between two looks. */
static struct {
	bool whole, forgets;
	uint32_t generation, moves;
	unsigned barred;
	struct nft_features has;
} kernel;

/* The calls from this one on, so many, give that; and meanwhile a link goes. */
static struct {
	const char *call;
	int result, from, times;
	const char *takes; /* a link */
	unsigned refused;  /* a send: the link whose chain it is, 1 the first; 0: none */
} failing;
static int asked; /* of the call that fails */

static struct if_nameindex machine[600];
static struct nft_firewall *fw;

/* --- the kernel ------------------------------------------------------------------- */

static void unplug(const char *name)
{
	for (size_t i = 0; machine[i].if_index != 0; i++)
		if (strcmp(machine[i].if_name, name) == 0)
			machine[i].if_name = (char *)"gone";
}

static int outcome(const char *call)
{
	if (failing.call == NULL || strcmp(call, failing.call) != 0 || ++asked < failing.from ||
	    asked >= failing.from + failing.times)
		return 0;
	if (failing.takes != NULL)
		unplug(failing.takes);
	return failing.result;
}

static bool fails(const char *call)
{
	int result = outcome(call);

	if (result != 0)
		errno = -result;
	return result != 0;
}

struct netlink *netlink_open(int protocol, uint32_t wanted, int queue)
{
	say("open %d as %s, %d", protocol, wanted == (uint32_t)getpid() ? "our process" : "another", queue);
	if (fails("open"))
		return NULL;
	sockets++;
	return &kernel_socket;
}

void netlink_close(struct netlink *n)
{
	if (n == NULL)
		return;
	say("close %s", n == &kernel_socket ? "nft" : "tc");
	sockets--;
}

uint32_t netlink_address(const struct netlink *n)
{
	assert_ptr_equal(n, &kernel_socket);
	return OURS;
}

int netlink_request(struct netlink *n, struct nlmsghdr *request, netlink_message_fn *each, void *argument)
{
	assert_ptr_equal(n, &kernel_socket);
	assert_true(each == NULL && argument == NULL);
	assert_ptr_equal(request, fw->request);
	say("request %x, family %u, %u bytes", request->nlmsg_type, nft_family_of(request),
	    request->nlmsg_len);
	return outcome("request");
}

int socket(int family, int type, int protocol)
{
	assert_true(family == AF_UNIX && type == (SOCK_DGRAM | SOCK_CLOEXEC) && protocol == 0);
	if (fails("socket"))
		return -1;
	sockets++;
	return LOOKUP;
}

int close(int fd)
{
	if (fd != LOOKUP) {
		assert_true(fd > 2); /* another's */
		return (int)syscall(SYS_close, fd);
	}
	say("close look-up");
	sockets--;
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	struct ifreq *question;
	va_list ap;

	va_start(ap, request);
	question = va_arg(ap, struct ifreq *);
	va_end(ap);
	assert_true(fd == LOOKUP && request == SIOCGIFINDEX);
	for (size_t i = 0; machine[i].if_index != 0; i++)
		if (strcmp(machine[i].if_name, question->ifr_name) == 0) {
			question->ifr_ifindex = (int)machine[i].if_index;
			return 0;
		}
	return -1;
}

struct if_nameindex *if_nameindex(void)
{
	say("links");
	return fails("links") ? NULL : machine;
}

void if_freenameindex(struct if_nameindex *list)
{
	assert_ptr_equal(list, machine);
	say("links freed");
}

void fault_point(const char *moment)
{
	say("%s", moment);
}

/* --- the other files of the firewall ---------------------------------------------- */

int nft_read_generation(struct nft_firewall *unused, uint32_t *generation)
{
	int result = outcome("generation");

	(void)unused;
	say("generation?");
	if (result == 0)
		*generation = kernel.generation;
	kernel.generation += kernel.moves;
	return result;
}

int nft_read_all(struct nft_firewall *unused)
{
	int result = outcome("all");

	(void)unused;
	say("all?");
	nft_actual_begin(&fw->actual, &fw->desired);
	for (unsigned i = 0; i < NFT_TABLES; i++) {
		bool is_barred = kernel.barred > fw->desired.features.name;

		fw->actual.table[i].exists = is_barred || (kernel.whole && nft_is_used(&fw->desired, i));
		fw->actual.table[i].flags =
		    fw->desired.features.persist ? NFT_TABLE_F_OWNER | NFT_PERSIST : 0;
		fw->actual.table[i].owner = is_barred ? OTHERS : fw->desired.features.persist ? OURS : 0;
	}
	for (size_t i = 0; i < fw->desired.count && kernel.whole; i++)
		if (nft_type(nft_piece_message(&fw->desired, &fw->desired.pieces[i])) != NFT_MSG_NEWTABLE)
			nft_actual_object(&fw->actual, &fw->desired,
					  nft_piece_message(&fw->desired, &fw->desired.pieces[i]));
	nft_actual_end(&fw->actual, &fw->desired);
	for (unsigned i = 0; i < NFT_SETS; i++) /* of members with a time, what was written counts */
		fw->actual.set_differs[i] = nft_sets[i].timeout != 0 && nft_is_filled(&fw->desired, i) &&
					    !nft_same_members(&fw->desired.members[i], &fw->held[i]);
	return result;
}

int nft_read_set(struct nft_firewall *unused, unsigned set, uint32_t generation)
{
	(void)unused;
	say("set %s/%u at %u?", nft_sets[set].name, nft_sets[set].table, generation);
	return outcome("set");
}

int nft_read_blocked(struct nft_firewall *unused, uint64_t *packets)
{
	(void)unused;
	*packets = 42;
	return outcome("blocked");
}

void nft_batch_begin(struct nft_firewall *unused, bool at_generation)
{
	(void)unused;
	nft_buffer_empty(&fw->batch);
	if (at_generation)
		say("batch at %u", fw->generation);
	else
		say("batch at any");
}

/* What fills sets in full; of the rest how much there is. */
static void say_batch(void)
{
	const struct nlmsghdr *m = (const void *)fw->batch.bytes;
	unsigned others = 0;

	for (int left = (int)fw->batch.used; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
		const struct nlattr *list;

		if (nft_type(m) != NFT_MSG_NEWSETELEM && nft_type(m) != NFT_MSG_DELSETELEM) {
			others++;
			continue;
		}
		list = attributes_find(nft_attributes(m), NFTA_SET_ELEM_LIST_ELEMENTS);
		say("  %s %s/%u, %u ms", nft_type(m) == NFT_MSG_NEWSETELEM ? "fill" : "empty",
		    nft_text(m, NFTA_SET_ELEM_LIST_SET), nft_family_of(m),
		    list == NULL ? 0
				 : (unsigned)nft_long_number(
				       attributes_inside(attributes_first(attributes_inside(list))),
				       NFTA_SET_ELEM_TIMEOUT));
	}
	if (others > 0)
		say("  and more%s", kernel.whole ? "" : ": what is missing");
}

int nft_batch_send(struct nft_firewall *unused, bool commit)
{
	int result = outcome("send");

	(void)unused;
	assert_true(commit);
	say("send%s", result == 0 ? "" : ", refused");
	say_batch();
	if (result != 0)
		return result;
	kernel.whole = !kernel.forgets;
	kernel.generation++;
	return 0;
}

void nft_batch_counted(struct nft_firewall *unused)
{
	(void)unused;
	fw->generation++;
}

const struct nlmsghdr *nft_batch_failed(const struct nft_firewall *unused)
{
	size_t place = fw->desired.standing - 1;

	(void)unused;
	if (failing.refused == 0)
		return NULL;
	if (failing.refused < EVER)
		place += 1 + (failing.refused - 1) * 4ul;
	return nft_piece_message(&fw->desired, &fw->desired.pieces[place]);
}

bool nft_is_passing(int result)
{
	return result == -EINTR || result == -ENODEV || result == -ENOENT || result == -EEXIST;
}

bool nft_is_barred(struct nft_firewall *unused)
{
	(void)unused;
	say("barred?");
	return kernel.barred > fw->desired.features.name;
}

int nft_explain(struct nft_firewall *unused, int result, struct err *error)
{
	(void)unused;
	return err_set(error, "%s", strerror(-result));
}

void nft_use_name(struct nft_firewall *unused, unsigned name)
{
	(void)unused;
	if (fw->desired.features.name == name)
		return;
	say("now %s", nft_names[name]);
	fw->desired.features.name = (uint8_t)name;
	fw->desired.standing = 0;
}

void nft_tidy_names(struct nft_firewall *unused)
{
	(void)unused;
	say("tidy names");
	strcpy(fw->note, "a note");
}

void nft_filter_links(struct nft_firewall *unused, unsigned tunnel)
{
	(void)unused;
	say("filter links but %u", tunnel);
}

int nft_unfilter_links(struct nft_firewall *unused, bool places)
{
	(void)unused;
	say("unfilter links%s", places ? " and places" : "");
	return outcome("unfilter");
}

void nft_watch_others(struct nft_watch *watch)
{
	assert_ptr_equal(watch, fw->watch);
	say("watch others");
}

void nft_watch_close(struct nft_watch *watch)
{
	say("close watch %s", watch == NULL ? "none" : "");
}

void nft_probe_every_link(struct nft_firewall *unused)
{
	(void)unused;
	say("every link?");
	if (!fw->probed_every_link)
		fw->desired.features.every_link = kernel.has.every_link;
	fw->probed_every_link = true;
}

int nft_probe_features(struct nft_firewall *unused, struct err *error)
{
	(void)unused;
	say("probe");
	if (fails("probe"))
		return err_errno(error, "no probe");
	fw->probed = true;
	kernel.has.name = fw->desired.features.name;
	fw->desired.features = kernel.has;
	return 0;
}

int nft_watch_open(struct firewall *common, struct event_base *base, firewall_foreign_cb *cb, void *argument,
		   struct err *error)
{
	(void)common, (void)base, (void)cb, (void)argument, (void)error;
	return 0;
}

int nft_probe(struct firewall *common, struct firewall_features *features, struct err *error)
{
	(void)common, (void)features, (void)error;
	return 0;
}

int nft_remove(struct firewall *common, struct err *error)
{
	(void)common, (void)error;
	return 0;
}

int nft_owner(struct firewall *common, int32_t *pid, struct err *error)
{
	(void)common, (void)pid, (void)error;
	return 0;
}

int nft_held(struct firewall *common, const struct situation *wanted, int32_t instance, int32_t *pid,
	     struct err *error)
{
	(void)common, (void)wanted, (void)instance, (void)pid, (void)error;
	return 0;
}

#endif
