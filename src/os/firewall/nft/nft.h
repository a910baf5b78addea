/* What the files of the nft firewall share; nobody else includes it. */
#ifndef OS_FIREWALL_NFT_NFT_H
#define OS_FIREWALL_NFT_NFT_H

#include "os/firewall/nft/actual.h"
#include "os/firewall/nft/link_filters.h"
#include "os/firewall/ports.h"
#include "os/netwatch/linux/netlink.h"

enum { NFT_ATTEMPTS = 12, NFT_QUEUE = 4 * 1024 * 1024 };

struct nft_firewall {
	struct firewall common; /* first */
	struct netlink *netlink;
	int lookup;             /* any socket: looks up links' indexes */
	bool probed;            /* what the kernel lacks is known */
	bool probed_every_link; /* and whether one chain can be for every link */
	bool verified;          /* the kernel held all of it at `generation` */
	uint32_t generation;    /* of the kernel's tables, one more with every change by anybody */
	struct nft_desired desired;
	struct nft_actual actual;
	struct nft_elements held[NFT_SETS]; /* as last written, and what a set was read to hold */
	struct nft_elements read;
	struct nft_buffer batch;
	uint32_t failed; /* the number of the message that the kernel refused */
	_Alignas(8) uint8_t request[NFT_MESSAGE];
	struct nft_watch *watch;
	struct nft_link_filters filters;
	bool others;    /* tables stand under our other names that could not be removed */
	char note[160]; /* see firewall_note */
};
#define nft_of(common) ((struct nft_firewall *)(common))

/* watch.c: as firewall_watch; NULL is nothing to close. */
int nft_watch_open(struct firewall *common, struct event_base *base, firewall_foreign_cb *cb, void *argument,
		   struct err *e);
void nft_watch_close(struct nft_watch *watch);
void nft_watch_others(struct nft_watch *watch); /* looks again soon whether they have gone */

/* names.c: from now on our tables have this name. Tables under our other names are removed if nobody else
 * owns them, and noted if somebody does. Would trying that again do better now? */
void nft_use_name(struct nft_firewall *fw, unsigned name);
void nft_tidy_names(struct nft_firewall *fw);
bool nft_names_are_better(struct nft_firewall *fw);
int nft_remove(struct firewall *common, struct err *e);
int nft_owner(struct firewall *common, int32_t *pid, struct err *e);
int nft_held(struct firewall *fw, const struct situation *s, int32_t instance, int32_t *pid, struct err *e);

/* probe.c: as firewall_probe; and the same for our own use. 0 or -1. Does the kernel accept a chain for a
 * link that does not exist? */
int nft_probe(struct firewall *common, struct firewall_features *features, struct err *e);
int nft_probe_features(struct nft_firewall *fw, struct err *e);
void nft_probe_every_link(struct nft_firewall *fw);
int nft_probe_unknown_link(struct nft_firewall *fw); /* 1, 0, or -1: not known */

/* All below: 0, or a negative errno. */

/* batch.c: at a generation, the kernel refuses (-ERESTART) what comes after any change
 * since we looked. Without `commit` it checks every message and then forgets them all. */
void nft_batch_begin(struct nft_firewall *fw, bool at_generation);
int nft_batch_send(struct nft_firewall *fw, bool commit);
void nft_batch_counted(struct nft_firewall *fw); /* the batch was accepted: our generation is now one more */
const struct nlmsghdr *nft_batch_failed(const struct nft_firewall *fw); /* NULL: none */
/* Is the failure one that may be gone at the next try? Is it that somebody else owns a table of the name that
 * we use now? The failure in words (always -1). */
#define NFT_NONE                                                                                             \
	"the kernel has no nftables; instead: modprobe nf_tables, or a kernel that has CONFIG_NF_TABLES"
bool nft_is_passing(int result);
bool nft_is_barred(struct nft_firewall *fw);
int nft_explain(struct nft_firewall *fw, int result, struct err *e);

/* read.c: what the kernel holds. nft_read_set: 1 if it is not what is wanted; -EINTR if
 * it is not of `generation` (0: any). */
int nft_read_generation(struct nft_firewall *fw, uint32_t *generation);
int nft_read_tables(struct nft_firewall *fw);
int nft_read_all(struct nft_firewall *fw);
int nft_read_set(struct nft_firewall *fw, unsigned set, uint32_t generation);
int nft_read_blocked(struct nft_firewall *fw, uint64_t *packets);

#endif
