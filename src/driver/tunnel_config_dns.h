/* DNS servers and search domains that a server pushes. */
#ifndef DRIVER_TUNNEL_CONFIG_DNS_H
#define DRIVER_TUNNEL_CONFIG_DNS_H

struct tunnel_config;

/* foreign_option_N, dns_server_N_address_K, dns_search_domain_N; others are ignored. */
void tunnel_config_dns_read_env(struct tunnel_config *config, const char *name, const char *value);

#endif
