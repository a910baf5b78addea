/* The gate in Linux' nftables: two tables of our own, standing rules, flips by set members. */
#include <errno.h>
#include <event2/event.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "base/fault.h"
#include "base/text.h"
#include "os/firewall_nft.h"
#include "policy/print.h"

enum { BATCH = 512 * 1024, WISH = 256 * 1024, REMOVALS = 128 * 1024, QUEUE = 4 * 1024 * 1024, ATTEMPTS = 12 };

/* --- opening ------------------------------------------------------------------- */

/* Our address is our process id, if nobody in this namespace has it: the owner
 * that the kernel shows is then the process. */
static struct mnl_socket *open_socket(int32_t pid)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int size = QUEUE, on = 1;

	if (socket == NULL)
		return NULL;
	if (mnl_socket_bind(socket, 0, pid) < 0 &&
	    (errno != EADDRINUSE || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)) {
		mnl_socket_close(socket);
		return NULL;
	}
	/* A batch is one datagram and must fit whole; without root's right to it the default may do. */
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &on, sizeof on);
	return socket;
}

static int make_buffer(struct nft_buffer *b, size_t size)
{
	b->bytes = calloc(1, size);
	b->size = size;
	return b->bytes == NULL ? -1 : 0;
}

static int make_buffers(struct firewall *fw)
{
	fw->receive = calloc(1, NFT_RECEIVE);
	return fw->receive == NULL || make_buffer(&fw->batch, BATCH) == -1 ||
		       make_buffer(&fw->wish.messages, WISH) == -1 ||
		       make_buffer(&fw->removals, REMOVALS) == -1
		   ? -1
		   : 0;
}

struct firewall *firewall_open(struct err *e)
{
	struct firewall *fw = calloc(1, sizeof *fw);
	struct firewall_features features;

	if (fw != NULL)
		fw->lookup = -1;
	if (fw == NULL || make_buffers(fw) == -1) {
		err_errno(e, "firewall");
		firewall_close(fw);
		return NULL;
	}
	fw->socket = open_socket(getpid());
	fw->lookup = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fw->socket == NULL || fw->lookup == -1) {
		err_errno(e, "no way to the kernel's nftables");
		firewall_close(fw);
		return NULL;
	}
	fw->port = mnl_socket_get_portid(fw->socket);
	if (firewall_probe(fw, &features, e) == -1) {
		firewall_close(fw);
		return NULL;
	}
	return fw;
}

void firewall_close(struct firewall *fw)
{
	if (fw == NULL)
		return;
	if (fw->event != NULL)
		event_free(fw->event);
	if (fw->watch != NULL)
		mnl_socket_close(fw->watch);
	if (fw->socket != NULL)
		mnl_socket_close(fw->socket);
	if (fw->lookup != -1)
		close(fw->lookup);
	free(fw->receive);
	free(fw->batch.bytes);
	free(fw->wish.messages.bytes);
	free(fw->removals.bytes);
	free(fw);
}

/* --- features --------------------------------------------------------------------- */

static void put_probe(struct firewall *fw, uint8_t family, uint32_t flags, uint32_t hook, const char *device)
{
	struct nlmsghdr *m = nft_message(&fw->batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, family);

	mnl_attr_put_strz(m, NFTA_TABLE_NAME, POLICY_NFT_TABLE "_probe");
	nft_put_be32(m, NFTA_TABLE_FLAGS, flags);
	nft_message_end(&fw->batch, m);
	m = nft_message(&fw->batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE, family);
	mnl_attr_put_strz(m, NFTA_CHAIN_TABLE, POLICY_NFT_TABLE "_probe");
	mnl_attr_put_strz(m, NFTA_CHAIN_NAME, "probe");
	nft_put_hook(m, hook, 0, device);
	nft_message_end(&fw->batch, m);
}

/* 1 the kernel would take it, 0 it has no such thing, -1 it could not say. */
static int try_probe(struct firewall *fw, uint8_t family, uint32_t flags, uint32_t hook, const char *device,
		     struct err *e)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		nft_batch_begin(fw, false);
		put_probe(fw, family, flags, hook, device);
		switch (-nft_batch_send(fw, false)) {
		case 0:
			return 1;
		case EOPNOTSUPP:
		case EINVAL:
		case ENOENT:
		case EAFNOSUPPORT:
		case EPROTONOSUPPORT:
			return 0;
		case EPERM:
			return err_set(e, "the kernel's nftables: only root may");
		default:
			break;
		}
	}
	return err_set(e, "the kernel's nftables does not answer");
}

