/* DNS servers and search domains that a server pushes. */
#ifndef DRIVER_TUNNEL_CONFIG_DNS_H
#define DRIVER_TUNNEL_CONFIG_DNS_H

#include <stdint.h>

struct tunnel_config;

/* foreign_option_N, dns_server_N_address_K, dns_search_domain_N; others are ignored. */
void tunnel_config_dns_read_env(struct tunnel_config *config, const char *name, const char *value);
/* The nth option of a push, as it stands there; others are ignored. */
void tunnel_config_dns_read_pushed(struct tunnel_config *config, const char *option, uint32_t nth);

#endif
