/* What follows from an event of the tunnel. */
#include "tunnel/effects.h"

static const char *const effects[] = {
    [TUNNEL_NO_EFFECT] = "",
    [TUNNEL_PICK] = "pick",
    [TUNNEL_DIAL] = "dial",
    [TUNNEL_SEND_ADDRESS] = "send-address",
    [TUNNEL_ASK_OPEN] = "ask-open",
    [TUNNEL_ASK_LEAVE] = "ask-leave",
    [TUNNEL_FORGET] = "forget",
    [TUNNEL_ARM_START] = "arm-start",
    [TUNNEL_ARM_ANSWER] = "arm-answer",
    [TUNNEL_ARM_HANDSHAKE] = "arm-handshake",
    [TUNNEL_ARM_PENDING] = "arm-pending",
    [TUNNEL_ARM_SETUP] = "arm-setup",
    [TUNNEL_ARM_LEAVE] = "arm-leave",
    [TUNNEL_ARM_WAIT] = "arm-wait",
    [TUNNEL_DISARM] = "disarm",
    [TUNNEL_RETRY_SOON] = "retry-soon",
    [TUNNEL_REMEMBER] = "remember",
    [TUNNEL_COUNT_REFUSAL] = "count-refusal",
    [TUNNEL_RESET_BACKOFF] = "reset-backoff",
};

const char *tunnel_effect_name(enum tunnel_effect effect)
{
	return effects[effect];
}