int firewall_probe(struct firewall *fw, struct firewall_features *features, struct err *e)
{
	int inet = try_probe(fw, NFPROTO_INET, 0, NF_INET_LOCAL_OUT, NULL, e);
	int persist = try_probe(fw, inet > 0 ? NFPROTO_INET : NFPROTO_IPV4, NFT_TABLE_F_OWNER | NFT_PERSIST,
				NF_INET_LOCAL_OUT, NULL, e);
	int egress = try_probe(fw, NFPROTO_NETDEV, 0, NF_NETDEV_EGRESS, "lo", e);

	if (inet < 0 || persist < 0 || egress < 0)
		return -1;
	fw->wish.features = (struct firewall_features){.egress = egress, .persist = persist, .ipv6 = inet};
	*features = fw->wish.features;
	return 0;
}

/* --- errors ---------------------------------------------------------------------------- */

static uint32_t foreign_owner(const struct firewall *fw)
{
	for (unsigned i = 0; i < NFT_TABLES; i++)
		if (fw->table[i].exists && (fw->table[i].flags & NFT_TABLE_F_OWNER) &&
		    fw->table[i].owner != fw->port)
			return fw->table[i].owner;
	return 0;
}

static int explain(struct firewall *fw, int result, struct err *e)
{
	const struct nlmsghdr *failed = nft_batch_failed(fw);
	char what[96] = "the question";

	if (result == -EPERM && nft_read_tables(fw) == 0 && foreign_owner(fw) != 0)
		return err_set(e, "the gate is held by process %d", (int32_t)foreign_owner(fw));
	if (failed != NULL)
		nft_describe(failed, what, sizeof what);
	errno = -result;
	return err_errno(e, "the kernel's nftables refuses %s", what);
}

/* --- links -------------------------------------------------------------------------------- */

static unsigned index_of(const struct firewall *fw, const char *link)
{
	struct ifreq request = {.ifr_ifindex = 0};

	text_copy(request.ifr_name, sizeof request.ifr_name, link);
	return ioctl(fw->lookup, SIOCGIFINDEX, &request) == -1 ? 0 : (unsigned)request.ifr_ifindex;
}

static bool same_link_names(const struct firewall *fw, const struct situation *s)
{
	if (fw->wish.link_count != s->link_count)
		return false;
	for (size_t i = 0; i < s->link_count; i++)
		if (strcmp(fw->wish.links[i].name, s->links[i]) != 0)
			return false;
	return true;
}

/* Looked at after a flip, not before: it must not make the flip later. */
static bool same_link_indexes(const struct firewall *fw)
{
	for (size_t i = 0; i < fw->wish.link_count && fw->wish.features.egress; i++)
		if (index_of(fw, fw->wish.links[i].name) != fw->wish.links[i].index)
			return false;
	return true;
}

/* A link that has vanished meanwhile, or that the kernel refused, has no chain. */
static void take_links(struct firewall *fw, const struct situation *s, uint32_t refused)
{
	fw->wish.link_count = s->link_count;
	for (size_t i = 0; i < s->link_count; i++) {
		text_copy(fw->wish.links[i].name, sizeof fw->wish.links[i].name, s->links[i]);
		fw->wish.links[i].index = refused >> i & 1 ? 0 : index_of(fw, s->links[i]);
	}
	nft_wish_links(&fw->wish);
}

/* The link whose chain the kernel refused, as a bit; 0 if it was something else. */
static uint32_t refused_link(const struct firewall *fw, int result)
{
	const struct nlmsghdr *failed = nft_batch_failed(fw);
	const struct nfgenmsg *generic;

	if (failed == NULL || (result != -ENODEV && result != -ENOENT && result != -EEXIST))
		return 0;
	generic = mnl_nlmsg_get_payload(failed);
	for (size_t i = 0; i < fw->wish.count; i++) {
		const struct nlmsghdr *piece = nft_piece_message(&fw->wish, &fw->wish.pieces[i]);

		if (fw->wish.pieces[i].link >= 0 && generic->nfgen_family == NFPROTO_NETDEV &&
		    piece->nlmsg_type == failed->nlmsg_type &&
		    strcmp(nft_text(piece, NFTA_CHAIN_NAME), nft_text(failed, NFTA_CHAIN_NAME)) == 0)
			return UINT32_C(1) << fw->wish.pieces[i].link;
	}
	return 0;
}
_Static_assert(SITUATION_LINKS <= 32, "links fit into the bits");

/* --- writing -------------------------------------------------------------------------------- */

