/* The firewalls of FreeBSD. */
#include "os/firewall/ports.h"

const struct firewall_port *const firewall_ports[] = {&firewall_pf, &firewall_ipfw, NULL};
