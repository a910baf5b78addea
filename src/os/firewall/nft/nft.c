/* The gate in Linux' nftables: two tables of our own, standing rules, flips by set members. */
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "base/fault.h"
#include "base/text.h"
#include "os/firewall/nft/nft.h"
#include "os/host/clock.h"

/* Room for NFT_LINKS chains; what is not used is not touched. */
enum { BATCH = 2048 * 1024, DESIRED = 1024 * 1024, REMOVALS = 256 * 1024 };

/* --- opening ------------------------------------------------------------------- */

static int make_buffer(struct nft_buffer *b, size_t size)
{
	b->bytes = calloc(1, size);
	b->size = size;
	return b->bytes == NULL ? -1 : 0;
}

/* Our address is our process id, if nobody in this namespace has it: the owner
 * that the kernel shows is then the process. */
static int open_all(struct nft_firewall *fw, struct err *e)
{
	if (make_buffer(&fw->batch, BATCH) == -1 || make_buffer(&fw->desired.messages, DESIRED) == -1 ||
	    make_buffer(&fw->actual.removals, REMOVALS) == -1)
		return err_errno(e, "firewall");
	fw->netlink = netlink_open(NETLINK_NETFILTER, (uint32_t)getpid(), NFT_QUEUE);
	if (fw->netlink == NULL && errno == EPROTONOSUPPORT)
		return err_set(e, NFT_NONE);
	fw->lookup = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fw->netlink == NULL || fw->lookup == -1)
		return err_errno(e, "the kernel's nftables can't be reached");
	fw->desired.owner = netlink_address(fw->netlink);
	/* Assumed until the kernel refuses something, because probing takes longer than the lock. */
	fw->desired.features = (struct nft_features){
	    .egress = true, .persist = true, .ipv6 = true, .bridge = true, .every_link = false};
	return 0;
}

static void nft_close(struct firewall *common)
{
	struct nft_firewall *fw = nft_of(common);

	nft_watch_close(fw->watch);
	netlink_close(fw->netlink);
	netlink_close(fw->filters.route);
	if (fw->lookup != -1)
		close(fw->lookup);
	free(fw->batch.bytes);
	free(fw->desired.messages.bytes);
	free(fw->actual.removals.bytes);
	free(fw);
}

static struct firewall *nft_open(struct err *e)
{
	struct nft_firewall *fw = calloc(1, sizeof *fw);

	if (fw == NULL) {
		err_errno(e, "firewall");
		return NULL;
	}
	fw->lookup = -1;
	if (open_all(fw, e) == -1) {
		nft_close(&fw->common);
		return NULL;
	}
	return &fw->common;
}

/* --- links -------------------------------------------------------------------------------- */

static unsigned index_of(const struct nft_firewall *fw, const char *link)
{
	struct ifreq request = {.ifr_ifindex = 0};

	text_copy(request.ifr_name, sizeof request.ifr_name, link);
	return ioctl(fw->lookup, SIOCGIFINDEX, &request) == -1 ? 0 : (unsigned)request.ifr_ifindex;
}

static bool has_link(const struct nft_firewall *fw, const char *name)
{
	for (size_t i = 0; i < fw->desired.link_count; i++)
		if (strcmp(fw->desired.links[i].name, name) == 0)
			return true;
	return false;
}

/* If one chain is for every link, no link is looked up. Otherwise links are looked up after a flip and not
 * before, so that the flip is not delayed. If there are more than fit into a situation, they are looked up
 * anew each time. */
static bool same_links(const struct nft_firewall *fw, const struct situation *s)
{
	if (!nft_names_links(&fw->desired.features))
		return true;
	if (s->links_left_out || fw->desired.link_count != s->link_count)
		return false;
	for (size_t i = 0; i < s->link_count; i++)
		if (strcmp(fw->desired.links[i].name, s->links[i]) != 0 ||
		    index_of(fw, s->links[i]) != fw->desired.links[i].index)
			return false;
	return true;
}

static void add_link(struct nft_firewall *fw, const char *name)
{
	size_t place = fw->desired.link_count;

	if (place == NFT_LINKS)
		return;
	text_copy(fw->desired.links[place].name, sizeof fw->desired.links[place].name, name);
	fw->desired.links[place].index = index_of(fw, name);
	fw->desired.link_count++;
}

/* Those that the situation has no room for. */
static void add_links_left_out(struct nft_firewall *fw, const struct situation *s)
{
	struct if_nameindex *all = if_nameindex();

	for (size_t i = 0; all != NULL && all[i].if_index != 0; i++)
		if (strcmp(all[i].if_name, "lo") != 0 && strcmp(all[i].if_name, s->tunnel.name) != 0 &&
		    !has_link(fw, all[i].if_name))
			add_link(fw, all[i].if_name);
	if (all != NULL)
		if_freenameindex(all);
}

/* The links are read once for all attempts: if hundreds of links go at a time, no two readings are the same.
 * What changes later is for the next call. */
