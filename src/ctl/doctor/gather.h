/* What the doctor's files share in gathering facts. */
#ifndef CTL_DOCTOR_GATHER_H
#define CTL_DOCTOR_GATHER_H

#include "ctl/doctor/doctor.h"
#include "profile/profile.h"

/* The configured profile, which the caller frees; as root only after it was
 * vetted. NULL: finding says why it is not looked into. */
struct profile *doctor_profile_read(const struct doctor *doctor, struct finding *finding);

/* A file of at most some 100 KiB as text, cut at a byte 0; the caller frees.
 * Follows links; never waits. NULL with errno. */
char *doctor_file_read(const char *path);

/* Runs a tool as nobody, so that what it reads meets no right of root's; what
 * it says, the caller frees. NULL and `e`. A tool that ends with another code
 * than 0 is believed if `any_code`. */
char *doctor_tool(const char *const *argv, const char *input, bool any_code, struct err *e);

/* The first line of `output`, "what; instead: do this", as text and what to do. */
void doctor_error(struct finding *finding, enum doctor_result result, const char *output);

/* finding_set with UNKNOWN: "WHAT: only root may look" or what errno says. */
void doctor_unseen(struct finding *finding, const char *what);

#endif
