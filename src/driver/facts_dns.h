/* DNS servers and search domains that a server pushes. */
#ifndef DRIVER_FACTS_DNS_H
#define DRIVER_FACTS_DNS_H

struct facts;

/* foreign_option_N, dns_server_N_address_K, dns_search_domain_N; others are ignored. */
void facts_dns_env(struct facts *facts, const char *name, const char *value);

#endif
