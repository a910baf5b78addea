/* Messages to the kernel's nftables, and its answers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/fault.h"
#include "os/firewall_nft.h"

/* Room is checked here once, so that no attribute needs to be. Past the end
 * the messages overwrite the last one, and `full` keeps them from being sent. */
static struct nlmsghdr *put_header(struct nft_buffer *b, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *message;
	struct nfgenmsg *generic;

	if (b->size - b->used < NFT_MESSAGE) {
		b->full = true;
		b->used = b->size - NFT_MESSAGE;
	}
	message = mnl_nlmsg_put_header(b->bytes + b->used);
	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	generic = mnl_nlmsg_put_extra_header(message, sizeof *generic);
	generic->nfgen_family = family;
	generic->version = NFNETLINK_V0;
	return message;
}

struct nlmsghdr *nft_message(struct nft_buffer *b, uint16_t type, uint16_t flags, uint8_t family)
{
	return put_header(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, family);
}

void nft_message_end(struct nft_buffer *b, const struct nlmsghdr *message)
{
	b->used += NLMSG_ALIGN(message->nlmsg_len);
}

void nft_put_be32(struct nlmsghdr *message, uint16_t type, uint32_t value)
{
	mnl_attr_put_u32(message, type, htonl(value));
}

static void put_mark(struct nft_buffer *b, uint16_t type, const uint32_t *generation)
{
	struct nlmsghdr *message = put_header(b, type, 0, AF_UNSPEC);
	struct nfgenmsg *generic = mnl_nlmsg_get_payload(message);

	generic->res_id = htons(NFNL_SUBSYS_NFTABLES);
	if (generation != NULL)
		nft_put_be32(message, NFNL_BATCH_GENID, *generation);
	nft_message_end(b, message);
}

/* At a generation: the kernel refuses the batch (ERESTART) if anybody has
 * changed any table since we looked. */
void nft_batch_begin(struct firewall *fw, bool at_generation)
{
	fw->batch.used = 0;
	fw->batch.full = false;
	put_mark(&fw->batch, NFNL_MSG_BATCH_BEGIN, at_generation ? &fw->generation : NULL);
}

void nft_batch_copy(struct firewall *fw, const struct nlmsghdr *message)
{
	struct nft_buffer *b = &fw->batch;

	if (b->size - b->used < NFT_MESSAGE) {
		b->full = true;
		return;
	}
	memcpy(b->bytes + b->used, message, message->nlmsg_len);
	nft_message_end(b, message);
}

/* Numbers the messages and asks for one answer, to the last. Returns its number. */
static uint32_t number_messages(struct firewall *fw)
{
	struct nlmsghdr *message = (void *)fw->batch.bytes, *last = message;
	int left = (int)fw->batch.used;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		message->nlmsg_seq = ++fw->sequence;
		last = message;
	}
	last->nlmsg_flags |= NLM_F_ACK;
	return last->nlmsg_seq;
}

/* The kernel answers before send returns, so nothing is waited for. The first error counts. */
static int read_verdict(struct firewall *fw, uint32_t last)
{
	bool answered = false;
	int failure = 0;

	for (;;) {
		ssize_t size = recv(mnl_socket_get_fd(fw->socket), fw->receive, NFT_RECEIVE, MSG_DONTWAIT);
		const struct nlmsghdr *message = (const void *)fw->receive;
		int left = (int)size;

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			break;
		for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
			const struct nlmsgerr *answer = mnl_nlmsg_get_payload(message);

			if (message->nlmsg_type != NLMSG_ERROR)
				continue;
			if (answer->error != 0 && failure == 0) {
				failure = answer->error;
				fw->failed = message->nlmsg_seq;
			}
			answered = answered || message->nlmsg_seq == last;
		}
	}
	if (failure != 0)
		return failure;
	return answered ? 0 : errno == EAGAIN ? -EPROTO : -errno;
}

/* Without `commit` the kernel checks every message and then forgets them all. */
int nft_batch_send(struct firewall *fw, bool commit)
{
	uint32_t last;

	if (fw->batch.full)
		return -EMSGSIZE;
	last = number_messages(fw);
	if (commit)
		put_mark(&fw->batch, NFNL_MSG_BATCH_END, NULL);
	fw->failed = 0;
	if (commit)
		fault_point("flip-before-send");
	if (mnl_socket_sendto(fw->socket, fw->batch.bytes, fw->batch.used) < 0)
		return -errno;
	if (commit)
		fault_point("flip-after-send");
	return read_verdict(fw, last);
}

