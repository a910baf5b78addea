/* nftables' netlink messages as bytes: built one after the other into a buffer, and read. Pure: no socket. */
#ifndef OS_FIREWALL_NFT_MESSAGE_H
#define OS_FIREWALL_NFT_MESSAGE_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/netwatch/linux/attributes.h"

/* What a kernel may lack; and our tables' name: the next of these where another process holds a table. */
enum { NFT_NAMES = 3 };
extern const char *const nft_names[NFT_NAMES];
struct nft_features {
	bool egress, persist, ipv6, bridge, every_link; /* the last: one chain for whatever link comes */
	uint8_t name;
};

/* Our tables, the last with a gateway only; the netlink family of one, as far as the kernel goes. */
enum { NFT_INET, NFT_NETDEV, NFT_BRIDGE, NFT_TABLES };
enum { NFT_PERSIST = 0x4 /* NFT_TABLE_F_PERSIST, younger than some headers */ };
uint8_t nft_family(const struct nft_features *features, unsigned table);

/* Never grows: NFT_MESSAGE bytes must be free for each message. */
enum { NFT_MESSAGE = 16 * 1024 };
struct nft_buffer {
	uint8_t *bytes;
	size_t size, used;
	bool full; /* something was left out: not to be sent */
};

/* Begins a message of nftables' `type` after the last one; its attributes are
 * put, then it is ended. NULL never: see `full`. */
struct nlmsghdr *nft_message(struct nft_buffer *b, uint16_t type, uint16_t flags, uint8_t family);
void nft_message_end(struct nft_buffer *b, const struct nlmsghdr *message);
void nft_message_copy(struct nft_buffer *b, const struct nlmsghdr *message);
void nft_buffer_empty(struct nft_buffer *b);

/* As nft_message, about one of our tables, which is named. */
struct nlmsghdr *nft_message_of(struct nft_buffer *b, const struct nft_features *features, unsigned table,
				uint16_t type, uint16_t flags);

/* Each puts an attribute. What has no room is left out, and ending the message makes its buffer full. */
void nft_put(struct nlmsghdr *message, uint16_t type, const void *value, size_t size);
void nft_put_text(struct nlmsghdr *message, uint16_t type, const char *text);
void nft_put_u8(struct nlmsghdr *message, uint16_t type, uint8_t value);
void nft_put_be32(struct nlmsghdr *message, uint16_t type, uint32_t value);
void nft_put_be64(struct nlmsghdr *message, uint16_t type, uint64_t value);
struct nlattr *nft_nest_begin(struct nlmsghdr *message, uint16_t type);
void nft_nest_end(struct nlmsghdr *message, struct nlattr *nest);
void nft_put_data(struct nlmsghdr *message, uint16_t type, const void *value, size_t size);

/* Of a message of nftables: its type (NFT_MSG_NEWRULE and the like); its family; the lower half of its
 * generation. 0 if it is too short. */
uint16_t nft_type(const struct nlmsghdr *message);
uint8_t nft_family_of(const struct nlmsghdr *message);
uint16_t nft_generation_of(const struct nlmsghdr *message);

/* The attributes of a message of nftables; a number that is not there, or too short, is 0. */
struct attributes nft_attributes(const struct nlmsghdr *message);
uint32_t nft_number(struct attributes list, uint16_t type);
uint64_t nft_long_number(struct attributes list, uint16_t type);

/* An attribute of the first level as text; "" if it is not there, or is no text. NFT_NAME_MAXLEN with its
 * end. */
enum { NFT_TEXT = 256 };
const char *nft_text(const struct nlmsghdr *message, uint16_t type);
/* The attribute that names the object of a message: of a rule, its chain's. */
uint16_t nft_name_type(const struct nlmsghdr *message);

/* "chain out", "rule of chain in": what a message is about. */
void nft_describe(const struct nlmsghdr *message, char *to, size_t size);

#endif