static void put_table(struct firewall *fw, unsigned table, uint16_t type)
{
	struct nlmsghdr *m =
	    nft_message(&fw->batch, type, NLM_F_CREATE, nft_family(&fw->wish.features, table));

	mnl_attr_put_strz(m, NFTA_TABLE_NAME, POLICY_NFT_TABLE);
	if (type == NFT_MSG_NEWTABLE)
		nft_put_be32(m, NFTA_TABLE_FLAGS, nft_table_flags(fw, table));
	nft_message_end(&fw->batch, m);
}

static void put_removals(struct firewall *fw, unsigned table)
{
	const struct nlmsghdr *m = (const void *)fw->removals.bytes;
	int left = (int)fw->removals.used;

	for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
		const struct nfgenmsg *generic = mnl_nlmsg_get_payload(m);

		if (generic->nfgen_family == nft_family(&fw->wish.features, table))
			nft_batch_copy(fw, m);
	}
}

/* A table that differs keeps its chains: its rules go, what is wrong or foreign
 * goes, what is missing comes, and the rules come, all of it in one moment. */
static void put_differences(struct firewall *fw, unsigned table)
{
	if (fw->table[table].exists) {
		put_table(fw, table, NFT_MSG_DELRULE);
		put_removals(fw, table);
	}
	for (size_t i = 0; i < fw->wish.count; i++) {
		const struct nft_piece *piece = &fw->wish.pieces[i];
		const struct nlmsghdr *m = nft_piece_message(&fw->wish, piece);
		uint16_t type = m->nlmsg_type & 0xff;

		if (piece->table == table && type != NFT_MSG_NEWTABLE &&
		    (type == NFT_MSG_NEWRULE || !piece->present))
			nft_batch_copy(fw, m);
	}
}

static bool is_used(const struct firewall *fw, unsigned table)
{
	return table == NFT_INET || fw->wish.features.egress;
}

/* Puts all that differs into the batch. Returns false if nothing does. */
static bool put_all(struct firewall *fw)
{
	size_t empty;

	nft_batch_begin(fw, true);
	empty = fw->batch.used;
	for (size_t i = 0; i < fw->wish.count; i++)
		if (fw->wish.pieces[i].table < NFT_TABLES && !fw->wish.pieces[i].present &&
		    (nft_piece_message(&fw->wish, &fw->wish.pieces[i])->nlmsg_type & 0xff) ==
			NFT_MSG_NEWTABLE)
			put_table(fw, fw->wish.pieces[i].table, NFT_MSG_NEWTABLE);
	for (unsigned i = 0; i < NFT_TABLES; i++)
		if (is_used(fw, i) && fw->table[i].differs)
			put_differences(fw, i);
	for (unsigned i = 0; i < NFT_SETS; i++)
		if (is_used(fw, nft_sets[i].table) && fw->set_differs[i])
			nft_put_set(&fw->batch, &fw->wish, i, fw->table[nft_sets[i].table].exists,
				    nft_sets[i].timeout);
	return fw->batch.used != empty;
}

static void note_held(struct firewall *fw)
{
	for (unsigned i = 0; i < NFT_SETS; i++)
		if (nft_set_changes(fw, i))
			fw->held[i] = fw->wish.want[i];
}

/* --- asserting --------------------------------------------------------------------------------- */

/* Only set members, in a batch that the kernel takes only if nobody has
 * changed anything since all of it was verified; then reads them back. */
static int flip(struct firewall *fw)
{
	bool changes[NFT_SETS];
	unsigned count = 0;
	uint32_t generation = 0;
	int result;

	nft_batch_begin(fw, true);
	for (unsigned i = 0; i < NFT_SETS; i++) {
		changes[i] = is_used(fw, nft_sets[i].table) && nft_set_changes(fw, i);
		if (changes[i])
			nft_put_set(&fw->batch, &fw->wish, i, fw->held[i].count != 0, nft_sets[i].timeout);
		count += changes[i];
	}
	if (count == 0) {
		result = nft_read_generation(fw, &generation);
		return result != 0 ? result : generation == fw->generation ? 0 : -ERESTART;
	}
	result = nft_batch_send(fw, true);
	if (result != 0)
		return result;
	if (++fw->generation == 0) /* the kernel leaves 0 out */
		fw->generation = 1;
	note_held(fw);
	fault_point("flip-before-readback");
	for (unsigned i = 0; i < NFT_SETS && result == 0; i++)
		if (changes[i])
			result = nft_read_set(fw, i, fw->generation);
	return result;
}

