/* No firewall on this platform: nothing can be shut, so nothing is ever reported as shut. */
#include "os/firewall/ports.h"

const struct firewall_port *const firewall_ports[] = {NULL};
