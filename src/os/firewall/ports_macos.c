/* The firewalls of macOS. */
#include "os/firewall/ports.h"

const struct firewall_port *const firewall_ports[] = {&firewall_pf, NULL};
