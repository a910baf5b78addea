/* The doctor on the kernel: firewall, TUN device, interfaces, IPv6. */
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "ctl/doctor/gather.h"
#include "ctl/doctor/judge.h"
#include "os/firewall/firewall.h"
#include "policy/print.h"
#include "policy/situation.h"

static void report_features(struct doctor *doctor, const struct firewall_features *features)
{
	for (size_t i = 0; i < features->count; i++) {
		struct finding finding = {.subject = ""};

		text_copy(finding.subject, sizeof finding.subject, features->list[i].what);
		if (features->list[i].has)
			finding_set(&finding, DOCTOR_FINE, NULL, "%s has it", features->backend);
		else
			finding_set(&finding, DOCTOR_WARN, "use a newer kernel, or accept it",
				    "the kernel does not have it: %s", features->list[i].lacking);
		doctor_report(doctor, &finding);
	}
}

void doctor_firewall(struct doctor *doctor)
{
	struct firewall_features features = {.count = 0};
	struct finding finding = {.subject = ""};
	struct err e = {""};
	struct firewall *fw = firewall_open(doctor->settings.backend, &e);
	bool asked = fw != NULL && firewall_probe(fw, &features, &e) == 0;

	firewall_close(fw);
	if (asked) {
		finding_set(&finding, DOCTOR_FINE, NULL, "%s answers", features.backend);
		doctor_report(doctor, &finding);
		report_features(doctor, &features);
		return;
	}
	if (geteuid() != 0)
		finding_set(&finding, DOCTOR_UNKNOWN, "sudo portcullis doctor",
			    "only root may query the firewall");
	else
		finding_set(&finding, DOCTOR_FAIL,
			    "use a kernel with this system's firewall, or get the right to use it",
			    "the machine can't be shut: %s", e.text);
	doctor_report(doctor, &finding);
}

void doctor_tun(struct doctor *doctor)
{
	struct finding finding = {.subject = ""};
	struct machine_fact fact;

	machine_tun(&fact);
	judge_fact(&fact, DOCTOR_FAIL, &finding);
	doctor_report(doctor, &finding);
}

void doctor_interface(struct doctor *doctor)
{
	const char *name = doctor->settings.interface;
	struct finding finding = {.subject = ""};

	if (doctor->status == NULL && doctor->status_failed)
		finding_set(&finding, DOCTOR_UNKNOWN, NULL, "the owner of %s is not known", name);
	else
		judge_interface(name, if_nametoindex(name) != 0, doctor_status(doctor, "interface"),
				&finding);
	doctor_report(doctor, &finding);
}

void doctor_links(struct doctor *doctor)
{
	struct if_nameindex *all = if_nameindex();
	struct finding finding = {.subject = ""};
	size_t count = 0;

	for (; all != NULL && all[count].if_index != 0; count++)
		;
	if (all == NULL)
		finding_set(&finding, DOCTOR_UNKNOWN, NULL, "can't be listed");
	else if (count > POLICY_NFT_LINKS)
		finding_set(&finding, DOCTOR_WARN,
			    "use fewer containers or virtual links, if that matters to you",
			    "%zu: more than %d links can't all be filtered at the link layer; the rules for "
			    "IP hold on all",
			    count, POLICY_NFT_LINKS);
	else
		finding_set(&finding, DOCTOR_FINE, NULL, "%zu, all can be filtered at the link layer", count);
	if_freenameindex(all);
	doctor_report(doctor, &finding);
}

/* Has a link that is neither loopback nor the tunnel a global address? */
static bool has_ipv6(const char *tunnel)
{
	struct ifaddrs *all = NULL;
	bool has = false;

	if (getifaddrs(&all) == -1)
		return false;
	for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
		struct sockaddr_in6 address;

		if (one->ifa_addr == NULL || one->ifa_addr->sa_family != AF_INET6 ||
		    (one->ifa_flags & IFF_LOOPBACK) != 0 || strcmp(one->ifa_name, tunnel) == 0)
			continue;
		memcpy(&address, one->ifa_addr, sizeof address);
		has = has || (!IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr) &&
			      !IN6_IS_ADDR_LOOPBACK(&address.sin6_addr));
	}
	freeifaddrs(all);
	return has;
}

/* 1: yes; 0: no; -1: the gate is not open. */
static int tunnel_has_ipv6(const struct doctor *doctor)
{
	const char *gate = doctor_status(doctor, "gate");
	const json_t *addresses = json_object_get(doctor->status, "addresses"), *one;
	size_t i;

	if (gate == NULL || strcmp(gate, "open") != 0)
		return -1;
	json_array_foreach(addresses, i, one)
	{
		const char *text = json_string_value(one);

		if (text != NULL && strchr(text, ':') != NULL)
			return 1;
	}
	return 0;
}

void doctor_ipv6(struct doctor *doctor)
{
	struct finding finding = {.subject = ""}, unused = {.subject = ""};
	struct profile *profile = doctor_profile_read(doctor, &unused);
	int servers[2] = {0, 0};

	for (size_t i = 0; profile != NULL && i < profile_remote_count(profile); i++) {
		const struct profile_remote *remote = profile_remote(profile, i);

		for (size_t j = 0; j < remote->address_count; j++)
			servers[remote->addresses[j].family == NET_IPV6]++;
	}
	profile_free(profile);
	judge_ipv6(has_ipv6(doctor->settings.interface), servers[0], servers[1], tunnel_has_ipv6(doctor),
		   &finding);
	doctor_report(doctor, &finding);
}
