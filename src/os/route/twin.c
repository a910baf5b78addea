/* Two links with one address: in words. */
#include "os/route/twin.h"

int route_twin(const struct net_address *address, const char *link, const char *device, struct err *e)
{
	char text[NET_ADDRESS_TEXT];

	return err_set(e,
		       "%s is the address of %s, and the server gives it to %s too" ERR_INSTEAD
		       "give %s another address, or have the server give another one",
		       net_address_text(address, text), link, device, link);
}
