/* What a user can run to take back what the resolver was told, if no daemon does. */
#ifndef OS_DNS_BY_HAND_H
#define OS_DNS_BY_HAND_H

extern const char dns_by_hand[];

#endif
