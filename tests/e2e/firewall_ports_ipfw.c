/* The firewall backends of the tests' ipfw programs: ipfw alone, whose tool is a stand-in. */
#include "os/firewall/ports.h"

const struct firewall_port *const firewall_ports[] = {&firewall_ipfw, NULL};
