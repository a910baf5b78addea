/* nftables' messages for a policy without a kernel: what is wanted, what is there, and a batch. */
#ifndef TESTS_UNIT_NFT_POLICY_H
#define TESTS_UNIT_NFT_POLICY_H

#include <stdlib.h>
#include <string.h>

#include "nft_words.h"
#include "os/firewall/nft/actual.h"
#include "os/firewall/nft/rule_message.h"

enum { ROOM = 2048 * 1024, OURS = 4711 };

static struct nft_desired *desired;
static struct nft_actual actual;
static struct nft_buffer batch;
static struct situation s;
static struct err e;

static void make_buffer(struct nft_buffer *b)
{
	b->bytes = calloc(1, ROOM);
	assert_non_null(b->bytes);
	b->size = ROOM;
	nft_buffer_empty(b);
}

static int setup(void **state)
{
	(void)state;
	desired = calloc(1, sizeof *desired);
	assert_non_null(desired);
	memset(&actual, 0, sizeof actual);
	desired->features = (struct nft_features){true, true, true, true, false, 0};
	desired->owner = OURS;
	make_buffer(&desired->messages);
	make_buffer(&actual.removals);
	make_buffer(&batch);
	memset(&s, 0, sizeof s);
	s.openvpn_group = (struct identity){.known = true, .number = 4242};
	s.driver_user = (struct identity){.known = true, .number = 4343};
	net_endpoint_parse("192.0.2.7:1194/udp", &s.endpoint);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(desired->messages.bytes);
	free(actual.removals.bytes);
	free(batch.bytes);
	free(desired);
	return 0;
}

static inline void be_gateway(void)
{
	strcpy(s.lan_side[0], "br0");
	strcpy(s.lan_side[1], "lan0123456789ab");
	s.lan_side_count = 2;
}

#endif
