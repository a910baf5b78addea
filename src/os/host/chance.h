/* The chance port: luck, for what must not happen everywhere at the same time. */
#ifndef OS_HOST_CHANCE_H
#define OS_HOST_CHANCE_H

#include <stdint.h>

/* A number that nobody can foresee, from the kernel; 0 if it gives none. */
uint32_t chance(void);

#endif
