/* gate: what the rules ask for of the configuration. */
#include "gate/gate.h"

#include <string.h>

void gate_fill_identities(struct gate *gate)
{
	const struct config *config = &gate->config;
	struct situation *s = &gate->situation;
	struct identity nobody = {.known = true, .number = POLICY_NOBODY};

	s->openvpn_group = config->openvpn_group.known ? config->openvpn_group : nobody;
	s->driver_user = config->user.known ? config->user : nobody;
	s->dhcp_user = config->dhcp_user;
	/* A portal is one group's: nobody has asked for the other's. */
	if (!config->portal_group.known || config->portal_group.number != s->portal.group.number)
		(void)gate_forget_portal(gate, "portal-group has changed");
	memset(&s->portal.group, 0, sizeof s->portal.group);
	if (config->portal_group.known)
		s->portal.group = config->portal_group;
	s->lan = config->lan;
	s->pppoe = config->pppoe;
	s->lacp = config->lacp;
	memcpy(s->lan_side, config->lan_side, sizeof s->lan_side);
	s->lan_side_count = config->lan_side_count;
}
