/* Any bytes as what the kernel's nftables answers: tables, objects, members of sets, the batch that would put
 * it right. The first byte chooses the set. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "os/firewall/nft/found.h"

enum { ROOM = 512 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct nft_wish wish;
static struct nft_found found;
static struct nft_buffer batch;
static struct nft_elements members;

static void make_buffer(struct nft_buffer *b, size_t size)
{
	b->bytes = calloc(1, size); /* its end is watched */
	b->size = size;
	if (b->bytes == NULL)
		abort();
}

static void wish_for_all(void)
{
	struct situation s = {.openvpn_group = {.known = true, .number = 4242},
			      .driver_user = {.known = true, .number = 4343},
			      .inside = {"br0"},
			      .inside_count = 1};

	if (wish.standing != 0)
		return;
	make_buffer(&wish.messages, ROOM);
	make_buffer(&found.removals, 4 * NFT_MESSAGE);
	make_buffer(&batch, ROOM);
	wish.features = (struct nft_features){true, true, true, true, true, 0};
	wish.owner = 1;
	wish.links[0] = (struct nft_link){"eth0", 2};
	wish.link_count = 1;
	if (nft_wish_rules(&wish, &s, NULL) != 1)
		abort();
	nft_wish_links(&wish);
	nft_wish_members(&wish, &s);
}

static void take(const struct nlmsghdr *m, unsigned set)
{
	char text[96];

	(void)nft_generation_of(m);
	nft_describe(m, text, sizeof text);
	if (memchr(text, '\0', sizeof text) == NULL || strlen(nft_text(m, nft_name_type(m))) >= NFT_TEXT)
		abort();
	if (nft_type(m) == NFT_MSG_NEWTABLE)
		nft_found_table(&found, nft_family_of(m) % NFT_TABLES, m);
	else if (nft_type(m) == NFT_MSG_NEWSETELEM)
		(void)nft_take_members(&members, &nft_sets[set], m);
	else
		nft_found_object(&found, &wish, m);
	if (members.count > NFT_ELEMENTS || found.removals.used > found.removals.size)
		abort();
	(void)nft_link_of(&wish, m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned set = size == 0 ? 0 : data[0] % NFT_SETS;
	size_t at = 1;

	wish_for_all();
	nft_found_begin(&found, &wish);
	members.count = 0;
	while (size >= at && size - at >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr header, *m;

		memcpy(&header, data + at, sizeof header);
		if (header.nlmsg_len < sizeof header || header.nlmsg_len > size - at)
			break;
		if ((m = malloc(header.nlmsg_len)) == NULL)
			break;
		memcpy(m, data + at, header.nlmsg_len);
		take(m, set);
		free(m);
		at += NLMSG_ALIGN(header.nlmsg_len);
	}
	nft_found_end(&found, &wish);
	(void)nft_found_foreign(&found, &wish);
	(void)nft_are_wanted(&nft_sets[set], &members, &wish.members[set]);
	nft_buffer_empty(&batch);
	(void)nft_put_repairs(&batch, &wish, &found);
	if (batch.used > batch.size)
		abort();
	return 0;
}
