/* Moments on one clock, in a file that both ends of a measurement map. */
#ifndef BENCH_STAMPS_H
#define BENCH_STAMPS_H

#include <stdint.h>

enum { STAMPS = 500 };

struct stamps {
	int64_t event; /* the fake openvpn is about to say that it is connected */
	int64_t acknowledged_count;
	int64_t acknowledged[STAMPS]; /* the kernel has acknowledged a change of rules */
};

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t stamps_now(void);

/* NULL if the file can't be mapped. */
struct stamps *stamps_open(const char *path);

#endif
