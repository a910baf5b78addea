/* Any bytes as answers of the kernel's nftables: tables, objects, set elements, and the batch that would
 * repair them. The first byte chooses the set. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "os/firewall/nft/actual.h"

enum { ROOM = 512 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct nft_desired desired;
static struct nft_actual actual;
static struct nft_buffer batch;
static struct nft_elements members;

static void make_buffer(struct nft_buffer *b, size_t size)
{
	b->bytes = calloc(1, size); /* its end is watched */
	b->size = size;
	if (b->bytes == NULL)
		abort();
}

static void fill_desired(void)
{
	struct situation s = {.openvpn_group = {.known = true, .number = 4242},
			      .driver_user = {.known = true, .number = 4343},
			      .lan_side = {"br0"},
			      .lan_side_count = 1};

	if (desired.standing != 0)
		return;
	make_buffer(&desired.messages, ROOM);
	make_buffer(&actual.removals, 4 * NFT_MESSAGE);
	make_buffer(&batch, ROOM);
	desired.features = (struct nft_features){true, true, true, true, true, 0};
	desired.owner = 1;
	desired.links[0] = (struct nft_link){"eth0", 2};
	desired.link_count = 1;
	if (nft_desired_rules(&desired, &s, NULL) != 1)
		abort();
	nft_desired_links(&desired);
	nft_desired_members(&desired, &s);
}

static void take(const struct nlmsghdr *m, unsigned set)
{
	char text[96];

	(void)nft_generation_of(m);
	nft_describe(m, text, sizeof text);
	if (memchr(text, '\0', sizeof text) == NULL || strlen(nft_text(m, nft_name_type(m))) >= NFT_TEXT)
		abort();
	if (nft_type(m) == NFT_MSG_NEWTABLE)
		nft_actual_table(&actual, nft_family_of(m) % NFT_TABLES, m);
	else if (nft_type(m) == NFT_MSG_NEWSETELEM)
		(void)nft_parse_members(&members, &nft_sets[set], m);
	else
		nft_actual_object(&actual, &desired, m);
	if (members.count > NFT_ELEMENTS || actual.removals.used > actual.removals.size)
		abort();
	(void)nft_link_of(&desired, m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned set = size == 0 ? 0 : data[0] % NFT_SETS;
	size_t at = 1;

	fill_desired();
	nft_actual_begin(&actual, &desired);
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
	nft_actual_end(&actual, &desired);
	(void)nft_actual_foreign(&actual, &desired);
	(void)nft_are_wanted(&nft_sets[set], &members, &desired.members[set]);
	nft_buffer_empty(&batch);
	(void)nft_put_repairs(&batch, &desired, &actual);
	if (batch.used > batch.size)
		abort();
	return 0;
}
