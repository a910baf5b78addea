/* What this kernel's nftables has: tried in transactions that are never committed. */
#include <errno.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "os/firewall/nft/nft.h"
#include "os/firewall/nft/tool.h"

/* 1 the kernel would take it, 0 it has no such thing, -1 it does not answer. */
static int try_probe(struct nft_firewall *fw, uint8_t family, uint32_t flags, uint32_t hook,
		     const char *device, struct err *e)
{
	for (int attempt = 0; attempt < NFT_ATTEMPTS; attempt++) {
		nft_batch_begin(fw, false);
		nft_put_probe(&fw->batch, family, flags, hook, device);
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
		}
	}
	return err_set(e, "the kernel's nftables does not answer");
}

int nft_probe_features(struct nft_firewall *fw, struct err *e)
{
	int inet = try_probe(fw, NFPROTO_INET, 0, NF_INET_LOCAL_OUT, NULL, e);
	int persist = try_probe(fw, inet > 0 ? NFPROTO_INET : NFPROTO_IPV4, NFT_TABLE_F_OWNER | NFT_PERSIST,
				NF_INET_LOCAL_OUT, NULL, e);
	int egress = try_probe(fw, NFPROTO_NETDEV, 0, NF_NETDEV_EGRESS, "lo", e);
	int bridge = try_probe(fw, NFPROTO_BRIDGE, 0, NF_INET_FORWARD, NULL, e);

	if (inet < 0 || persist < 0 || egress < 0 || bridge < 0)
		return -1;
	fw->probed = true;
	fw->desired.features = (struct nft_features){.egress = egress,
						     .persist = persist,
						     .ipv6 = inet,
						     .bridge = bridge,
						     .every_link = egress && fw->desired.features.every_link,
						     .name = fw->desired.features.name};
	return 0;
}

/* One chain for every link, if the kernel has it, and if this machine's nft can read it: a version older
 * than 1.1.6 never returns from `nft list ruleset`, which is worse than the gap that the chain closes. Asked
 * once; nft first, because the kernel takes four times as long to take a chain back. */
void nft_probe_every_link(struct nft_firewall *fw)
{
	if (!fw->probed_every_link)
		fw->desired.features.every_link =
		    nft_tool_reads_every_link() &&
		    try_probe(fw, NFPROTO_NETDEV, 0, NF_NETDEV_EGRESS, "", NULL) == 1;
	fw->probed_every_link = true;
}

/* A name that no link has: it holds what the kernel allows in none. */
int nft_probe_unknown_link(struct nft_firewall *fw)
{
	return try_probe(fw, NFPROTO_NETDEV, 0, NF_NETDEV_EGRESS, "portcullis/none", NULL);
}

int nft_probe(struct firewall *common, struct firewall_features *features, struct err *e)
{
	struct nft_firewall *fw = nft_of(common);
	const struct nft_features *has = &fw->desired.features;
	int result = nft_probe_features(fw, e);

	*features = (struct firewall_features){
	    .backend = "nft",
	    .list = {{"egress hook", has->egress, "packet sockets and bridges of root are unfiltered"},
		     {"owned and persistent rules", has->persist,
		      "others may flush the rules; they are restored at once"},
		     {"IPv6", has->ipv6, "only IPv4 rules are loaded"},
		     {"bridges", has->bridge, "a gateway's clients on one bridge do not reach each other"}},
	    .count = 4};
	return result;
}
