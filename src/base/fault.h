/* Named moments at which a test kills or stops the process (tests only). */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

/* Called at a moment at which a kill must not cause a leak: "flip-before-send", "flip-after-send",
 * "flip-before-readback", "started", ... The programs link fault_none.c, which does nothing;
 * build/test/portcullisd links the test's. */
void fault_point(const char *moment);

#endif
