/* What the files of the nft firewall share; nobody else includes it. */
#ifndef OS_FIREWALL_NFT_H
#define OS_FIREWALL_NFT_H

#include "os/firewall_nft_rules.h"

enum { NFT_RECEIVE = 64 * 1024, NFT_PERSIST = 0x4 /* NFT_TABLE_F_PERSIST, younger than some headers */ };

struct firewall {
	struct mnl_socket *socket, *watch;
	struct event *event;
	int lookup; /* any socket: asks for links' indexes */
	firewall_foreign_cb *foreign;
	void *argument;
	uint32_t port, sequence, failed; /* our netlink address; the message that the kernel refused */
	bool verified;                   /* the kernel held all of it at `generation` */
	uint32_t generation;             /* of the kernel's tables, one more with every change by anybody */
	struct nft_wish wish;
	struct nft_buffer batch, removals;
	uint8_t *receive;
	_Alignas(8) uint8_t question[NFT_MESSAGE];
	struct nft_elements held[NFT_SETS], found;
	struct { /* as dumped */
		bool exists, differs;
		uint32_t flags, owner;
	} table[NFT_TABLES];
	bool set_differs[NFT_SETS];
	char difference[96]; /* the first, for the error */
};

/* firewall_nft_batch.c: messages to the kernel and its answers; negative errno on failure. */
typedef int nft_reply_cb(struct firewall *fw, const struct nlmsghdr *message, void *argument);
void nft_batch_begin(struct firewall *fw, bool at_generation);
void nft_batch_copy(struct firewall *fw, const struct nlmsghdr *message);
int nft_batch_send(struct firewall *fw, bool commit);
int nft_ask(struct firewall *fw, struct nlmsghdr *question, nft_reply_cb *cb, void *argument);
const struct nlmsghdr *nft_batch_failed(const struct firewall *fw);

/* firewall_nft_read.c: what the kernel holds; negative errno on failure. */
int nft_read_generation(struct firewall *fw, uint32_t *generation);
uint32_t nft_generation_of(const struct nlmsghdr *message);
int nft_read_tables(struct firewall *fw);
uint32_t nft_table_flags(const struct firewall *fw, unsigned table);
int nft_read_all(struct firewall *fw);
int nft_read_set(struct firewall *fw, unsigned set, uint32_t generation);
bool nft_set_changes(const struct firewall *fw, unsigned set);
int nft_read_blocked(struct firewall *fw, uint64_t *packets);

#endif