/* Reads and compares all of it. 1 it is as wanted, and was so at one moment; 0 it is not. */
static int compare(struct firewall *fw, const struct situation *s, uint32_t refused)
{
	uint32_t generation = 0;
	int result;

	take_links(fw, s, refused);
	if (fw->wish.messages.full)
		return -EMSGSIZE;
	result = nft_read_generation(fw, &fw->generation);
	if (result == 0)
		result = nft_read_all(fw);
	if (result != 0)
		return result;
	if (foreign_owner(fw) != 0)
		return -EPERM;
	if (put_all(fw))
		return 0;
	result = nft_read_generation(fw, &generation);
	return result != 0 ? result : generation == fw->generation ? 1 : -EINTR;
}

/* What may be otherwise at the next try: somebody changed something between
 * our look and our change, or a link came or went. */
static bool is_passing(int result)
{
	return result == -EINTR || result == -ERESTART || result == -EAGAIN || result == -ENOBUFS ||
	       result == -EPROTO || result == -ENOENT || result == -ENODEV || result == -EEXIST ||
	       result == -EBUSY;
}

/* Compares, repairs in one transaction, and compares again until it is right. */
static int settle(struct firewall *fw, const struct situation *s, struct err *e)
{
	uint32_t refused = 0;
	int result = 0;

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		result = compare(fw, s, refused);
		if (result == 1) {
			note_held(fw);
			fw->verified = true;
			return 0;
		}
		if (result == 0) {
			result = nft_batch_send(fw, true);
			refused |= refused_link(fw, result);
		}
		if (result == 0) {
			note_held(fw);
			fault_point("flip-before-readback");
		} else if (!is_passing(result)) {
			break;
		}
	}
	if (result != 0)
		return explain(fw, result, e);
	return err_set(e, "the kernel's rules do not stay as they are set: %s", fw->difference);
}

int firewall_assert(struct firewall *fw, const struct situation *s, struct err *e)
{
	int result = policy_check(s, e) == -1 ? -1 : nft_wish_rules(&fw->wish, s, e);

	if (result == -1)
		return -1;
	if (result == 1) /* other rules than those that stand */
		fw->verified = false;
	if (s->state == POLICY_OPEN && s->tunnel.index == 0)
		return err_set(e, "the tunnel's interface %s is not there", s->tunnel.name);
	nft_wish_elements(&fw->wish, s);
	if (fw->verified && same_link_names(fw, s) && flip(fw) == 0 && same_link_indexes(fw))
		return 0;
	fw->verified = false;
	return settle(fw, s, e);
}

/* --- a pause ---------------------------------------------------------------------------------------- */

static unsigned find_set(const char *name)
{
	unsigned i = 0;

	while (i < NFT_SETS - 1 && strcmp(nft_sets[i].name, name) != 0)
		i++;
	return i;
}

static void add_key(struct nft_elements *elements, const void *key, size_t size)
{
	struct nft_element *element = &elements->list[elements->count++];

	memset(element, 0, sizeof *element);
	memcpy(element->key, key, size);
}

static void wish_pause(struct firewall *fw, unsigned paused, unsigned links)
{
	static const uint8_t families[] = {NFPROTO_IPV4, NFPROTO_IPV6};

	fw->wish.want[paused].count = fw->wish.want[links].count = 0;
	for (size_t i = 0; i < sizeof families; i++)
		add_key(&fw->wish.want[paused], &families[i], sizeof families[i]);
	for (size_t i = 0; i < fw->wish.link_count; i++)
		if (fw->wish.links[i].index != 0)
			add_key(&fw->wish.want[links], &fw->wish.links[i].index,
				sizeof fw->wish.links[i].index);
}

int firewall_pause(struct firewall *fw, uint32_t seconds, struct err *e)
{
	const unsigned sets[] = {find_set("paused"), find_set("paused_links")};
	int result = 0;

	if (fw->wish.standing == 0)
		return err_set(e, "no pause before the gate is shut");
	if (seconds == 0 || seconds > UINT32_MAX / 1000)
		return err_set(e, "no pause can last %u seconds", seconds);
	wish_pause(fw, sets[0], sets[1]);
	nft_batch_begin(fw, false);
	for (size_t i = 0; i < 2; i++)
		if (is_used(fw, nft_sets[sets[i]].table))
			nft_put_set(&fw->batch, &fw->wish, sets[i], true, seconds * 1000);
	result = nft_batch_send(fw, true);
	if (result != 0)
		return explain(fw, result, e);
	fw->verified = false; /* whatever ends the pause looks at everything */
	note_held(fw);
	for (size_t i = 0; i < 2 && result == 0; i++)
		if (is_used(fw, nft_sets[sets[i]].table))
			result = nft_read_set(fw, sets[i], 0);
	return result == 0 ? 0 : err_set(e, "the kernel did not take the pause");
}

