/* The composed machine: the gate, the driver, their channel, openvpn, and all that can happen to them next.
 * The tables are the product's; what connects them is written here anew, after gate.c, verbs.c, attempt.c and
 * driver.c. */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A step begins only while fewer than CHANNEL of its own messages wait to be read by the other end; what it
 * sends goes whole. The driver reads at any time: so neither waits for the other for ever. */
enum { CHANNEL = 3, VERBS_MAX = 18, NOTES_MAX = 12, MOVE_EVENTS = 6 };

enum openvpn { OPENVPN_NONE, OPENVPN_RUNS, OPENVPN_LEAVES, OPENVPN_DEAD /* not reaped yet */ };
enum device { DEVICE_NONE, DEVICE_PROVEN, DEVICE_BROKEN /* and the gate has not been told yet */ };
enum session { SESSION_NONE, SESSION_BEGUN, SESSION_EXPECTED /* openvpn may say anything */ };

/* Every byte counts: two worlds are the same if they compare equal. */
struct world {
	uint8_t desired, actual, openvpn, device;
	uint8_t driver, greeted, wanted, leaving; /* driver: it runs */
	uint8_t tunnel, armed, session;
	uint8_t asker, asking; /* the child that asks the resolver; the driver waits for its end */
	uint8_t verb_count, note_count;
	uint8_t verbs[VERBS_MAX], notes[NOTES_MAX];
};

/* Who causes a move. Only the first kind is relied on: messages arrive, timers fire, the dead are reaped, an
 * honest openvpn reaches an honest server. */
enum cause { CAUSE_SYSTEM, CAUSE_WORLD, CAUSE_USER };

struct move {
	enum cause cause;
	bool driver_starts;
	uint8_t events[MOVE_EVENTS]; /* of the tunnel */
	size_t event_count;
	char text[240]; /* what happened, and what followed */
};

/* Told of each world that can follow. */
typedef void world_next_fn(const struct world *next, const struct move *move, void *argument);

/* At the start: locked, nobody runs. `up`: what was wanted before. */
void world_begin(struct world *world, bool up);
void world_next(const struct world *world, world_next_fn *next, void *argument);

/* NULL, or the promise that this world breaks. */
const char *world_broken(const struct world *world);
/* Is this where root's wish is met, or where only root can help (a tunnel that is stopped)? */
bool world_has_arrived(const struct world *world);
/* Can anything but an end follow at all? A daemon that is to stop has none. */
bool world_ends(const struct world *world);

void world_print(const struct world *world, char *to, size_t size);

/* The name of an event, of the tunnel or the gate, that no move has been made of so far; NULL: there is none.
 */
const char *world_unseen(void);

/* For the explorer's own tests: this cell of the tunnel's or of the gate's table is ignored. -1: no such
 * cell. */
int world_plant(const char *state, const char *event);

#endif