static void fill_links(struct nft_firewall *fw, const struct situation *s)
{
	fw->desired.link_count = 0;
	if (nft_names_links(&fw->desired.features)) {
		for (size_t i = 0; i < s->link_count; i++)
			add_link(fw, s->links[i]);
		if (s->links_left_out)
			add_links_left_out(fw, s);
	}
	nft_desired_links(&fw->desired);
}

/* A link whose chain the kernel refused gets none, and neither do others that have vanished like it. */
static void note_refused(struct nft_firewall *fw, int result)
{
	const struct nlmsghdr *failed = nft_batch_failed(fw);
	int refused = failed == NULL ? -1 : nft_link_of(&fw->desired, failed);

	if (refused == -1 || (result != -ENODEV && result != -ENOENT && result != -EEXIST))
		return;
	fw->desired.links[refused].index = 0;
	for (size_t i = 0; i < fw->desired.link_count; i++)
		if (fw->desired.links[i].index != 0)
			fw->desired.links[i].index = index_of(fw, fw->desired.links[i].name);
	nft_desired_links(&fw->desired);
}

/* --- asserting --------------------------------------------------------------------------------- */

static void note_held(struct nft_firewall *fw)
{
	for (unsigned i = 0; i < NFT_SETS; i++)
		if (!nft_same_members(&fw->desired.members[i], &fw->held[i]))
			fw->held[i] = fw->desired.members[i];
}

/* Only set members, in a batch that the kernel takes only if nobody has
 * changed anything since all of it was verified; then reads them back. */
static int flip(struct nft_firewall *fw)
{
	bool changes[NFT_SETS];
	unsigned count = 0;
	uint32_t generation = 0;
	int result;

	nft_batch_begin(fw, true);
	for (unsigned i = 0; i < NFT_SETS; i++) {
		changes[i] =
		    nft_has_set(&fw->desired, i) && !nft_same_members(&fw->desired.members[i], &fw->held[i]);
		if (changes[i])
			nft_put_members(&fw->batch, &fw->desired.features, i, &fw->desired.members[i],
					fw->held[i].count != 0, nft_timeout_of(&fw->desired, i));
		count += changes[i];
	}
	if (count == 0) {
		result = nft_read_generation(fw, &generation);
		return result != 0 ? result : generation == fw->generation ? 0 : -ERESTART;
	}
	result = nft_batch_send(fw, true);
	if (result != 0)
		return result;
	nft_batch_counted(fw);
	note_held(fw);
	fault_point("flip-before-readback");
	for (unsigned i = 0; i < NFT_SETS && result == 0; i++)
		if (changes[i])
			result = nft_read_set(fw, i, fw->generation);
	return result;
}

/* Reads and compares all of it. 1 it is as wanted, and was so at one moment; 0 it is not. */
static int compare(struct nft_firewall *fw)
{
	uint32_t generation = 0;
	int result;

	if (fw->desired.messages.full)
		return -EMSGSIZE;
	result = nft_read_generation(fw, &fw->generation);
	if (result == 0)
		result = nft_read_all(fw);
	if (result != 0)
		return result;
	if (nft_actual_foreign(&fw->actual, &fw->desired) != 0)
		return -EPERM;
	nft_batch_begin(fw, true);
	if (nft_put_repairs(&fw->batch, &fw->desired, &fw->actual))
		return 0;
	result = nft_read_generation(fw, &generation);
	return result != 0 ? result : generation == fw->generation ? 1 : -EINTR;
}

/* Compares, repairs in one transaction, and compares again until it is right. */
static int settle(struct nft_firewall *fw, const struct situation *s, struct err *e)
{
	int result = 0;

	fill_links(fw, s);
	for (int attempt = 0; attempt < NFT_ATTEMPTS; attempt++) {
		result = compare(fw);
		if (result == 1) {
			note_held(fw);
			fw->verified = true;
			return 0;
		}
		if (result == 0) {
			result = nft_batch_send(fw, true);
			note_refused(fw, result);
		}
		if (result == 0) {
			note_held(fw);
			fault_point("flip-before-readback");
		} else if (!nft_is_passing(result)) {
			break;
		}
	}
	if (result != 0)
		return nft_explain(fw, result, e);
	return err_set(e, "the kernel's rules do not stay as they were set: %s", fw->actual.difference);
}

/* Settles under the first of our names that nobody else holds: to hold a name is no lock, and a drop in any
 * table wins. Then what is left under the other names is removed. */
static int settle_under_a_name(struct nft_firewall *fw, const struct situation *s, struct err *e)
{
	for (unsigned name = 0; name < NFT_NAMES; name++) {
		nft_use_name(fw, name);
		if (nft_desired_rules(&fw->desired, s, e) == -1)
			return -1;
		if (settle(fw, s, e) == 0) {
			nft_tidy_names(fw);
			nft_filter_links(fw, s->tunnel.index);
			nft_watch_others(fw->watch);
			return 0;
		}
		if (!nft_is_barred(fw))
			return -1;
	}
	return -1;
}

