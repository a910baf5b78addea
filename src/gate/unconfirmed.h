/* gate: enable --confirm, which the service manager takes back unless somebody confirms it. The gate only
 * tells. */
#ifndef GATE_UNCONFIRMED_H
#define GATE_UNCONFIRMED_H

struct gate;

/* The file that `portcullis enable --confirm` leaves until then. */
#define UNCONFIRMED_FILE PORTCULLIS_STATEDIR "/portcullis/unconfirmed"

/* Looks at it: gate->unconfirmed becomes what the status says of it, "" nothing. Logs a change. */
void unconfirmed_look(struct gate *gate);

#endif
