/* The firewalls of Linux. */
#include "os/firewall/ports.h"

const struct firewall_port *const firewall_ports[] = {&firewall_nft, NULL};
