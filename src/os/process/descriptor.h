/* The descriptor port: pipes and sockets that no child inherits. */
#ifndef OS_PROCESS_DESCRIPTOR_H
#define OS_PROCESS_DESCRIPTOR_H

#include <stdbool.h>

/* Each closes on exec; where the system can't make one so at once it is marked
 * afterwards, which leaves no gap: our programs have one thread each and fork
 * by themselves only. 0 or a descriptor; -1 with errno, and nothing is open. */

int descriptor_pipe(int ends[2], bool nonblocking);
int descriptor_socket(int domain, int type, bool nonblocking);
int descriptor_pair(int ends[2]);    /* of stream sockets */
int descriptor_accept(int listener); /* non-blocking */

/* Closes `lowest` and all above it, whoever opened them. */
void descriptor_close_from(int lowest);

#endif
