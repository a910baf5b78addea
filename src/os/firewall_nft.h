/* What the files of the nft firewall share; nobody else includes it. */
#ifndef OS_FIREWALL_NFT_H
#define OS_FIREWALL_NFT_H

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>

#include "os/firewall.h"
#include "policy/rules.h"

enum { NFT_INET, NFT_NETDEV, NFT_TABLES };
enum {
	NFT_SETS = 24,
	NFT_KEY = 24,
	NFT_ELEMENTS = 2 * RULE_MEMBERS_MAX,
	NFT_PIECES = 384,
	NFT_MESSAGE = 16 * 1024
};

/* Netlink messages, one after the other. Never grows: NFT_MESSAGE bytes must be free for each. */
struct nft_buffer {
	uint8_t *bytes;
	size_t size, used;
	bool full; /* something was left out: not to be sent */
};

/* A set's elements as the kernel stores them (an interval is two). */
struct nft_element {
	uint8_t key[NFT_KEY];
	bool end;
};
struct nft_elements {
	size_t count;
	struct nft_element list[NFT_ELEMENTS];
};
struct nft_set {
	const char *name;
	uint8_t table;
	uint32_t type, length; /* nft's number of the key's type, the key's bytes */
	uint32_t flags;
	uint32_t timeout; /* milliseconds, of each element */
	enum rule_set set;
	uint8_t family;
};
extern const struct nft_set nft_sets[NFT_SETS];

/* One object that must stand in the kernel, as the message that creates it. */
struct nft_piece {
	uint32_t offset;
	uint8_t table;
	int8_t link; /* of nft's link chains: the link's place, else -1 */
	bool present;
};
struct nft_wish {
	struct nft_buffer messages;
	struct nft_piece pieces[NFT_PIECES];
	size_t count, standing;        /* the first `standing` depend on identities only, the rest on links */
	struct nlattr *list;           /* of the rule being written */
	struct identity group, driver; /* what `standing` was made for */
};
struct nft_link {
	char name[NET_NAME_SIZE];
	unsigned index; /* 0: not there */
};

struct firewall {
	struct mnl_socket *socket, *watch;
	struct event *event;
	firewall_foreign_cb *foreign;
	void *argument;
	uint32_t port, sequence, failed; /* our netlink address; the message that the kernel refused */
	bool verified;                   /* the kernel held all of it at `generation` */
	uint32_t generation;             /* of the kernel's tables, one more with every change by anybody */
	struct firewall_features features;
	struct nft_wish wish;
	struct nft_buffer batch, removals;
	uint8_t *receive;
	_Alignas(8) uint8_t question[NFT_MESSAGE];
	struct nft_link links[SITUATION_LINKS];
	size_t link_count;
	struct nft_elements want[NFT_SETS], held[NFT_SETS], found;
	struct { /* as dumped */
		bool exists, differs;
		uint32_t flags, owner;
	} table[NFT_TABLES];
	bool set_differs[NFT_SETS];
	char difference[96]; /* the first, for the error */
};

enum { NFT_RECEIVE = 64 * 1024, NFT_PERSIST = 0x4 /* NFT_TABLE_F_PERSIST, younger than some headers */ };

/* firewall_nft_batch.c: messages to the kernel and its answers; negative errno on failure. */
typedef int nft_reply_cb(struct firewall *fw, const struct nlmsghdr *message, void *argument);
struct nlmsghdr *nft_message(struct nft_buffer *b, uint16_t type, uint16_t flags, uint8_t family);
void nft_message_end(struct nft_buffer *b, const struct nlmsghdr *message);
void nft_put_be32(struct nlmsghdr *message, uint16_t type, uint32_t value);
void nft_batch_begin(struct firewall *fw, bool at_generation);
void nft_batch_copy(struct firewall *fw, const struct nlmsghdr *message);
int nft_batch_send(struct firewall *fw, bool commit);
int nft_ask(struct firewall *fw, struct nlmsghdr *question, nft_reply_cb *cb, void *argument);
const struct nlmsghdr *nft_batch_failed(const struct firewall *fw);
uint8_t nft_family(const struct firewall *fw, unsigned table);
void nft_describe(const struct nlmsghdr *message, char *to, size_t size);

/* firewall_nft_rules.c: what is wanted. */
int nft_wish_rules(struct firewall *fw, const struct situation *s, struct err *e);
void nft_put_hook(struct nlmsghdr *m, uint32_t hook, int32_t priority, const char *device);
void nft_wish_links(struct firewall *fw);
void nft_wish_elements(struct firewall *fw, const struct situation *s);
const struct nlmsghdr *nft_piece_message(const struct nft_wish *wish, const struct nft_piece *piece);
void nft_put_set(struct firewall *fw, unsigned set, bool flush, uint32_t timeout);

/* firewall_nft_read.c: what the kernel holds. */
int nft_read_generation(struct firewall *fw, uint32_t *generation);
uint32_t nft_generation_of(const struct nlmsghdr *message);
int nft_read_tables(struct firewall *fw);
uint32_t nft_table_flags(const struct firewall *fw, unsigned table);
int nft_read_all(struct firewall *fw);
int nft_read_set(struct firewall *fw, unsigned set, uint32_t generation);
bool nft_set_changes(const struct firewall *fw, unsigned set);
int nft_read_blocked(struct firewall *fw, uint64_t *packets);
const char *nft_text(const struct nlmsghdr *message, uint16_t type);

#endif