int firewall_forget_states(struct firewall *fw, struct err *e)
{
	struct nft_buffer b = {.bytes = fw->question, .size = sizeof fw->question};
	struct nlmsghdr *m = nft_message(&b, 0, 0, AF_UNSPEC);
	int result;

	m->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	result = nft_ask(fw, m, NULL, NULL);
	if (result == 0)
		return 0;
	errno = -result;
	return err_errno(e, "the kernel does not forget its connections");
}

/* --- removal, owner, counter ---------------------------------------------------------------------------- */

int firewall_remove(struct firewall *fw, struct err *e)
{
	int result = -EAGAIN;

	fw->verified = false;
	for (int attempt = 0; attempt < ATTEMPTS && is_passing(result); attempt++) {
		result = nft_read_tables(fw);
		if (result != 0)
			continue;
		if (foreign_owner(fw) != 0) {
			result = -EPERM;
			break;
		}
		nft_batch_begin(fw, false);
		for (unsigned i = 0; i < NFT_TABLES; i++)
			if (fw->table[i].exists)
				put_table(fw, i, NFT_MSG_DELTABLE);
		if (!fw->table[NFT_INET].exists && !fw->table[NFT_NETDEV].exists)
			return 0;
		result = nft_batch_send(fw, true);
	}
	return result == 0 ? 0 : explain(fw, result, e);
}

int firewall_owner(struct firewall *fw, int32_t *pid, struct err *e)
{
	int result = nft_read_tables(fw);

	*pid = 0;
	if (result != 0)
		return explain(fw, result, e);
	for (unsigned i = 0; i < NFT_TABLES && *pid == 0; i++) {
		int32_t owner = (int32_t)fw->table[i].owner;

		if (owner > 0 && (kill(owner, 0) == 0 || errno == EPERM))
			*pid = owner;
	}
	return 0;
}

int firewall_blocked(struct firewall *fw, uint64_t *packets, struct err *e)
{
	int result = nft_read_blocked(fw, packets);

	return result == 0 ? 0 : explain(fw, result, e);
}

/* --- watching ---------------------------------------------------------------------------------------------
 */

static bool is_about_ours(const struct firewall *fw, const struct nlmsghdr *m)
{
	const struct nfgenmsg *generic = mnl_nlmsg_get_payload(m);

	return (generic->nfgen_family == nft_family(&fw->wish.features, NFT_INET) ||
		generic->nfgen_family == NFPROTO_NETDEV) &&
	       strcmp(nft_text(m, NFTA_TABLE_NAME), POLICY_NFT_TABLE) == 0;
}

/* Was it somebody else's change of what is ours? A foreign change of other
 * tables only moves the generation along, so that the next flip is still one. */
static bool take_event(struct firewall *fw, const struct nlmsghdr *m)
{
	uint32_t generation;

	if (m->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || m->nlmsg_pid == fw->port)
		return false;
	if ((m->nlmsg_type & 0xff) != NFT_MSG_NEWGEN)
		return is_about_ours(fw, m);
	generation = nft_generation_of(m);
	if (fw->verified && generation == fw->generation + 1)
		fw->generation = generation;
	return false;
}

/* Reads what there is; one call for all of it. */
static void on_events(evutil_socket_t fd, short what, void *argument)
{
	struct firewall *fw = argument;
	bool foreign = false;

	(void)what;
	for (;;) {
		ssize_t size = recv(fd, fw->receive, NFT_RECEIVE, MSG_DONTWAIT);
		const struct nlmsghdr *m = (const void *)fw->receive;
		int left = (int)size;

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0 && errno != ENOBUFS)
			break;
		if (size < 0) { /* overrun: anything may have happened */
			foreign = true;
			fw->verified = false;
			continue;
		}
		for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
			if (take_event(fw, m)) {
				foreign = true;
				fw->verified = false;
			}
	}
	if (foreign)
		fw->foreign(fw->argument);
}

int firewall_watch(struct firewall *fw, struct event_base *base, firewall_foreign_cb *cb, void *argument,
		   struct err *e)
{
	int group = NFNLGRP_NFTABLES;

	fw->foreign = cb;
	fw->argument = argument;
	fw->watch = open_socket(MNL_SOCKET_AUTOPID);
	if (fw->watch == NULL ||
	    mnl_socket_setsockopt(fw->watch, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
		return err_errno(e, "the kernel's nftables can't be watched");
	fw->event = event_new(base, mnl_socket_get_fd(fw->watch), EV_READ | EV_PERSIST, on_events, fw);
	if (fw->event == NULL || event_add(fw->event, NULL) == -1)
		return err_set(e, "the kernel's nftables can't be watched: no memory");
	return 0;
}
