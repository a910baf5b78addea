/* nftables' netlink messages, built one after the other into a buffer. No socket. */
#ifndef OS_FIREWALL_NFT_MESSAGE_H
#define OS_FIREWALL_NFT_MESSAGE_H

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <stdbool.h>

/* Never grows: NFT_MESSAGE bytes must be free for each message. */
enum { NFT_MESSAGE = 16 * 1024 };
struct nft_buffer {
	uint8_t *bytes;
	size_t size, used;
	bool full; /* something was left out: not to be sent */
};

/* Begins a message of nftables' `type` behind the last one; its attributes are
 * put with libmnl, then it is ended. NULL never: see `full`. */
struct nlmsghdr *nft_message(struct nft_buffer *b, uint16_t type, uint16_t flags, uint8_t family);
void nft_message_end(struct nft_buffer *b, const struct nlmsghdr *message);
void nft_put_be32(struct nlmsghdr *message, uint16_t type, uint32_t value);

/* An attribute of the message's first level as text; "" if it is not there. */
const char *nft_text(const struct nlmsghdr *message, uint16_t type);

/* "chain out", "rule of chain in": what a message is about. */
void nft_describe(const struct nlmsghdr *message, char *to, size_t size);

#endif
