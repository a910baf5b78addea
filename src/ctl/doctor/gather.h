/* How the doctor's files gather facts. */
#ifndef CTL_DOCTOR_GATHER_H
#define CTL_DOCTOR_GATHER_H

#include "ctl/doctor/doctor.h"
#include "profile/profile.h"

/* The configured profile, which the caller frees; root reads it only after it has been vetted. NULL:
 * `finding` says why it is not examined. */
struct profile *doctor_profile_read(const struct doctor *doctor, struct finding *finding);

/* A file of at most 128 KiB as text, cut at the first zero byte; the caller frees.
 * Follows links; never waits. NULL with errno. */
char *doctor_file_read(const char *path);

/* Runs a tool as nobody, so that hostile input meets none of root's rights. Returns
 * its output, which the caller frees; NULL and `e`. If `any_code`, the output counts
 * even if the exit code is not 0. */
char *doctor_tool(const char *const *argv, const char *input, bool any_code, struct err *e);

/* The first line of `output`, "what; instead: do this", as text and what to do. */
void doctor_error(struct finding *finding, enum doctor_result result, const char *output);

/* finding_set with UNKNOWN: "WHAT: only root may examine it", or the text of errno. */
void doctor_not_examined(struct finding *finding, const char *what);

#endif
