/* The driver: events in, effects out. For driver.c, status.c and the driver's main only. */
#ifndef DRIVER_DRIVER_H
#define DRIVER_DRIVER_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/limit.h"
#include "base/wire_channel.h"
#include "driver/control.h"
#include "driver/gate_channel.h"
#include "driver/key/client.h"
#include "driver/login.h"
#include "driver/login/kept.h"
#include "driver/management.h"
#include "driver/remotes.h"
#include "tunnel/tunnel.h"
#include "tunnel/way.h"

enum { DRIVER_REASON = 240 };

struct event_base;
struct event;

struct driver {
	struct event_base *base;
	struct event *timer, *refresh_over, *way_due, *captive_dns, *learn;
	struct gate_channel *channel;
	struct management *management;
	struct control *control;
	struct key_client *key;
	struct remotes remotes;
	struct login login;
	struct names names;
	struct tunnel tunnel;
	struct wire_hello hello;
	struct wire_way way_now; /* as the gate told last */
	struct way way;          /* of the attempt */
	struct kept kept;        /* refused log-ins, as they stand in the file */
	uint64_t kept_of;        /* whose they are */
	bool taken_over;         /* a stop or a wait of the driver before: the greeting does not end it */
	bool greeted, wanted;
	uint64_t not_before; /* ms: what the next attempt needs is there only then; 0: now */
	bool leaving;        /* the gate is already ending the attempt */
	uint32_t gate;       /* enum wire_gate */
	uint64_t blocked;
	char gate_text[DRIVER_REASON];
	char notice[DRIVER_REASON];    /* the gate's, in addition to the reason */
	char reason[DRIVER_REASON];    /* of the tunnel's state */
	time_t since;                  /* the latest change of gate or tunnel */
	struct limit changes, chatter; /* lines about the tunnel */
	bool counted;                  /* bytes are known */
	uint64_t in, out;
	bool asked_gate, asked_openvpn; /* for counts; no answer yet */
	uint64_t refreshed_at;          /* ms */
};

/* Uses the descriptors of base/wire.h, but reads nothing from them yet. 0, or -1 and `e`. */
struct err;
int driver_open(struct driver *driver, struct err *e);

/* Runs until the gate closes its channel. */
void driver_run(struct driver *driver);
void driver_close(struct driver *driver);

/* The object of `status --json` in one line, to be freed; NULL: no memory. */
char *driver_status(const struct driver *driver, uint64_t now);

#endif
