/* Changes to the kernel's nftables, all or none of a batch, and the verdict on it. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <linux/netfilter/nfnetlink.h>

#include "base/fault.h"
#include "os/firewall/nft/nft.h"
#include "os/host/clock.h"

enum { VERDICT_MS = 2000 };

static void put_mark(struct nft_buffer *b, uint16_t type, const uint32_t *generation)
{
	struct nlmsghdr *message = nft_message(b, 0, 0, AF_UNSPEC);
	struct nfgenmsg *generic = mnl_nlmsg_get_payload(message);

	message->nlmsg_type = type;
	generic->res_id = htons(NFNL_SUBSYS_NFTABLES);
	if (generation != NULL)
		nft_put_be32(message, NFNL_BATCH_GENID, *generation);
	nft_message_end(b, message);
}

void nft_batch_begin(struct nft_firewall *fw, bool at_generation)
{
	nft_buffer_empty(&fw->batch);
	put_mark(&fw->batch, NFNL_MSG_BATCH_BEGIN, at_generation ? &fw->generation : NULL);
}

void nft_batch_counted(struct nft_firewall *fw)
{
	if (++fw->generation == 0) /* the kernel leaves 0 out */
		fw->generation = 1;
}

/* Numbers the messages and requests one answer, to the last. Returns its number. */
static uint32_t number_messages(struct nft_firewall *fw, uint32_t *count)
{
	struct nlmsghdr *message = (void *)fw->batch.bytes, *last = message;
	int left = (int)fw->batch.used;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left), ++*count) {
		message->nlmsg_seq = netlink_number(fw->netlink);
		last = message;
	}
	last->nlmsg_flags |= NLM_F_ACK;
	return last->nlmsg_seq;
}

struct verdict {
	uint32_t last, failed, count; /* the batch's numbers end with `last` */
	int failure;
	bool answered;
};

/* The first error counts, of those that are about this batch. */
static void parse_verdict(const struct nlmsghdr *message, void *argument)
{
	struct verdict *verdict = argument;
	int error;

	if (message->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(message) < sizeof error ||
	    verdict->last - message->nlmsg_seq >= verdict->count)
		return;
	memcpy(&error, mnl_nlmsg_get_payload(message), sizeof error);
	if (error != 0 && verdict->failure == 0) {
		verdict->failure = error < 0 && error >= -4095 ? error : -EPROTO;
		verdict->failed = message->nlmsg_seq;
	}
	verdict->answered = verdict->answered || message->nlmsg_seq == verdict->last;
}

int nft_batch_send(struct nft_firewall *fw, bool commit)
{
	int64_t deadline = clock_steady_ms() + VERDICT_MS;
	struct verdict verdict = {.failure = 0};
	int result;

	fw->failed = 0;
	if (fw->batch.full)
		return -EMSGSIZE;
	verdict.last = number_messages(fw, &verdict.count);
	if (commit) {
		put_mark(&fw->batch, NFNL_MSG_BATCH_END, NULL);
		fault_point("flip-before-send");
	}
	result = netlink_send(fw->netlink, fw->batch.bytes, fw->batch.used);
	if (result != 0)
		return result;
	if (commit)
		fault_point("flip-after-send");
	do /* the kernel answers before send returns, so nothing is waited for */
		result = netlink_receive(fw->netlink, parse_verdict, &verdict);
	while (result > 0 && clock_steady_ms() < deadline);
	fw->failed = verdict.failed;
	if (verdict.failure != 0)
		return verdict.failure;
	return verdict.answered ? 0 : result == 0 ? -EPROTO : result;
}

const struct nlmsghdr *nft_batch_failed(const struct nft_firewall *fw)
{
	const struct nlmsghdr *message = (const void *)fw->batch.bytes;
	int left = (int)fw->batch.used;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
		if (message->nlmsg_seq == fw->failed && fw->failed != 0)
			return message;
	return NULL;
}

/* --- what a failure means ---------------------------------------------------- */

/* What may be otherwise at the next try: somebody changed something between
 * our look and our change, or a link came or went. */
bool nft_is_passing(int result)
{
	return result == -EINTR || result == -ERESTART || result == -EAGAIN || result == -ENOBUFS ||
	       result == -EPROTO || result == -ENOENT || result == -ENODEV || result == -EEXIST ||
	       result == -EBUSY;
}

/* Does somebody else own a table of the name that we use now? */
bool nft_is_barred(struct nft_firewall *fw)
{
	return nft_read_tables(fw) == 0 && nft_actual_foreign(&fw->actual, &fw->desired) != 0;
}

int nft_explain(struct nft_firewall *fw, int result, struct err *e)
{
	const struct nlmsghdr *failed = nft_batch_failed(fw);
	char what[96] = "the request";
	uint32_t generation;

	if (result == -EPERM && nft_is_barred(fw))
		return err_set(e, "process %d holds tables of our name %s; instead: end it",
			       (int32_t)nft_actual_foreign(&fw->actual, &fw->desired),
			       nft_names[fw->desired.features.name]);
	if (nft_read_generation(fw, &generation) == -EINVAL)
		return err_set(e, NFT_NONE);
	if (failed != NULL)
		nft_describe(failed, what, sizeof what);
	errno = -result;
	return err_errno(e, "the kernel's nftables rejects %s", what);
}