const char *nft_text(const struct nlmsghdr *message, uint16_t type)
{
	const struct nlattr *a = mnl_nlmsg_get_payload_offset(message, sizeof(struct nfgenmsg));
	const char *tail = mnl_nlmsg_get_payload_tail(message);

	for (; mnl_attr_ok(a, (int)(tail - (const char *)a)); a = mnl_attr_next(a))
		if (mnl_attr_get_type(a) == type && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
			return mnl_attr_get_str(a);
	return "";
}

/* "chain out", "rule of chain in": what a message is about. */
void nft_describe(const struct nlmsghdr *message, char *to, size_t size)
{
	static const char *const kinds[] = {
	    [NFT_MSG_NEWTABLE] = "table ",
	    [NFT_MSG_DELTABLE] = "table ",
	    [NFT_MSG_NEWCHAIN] = "chain ",
	    [NFT_MSG_DELCHAIN] = "chain ",
	    [NFT_MSG_NEWRULE] = "rule of chain ",
	    [NFT_MSG_DELRULE] = "rules ",
	    [NFT_MSG_NEWSET] = "set ",
	    [NFT_MSG_DELSET] = "set ",
	    [NFT_MSG_NEWSETELEM] = "members of set ",
	    [NFT_MSG_DELSETELEM] = "members of set ",
	    [NFT_MSG_NEWOBJ] = "counter ",
	    [NFT_MSG_DELOBJ] = "counter ",
	};
	uint16_t type = message->nlmsg_type & 0xff;
	bool is_chain = type == NFT_MSG_NEWCHAIN || type == NFT_MSG_DELCHAIN;
	bool is_known = type < sizeof kinds / sizeof kinds[0] && kinds[type] != NULL;

	snprintf(to, size, "%s%s", is_known ? kinds[type] : "message ",
		 nft_text(message, is_chain ? NFTA_CHAIN_NAME : NFTA_RULE_CHAIN));
}

const struct nlmsghdr *nft_batch_failed(const struct firewall *fw)
{
	const struct nlmsghdr *message = (const void *)fw->batch.bytes;
	int left = (int)fw->batch.used;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
		if (message->nlmsg_seq == fw->failed && fw->failed != 0)
			return message;
	return NULL;
}

/* What one received message says about the conversation: 1 go on, 0 over, negative errno. */
static int take_reply(struct firewall *fw, const struct nlmsghdr *message, nft_reply_cb *cb, void *argument,
		      bool *interrupted)
{
	if (message->nlmsg_seq != fw->sequence)
		return 1;
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		*interrupted = true;
	if (message->nlmsg_type == NLMSG_ERROR)
		return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(message))->error;
	if (message->nlmsg_type == NLMSG_DONE)
		return mnl_nlmsg_get_payload_len(message) >= sizeof(int)
			   ? *(const int *)mnl_nlmsg_get_payload(message)
			   : 0;
	if (cb != NULL && cb(fw, message, argument) < 0)
		*interrupted = true;
	return 1;
}

/* A question outside a batch; each answer goes to `cb`. -EINTR: the kernel's
 * state changed under a long answer, or `cb` was not content. Never waits:
 * answers are queued by send, further parts by each receive. */
int nft_ask(struct firewall *fw, struct nlmsghdr *question, nft_reply_cb *cb, void *argument)
{
	bool interrupted = false;

	question->nlmsg_seq = ++fw->sequence;
	if (!(question->nlmsg_flags & NLM_F_DUMP))
		question->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(fw->socket, question, question->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t size = recv(mnl_socket_get_fd(fw->socket), fw->receive, NFT_RECEIVE, MSG_DONTWAIT);
		const struct nlmsghdr *message = (const void *)fw->receive;
		int left = (int)size, more = 1;

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno == EAGAIN ? -EPROTO : -errno;
		for (; mnl_nlmsg_ok(message, left) && more == 1; message = mnl_nlmsg_next(message, &left))
			more = take_reply(fw, message, cb, argument, &interrupted);
		if (more < 0)
			return more;
		if (more == 0)
			return interrupted ? -EINTR : 0;
	}
}
