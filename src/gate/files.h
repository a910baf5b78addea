/* gate: directories, sockets, the log, and the files that outlive the process. */
#ifndef GATE_FILES_H
#define GATE_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/net.h"

struct gate;

/* In the runtime directory: openvpn's own folder, and in there its socket. */
#define FILES_OPENVPN_FOLDER "openvpn"
#define FILES_OPENVPN_SOCKET "sock"

/* 0: this is the only portcullisd with this runtime directory; 1: another runs; -1: can't tell. */
int files_lock_instance(const struct gate *gate, struct err *e);

/* The process that runs with this runtime directory; 0: none, or unknown. Not to be called by a process
 * that may be it. */
int32_t files_find_instance(const struct gate *gate);

/* Creates what is missing, opens the log, binds the sockets, reads the stored state.
 * 0, or -1 and `e`; without a log or a state directory it goes on. */
int files_prepare(struct gate *gate, struct err *e);

/* The log, with the sizes that are configured now. 0, or -1 and `e`: the one that is open stays. */
int files_open_log(struct gate *gate, struct err *e);

void files_save_intent(struct gate *gate);

/* Saves the present attempt, so that a later portcullisd can clean up after it; pid 0: none. */
void files_save_attempt(struct gate *gate, pid_t pid, uint64_t started);
bool files_read_attempt(struct gate *gate, pid_t *pid, uint64_t *started, struct net_endpoint *endpoint);

/* The addresses of names that a tunnel was open with, a line each: the name, the address, when (seconds).
 * What can't be read is not there. */
void files_save_names(const struct gate *gate);
void files_load_names(struct gate *gate);

#endif
