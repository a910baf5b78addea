/* Which names import asks for, and which server gets the answers. */
#include "profile_test.h"

#include <netdb.h>
#include <netinet/in.h>

#include "ctl/profile/resolve.h"
#include "os/host/chance.h"

static char asked[1024]; /* each with a space behind it */
static uint32_t luck;

uint32_t chance(void)
{
	return luck++;
}

/* Every name has the same address, but those of "mute.example". */
int getaddrinfo(const char *restrict name, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict all)
{
	struct sockaddr_in *address = calloc(1, sizeof *address);
	struct addrinfo *found = calloc(1, sizeof *found);

	assert_true(address != NULL && found != NULL && service == NULL && hints != NULL);
	strcat(strcat(asked, name), " ");
	address->sin_family = AF_INET;
	address->sin_addr.s_addr = htonl(0xcb007107);
	found->ai_addr = (struct sockaddr *)address;
	found->ai_addrlen = sizeof *address;
	*all = found;
	if (strstr(name, "mute.example") == NULL)
		return 0;
	freeaddrinfo(found);
	return EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *all)
{
	free(all->ai_addr);
	free(all);
}

/* The names that are asked for are `names`; so many remotes have an address afterwards. */
static void assert_asks(const char *text, const char *names, size_t reachable)
{
	struct err e = {""};
	struct profile *profile = parse_text(text, NULL, &e);
	size_t found = 0;

	assert_non_null(profile);
	asked[0] = '\0';
	luck = 0x0123abcd;
	assert_int_equal(profile_resolve(profile, &e), reachable > 0 ? 0 : -1);
	assert_string_equal(asked, names);
	for (size_t i = 0; i < profile_remote_count(profile); i++)
		found += profile_remote(profile, i)->address_count == 1;
	assert_int_equal(found, reachable);
	assert_int_equal(strstr(e.text, "no remote's name could be resolved") != NULL, reachable == 0);
	profile_free(profile);
}

static void test_names(void **state)
{
	(void)state;
	assert_asks("remote a.example\nremote 192.0.2.1\nremote b.example\nremote a.example 443 tcp\n",
		    "a.example b.example ", 4);
	assert_asks("remote mute.example\nremote a.example\n", "mute.example a.example ", 1);
	assert_asks("remote mute.example\n", "mute.example ", 0);
}

/* Random digits in front of each name, and of no address; the answers are the bare name's. */
static void test_random_hostname(void **state)
{
	char text[512], names[512], host[224];

	(void)state;
	assert_asks("remote-random-hostname\nremote a.example\nremote 192.0.2.1\nremote 2001:db8::1\n"
		    "remote b.example\nremote a.example 443\n",
		    "0123abcdabce.a.example 0123abcfabd0.b.example ", 5);
	assert_asks("remote-random-hostname\nremote mute.example\n", "0123abcdabce.mute.example ", 0);
	/* The longest that a profile may name still has room for it. */
	for (size_t i = 0; i < sizeof host - 1; i++)
		host[i] = i % 55 == 54 ? '.' : 'a';
	host[220] = '\0';
	host[219] = 'a';
	snprintf(text, sizeof text, "remote-random-hostname\nremote %s\n", host);
	snprintf(names, sizeof names, "0123abcdabce.%s ", host);
	assert_asks(text, names, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_random_hostname),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
