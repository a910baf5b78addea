/* What this kernel's firewall has and lacks, in lines, for `portcullisd -n`. */
#ifndef OS_FIREWALL_DESCRIBE_H
#define OS_FIREWALL_DESCRIBE_H

#include <stdio.h>

/* Queries `backend` (firewall_open); or reports why it can't be queried. Changes nothing. */
void firewall_describe(const char *backend, FILE *to);

#endif