static int nft_assert(struct firewall *common, const struct situation *s, struct err *e)
{
	struct nft_firewall *fw = nft_of(common);
	const struct nft_features *has = &fw->desired.features;
	int result;

	nft_probe_every_link(fw);
	result = policy_check(s, e) == -1 ? -1 : nft_desired_rules(&fw->desired, s, e);

	if (result == -1)
		return -1;
	if (result == 1) /* other rules than those that stand */
		fw->verified = false;
	if (s->state == POLICY_OPEN && s->tunnel.index == 0)
		return err_set(e, "the tunnel's interface %s does not exist", s->tunnel.name);
	nft_desired_members(&fw->desired, s);
	nft_desired_portal(&fw->desired, s->portal.until - clock_steady_ms());
	if (fw->verified && flip(fw) == 0 && same_links(fw, s))
		return 0;
	fw->verified = false;
	if (settle_under_a_name(fw, s, e) == 0)
		return 0;
	/* Perhaps the kernel is older and lacks something: it is probed once, and the rules do with what it
	 * has. */
	if (fw->probed || nft_probe_features(fw, e) == -1 ||
	    (has->egress && has->persist && has->ipv6 && has->bridge))
		return -1;
	fw->desired.standing = 0;
	return nft_assert(common, s, e);
}

/* --- a pause ---------------------------------------------------------------------------------------- */

static int nft_pause(struct firewall *common, uint32_t seconds, struct err *e)
{
	struct nft_firewall *fw = nft_of(common);
	static const unsigned sets[] = {NFT_PAUSED, NFT_PAUSED_LINKS};
	int result = 0;

	if (fw->desired.standing == 0)
		return err_set(e, "there can be no pause before the gate is shut");
	if (seconds == 0 || seconds > UINT32_MAX / 1000)
		return err_set(e, "a pause can't last %u seconds", seconds);
	fw->verified = false; /* whatever ends the pause looks at everything */
	if ((result = nft_unfilter_links(fw, false)) !=
	    0) { /* they know of no pause; whatever ends it adds them again */
		errno = -result;
		return err_errno(e, "the links' tc filters can't be removed");
	}
	nft_desired_pause(&fw->desired);
	nft_batch_begin(fw, false);
	for (size_t i = 0; i < 2; i++)
		if (nft_is_used(&fw->desired, nft_sets[sets[i]].table))
			nft_put_members(&fw->batch, &fw->desired.features, sets[i],
					&fw->desired.members[sets[i]], true, seconds * 1000);
	result = nft_batch_send(fw, true);
	if (result != 0)
		return nft_explain(fw, result, e);
	note_held(fw);
	for (size_t i = 0; i < 2 && result == 0; i++)
		if (nft_is_used(&fw->desired, nft_sets[sets[i]].table))
			result = nft_read_set(fw, sets[i], 0);
	return result == 0 ? 0 : err_set(e, "the kernel did not accept the pause");
}

static int nft_forget_states(struct firewall *common, struct err *e)
{
	struct nft_firewall *fw = nft_of(common);
	struct nft_buffer b = {.bytes = fw->request, .size = sizeof fw->request};
	struct nlmsghdr *m = nft_message(&b, 0, 0, AF_UNSPEC);
	int result;

	m->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	result = netlink_request(fw->netlink, m, NULL, NULL);
	if (result == 0)
		return 0;
	errno = -result;
	return err_errno(e, "the kernel does not delete its tracked connections");
}

/* --- the counter, and the port ----------------------------------------------------------------------------
 */

static const char *nft_note(const struct firewall *common)
{
	const struct nft_firewall *fw = (const struct nft_firewall *)common;

	return fw->note;
}

static int nft_blocked(struct firewall *common, uint64_t *packets, struct err *e)
{
	struct nft_firewall *fw = nft_of(common);
	int result = nft_read_blocked(fw, packets);

	return result == 0 ? 0 : nft_explain(fw, result, e);
}

const struct firewall_port firewall_nft = {
    .name = "nft",
    .timer = "a set's time-out",
    .manual_command =
	"for t in portcullis portcullis_second portcullis_third; do for f in inet netdev bridge; do "
	"nft delete table $f $t; done; done; for l in /sys/class/net/*; do tc filter del dev ${l##*/} egress "
	"pref 87 handle 0x706f7274 bpf; done; ip rule flush protocol 87; ip -6 rule flush protocol 87",
    .open = nft_open,
    .close = nft_close,
    .assert = nft_assert,
    .pause = nft_pause,
    .forget_states = nft_forget_states,
    .remove = nft_remove,
    .owner = nft_owner,
    .held = nft_held,
    .note = nft_note,
    .blocked = nft_blocked,
    .watch = nft_watch_open,
    .probe = nft_probe,
};
