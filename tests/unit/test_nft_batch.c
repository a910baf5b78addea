/* A batch of changes and the kernel's verdict on it: what is sent, which answers count, and for how long they
 * are waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/fault.h"
#include "between.h"
#include "clock_standin.h"
#include "journal.h"
#include "os/firewall/nft/nft.h"

enum { FIRST = 100, MESSAGES = 3 };

/* What the kernel answers: about the message FIRST + `about`, in so many bytes. */
static struct answer {
	uint16_t type;
	uint32_t about;
	int error;
	size_t size;
} answers[4];
static size_t answered, answer_count;
static int ends_with; /* what receiving gives behind the last one */
static int send_fails;
static uint32_t number;
static bool can_read, has_nftables;
static uint32_t foreign; /* who owns our tables; 0: nobody else */
static struct nft_firewall fw;
static uint8_t bytes[256 * 1024];
static struct err e;

uint32_t netlink_number(struct netlink *n)
{
	(void)n;
	return number++;
}

int netlink_send(struct netlink *n, const void *sent, size_t size)
{
	int left = (int)size;

	(void)n;
	for (const struct nlmsghdr *m = sent; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
		say("%s %u%s",
		    m->nlmsg_type == NFNL_MSG_BATCH_BEGIN ? "begin"
		    : m->nlmsg_type == NFNL_MSG_BATCH_END ? "end"
							  : "change",
		    m->nlmsg_seq, m->nlmsg_flags & NLM_F_ACK ? " answer" : "");
	return send_fails;
}

int netlink_receive(struct netlink *n, netlink_message_fn *each, void *argument)
{
	_Alignas(8) uint8_t room[128] = {0};
	struct nlmsghdr *m = mnl_nlmsg_put_header(room);
	const struct answer *answer = &answers[answered];

	(void)n;
	the_time += 10;
	if (answered == answer_count)
		return ends_with;
	answered++;
	m->nlmsg_type = answer->type;
	m->nlmsg_seq = FIRST + answer->about;
	memcpy(mnl_nlmsg_put_extra_header(m, sizeof answer->error), &answer->error, sizeof answer->error);
	m->nlmsg_len = (uint32_t)(MNL_NLMSG_HDRLEN + answer->size);
	each(m, argument);
	return 1;
}

void fault_point(const char *moment)
{
	say("%s", moment);
}

int nft_read_tables(struct nft_firewall *unused)
{
	(void)unused;
	return can_read ? 0 : -ENOENT;
}

uint32_t nft_actual_foreign(const struct nft_actual *actual, const struct nft_desired *desired)
{
	(void)actual, (void)desired;
	return foreign;
}

int nft_read_generation(struct nft_firewall *unused, uint32_t *generation)
{
	(void)unused;
	*generation = 7;
	return has_nftables ? 0 : -EINVAL;
}

static int begin(void **state)
{
	(void)state;
	memset(&fw, 0, sizeof fw);
	fw.batch = (struct nft_buffer){.bytes = bytes, .size = sizeof bytes};
	fw.generation = 0x01020304;
	fw.failed = 99;
	answered = answer_count = 0;
	ends_with = send_fails = 0;
	number = FIRST;
	can_read = false;
	foreign = 4711;
	has_nftables = true;
	journal[0] = e.text[0] = '\0';
	return 0;
}

static void fill(bool at_generation)
{
	nft_batch_begin(&fw, at_generation);
	for (int i = 1; i < MESSAGES; i++) {
		struct nlmsghdr *m = nft_message(&fw.batch, NFT_MSG_NEWCHAIN, 0, 1);

		nft_put_text(m, NFTA_CHAIN_NAME, i == 1 ? "in" : "out");
		nft_message_end(&fw.batch, m);
	}
}

static int send_with(const struct answer *given, size_t count)
{
	if (count > 0)
		memcpy(answers, given, count * sizeof *given);
	answered = 0;
	answer_count = count;
	number = FIRST;
	fill(false);
	return nft_batch_send(&fw, true);
}

static void test_what_is_sent(void **state)
{
	static const struct answer good = {NLMSG_ERROR, 2, 0, sizeof(struct nlmsgerr)};

	(void)state;
	assert_int_equal(send_with(&good, 1), 0);
	assert_string_equal(
	    journal, "flip-before-send\nbegin 100\nchange 101\nchange 102 answer\nend 0\nflip-after-send\n");
	assert_int_equal(fw.failed, 0);
	assert_null(nft_batch_failed(&fw));
	journal[0] = '\0';
	answered = 0;
	number = FIRST;
	fill(false);
	assert_int_equal(nft_batch_send(&fw, false), 0); /* the kernel forgets it: there is no end */
	assert_string_equal(journal, "begin 100\nchange 101\nchange 102 answer\n");
	fw.batch.full = true;
	journal[0] = '\0';
	fw.failed = 99;
	assert_int_equal(nft_batch_send(&fw, true), -EMSGSIZE);
	assert_string_equal(journal, "");
	assert_int_equal(fw.failed, 0); /* no message of it was refused */
}

/* The kernel refuses what comes after a change of others. */
static void test_the_generation(void **state)
{
	const struct nlmsghdr *m = (const void *)bytes;
	const struct nfgenmsg *body = mnl_nlmsg_get_payload(m);
	const struct nlattr *a;

	(void)state;
	fill(true);
	assert_int_equal(m->nlmsg_type, NFNL_MSG_BATCH_BEGIN);
	assert_int_equal(body->nfgen_family, AF_UNSPEC);
	assert_int_equal(ntohs(body->res_id), NFNL_SUBSYS_NFTABLES);
	a = mnl_nlmsg_get_payload_offset(m, sizeof *body);
	assert_int_equal(mnl_attr_get_type(a), NFNL_BATCH_GENID);
	assert_int_equal(ntohl(mnl_attr_get_u32(a)), 0x01020304);
	fill(false);
	assert_int_equal(m->nlmsg_len, MNL_NLMSG_HDRLEN + sizeof *body);
	nft_batch_counted(&fw);
	assert_int_equal(fw.generation, 0x01020305);
	fw.generation = UINT32_MAX;
	nft_batch_counted(&fw);
	assert_int_equal(fw.generation, 1);
}

#define ANSWER(about, error)                                                                                 \
	{                                                                                                    \
		NLMSG_ERROR, about, error, sizeof(struct nlmsgerr)                                           \
	}

static void test_verdicts(void **state)
{
	static const struct {
		struct answer answers[3];
		size_t count;
		int ends_with, result;
		uint32_t failed;
	} rows[] = {{{ANSWER(2, 0)}, 1, 0, 0, 0},
		    {{ANSWER(1, -EPERM), ANSWER(2, -EINVAL)}, 2, 0, -EPERM, FIRST + 1}, /* the first one */
		    {{ANSWER(2, 0), ANSWER(1, 0)}, 2, 0, 0, 0},
		    {{ANSWER(2, -EINVAL)}, 1, 0, -EINVAL, FIRST + 2},
		    {{ANSWER(0, -EBUSY)}, 1, 0, -EBUSY, FIRST},
		    {{ANSWER(1, 5)}, 1, 0, -EPROTO, FIRST + 1}, /* no errors of a kernel */
		    {{ANSWER(1, -4096)}, 1, 0, -EPROTO, FIRST + 1},
		    {{ANSWER(1, -4095)}, 1, 0, -4095, FIRST + 1},
		    {{ANSWER(1, 0)}, 1, 0, -EPROTO, 0}, /* not the last one's */
		    {{ANSWER(3, 0)}, 1, 0, -EPROTO, 0}, /* not of this batch */
		    {{ANSWER(3, -EPERM), ANSWER(2, 0)}, 2, 0, 0, 0},
		    {{ANSWER((uint32_t)-1, -EPERM), ANSWER(2, 0)}, 2, 0, 0, 0},
		    {{{NLMSG_DONE, 2, 0, sizeof(struct nlmsgerr)}}, 1, 0, -EPROTO, 0},
		    {{{NLMSG_ERROR, 2, 0, 3}}, 1, 0, -EPROTO, 0},
		    {{ANSWER(2, 0)}, 0, -ENOBUFS, -ENOBUFS, 0},
		    {{ANSWER(2, 0)}, 1, -ENOBUFS, 0, 0},
		    {{ANSWER(1, -EPERM)}, 1, -ENOBUFS, -EPERM, FIRST + 1}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int64_t began = the_time;

		begin(state);
		ends_with = rows[i].ends_with;
		assert_int_equal(send_with(rows[i].answers, rows[i].count), rows[i].result);
		assert_int_equal(the_time - began, 10 * (rows[i].count + 1)); /* nothing is waited for */
		assert_int_equal(fw.failed, rows[i].failed);
		assert_int_equal(nft_batch_failed(&fw) == NULL, rows[i].failed == 0);
		if (rows[i].failed != 0)
			assert_int_equal(nft_batch_failed(&fw)->nlmsg_seq, rows[i].failed);
	}
}

/* Whoever talks without end is not listened to for longer. */
static void test_how_long(void **state)
{
	int64_t began = the_time;

	(void)state;
	ends_with = 1;
	assert_int_equal(send_with(NULL, 0), 1);
	assert_int_equal(the_time - began, 2000);
	send_fails = -EMSGSIZE;
	began = the_time;
	journal[0] = '\0';
	assert_int_equal(send_with(NULL, 0), -EMSGSIZE);
	assert_int_equal(the_time, began);
	assert_null(strstr(journal, "after"));
}

static void test_what_passes(void **state)
{
	static const int passing[] = {EINTR,  ERESTART, EAGAIN, ENOBUFS, EPROTO,
				      ENOENT, ENODEV,   EEXIST, EBUSY},
			 lasting[] = {0, EPERM, EINVAL, EOPNOTSUPP, ENOMEM};

	(void)state;
	for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
		assert_true(nft_is_passing(-passing[i]) && !nft_is_passing(passing[i]));
	for (size_t i = 0; i < sizeof lasting / sizeof lasting[0]; i++)
		assert_false(nft_is_passing(-lasting[i]));
}

static void test_in_words(void **state)
{
	static const struct answer refused = ANSWER(1, -EPERM);

	(void)state;
	assert_int_equal(nft_explain(&fw, -EPERM, &e), -1);
	assert_string_equal(e.text, "the kernel's nftables rejects the request: Operation not permitted");
	assert_int_equal(send_with(&refused, 1), -EPERM);
	assert_int_equal(nft_explain(&fw, -EPERM, &e), -1);
	assert_string_equal(e.text, "the kernel's nftables rejects chain in: Operation not permitted");
	assert_false(nft_is_barred(&fw));
	can_read = true;
	assert_true(nft_is_barred(&fw));
	foreign = 0;
	assert_false(nft_is_barred(&fw));
	assert_int_equal(nft_explain(&fw, -EPERM, &e), -1);
	assert_string_equal(e.text, "the kernel's nftables rejects chain in: Operation not permitted");
	foreign = 4711;
	assert_int_equal(nft_explain(&fw, -EINVAL, &e), -1);
	assert_string_equal(e.text, "the kernel's nftables rejects chain in: Invalid argument");
	assert_int_equal(nft_explain(&fw, -EPERM, &e), -1);
	assert_string_equal(e.text, "process 4711 holds tables of our name portcullis; instead: end it");
	has_nftables = false;
	assert_int_equal(nft_explain(&fw, -EINVAL, &e), -1);
	assert_string_equal(e.text, NFT_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_what_is_sent, begin),
	    cmocka_unit_test_setup(test_the_generation, begin),
	    cmocka_unit_test_setup(test_verdicts, begin),
	    cmocka_unit_test_setup(test_how_long, begin),
	    cmocka_unit_test_setup(test_what_passes, begin),
	    cmocka_unit_test_setup(test_in_words, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
