# The server refuses the log-in: the two others at once; then one minute, whatever the network does.
0      up found:2 started handshake      => authenticating pick dial due 30
0.1    denied                            => leaving-wait ask-leave due 5.1
0.1    !exited ended                     => waiting forget due 0.1
0.1    timer found:1 started handshake pended denied ended => waiting pick dial ask-leave forget due 0.2
0.2    timer found started handshake denied ended => waiting pick dial ask-leave forget due 60.2
5      network                           => waiting due 60.2
# Each wait is followed by one round; a network that changed meanwhile, even while it left, makes it no shorter.
60.2   timer found:2 started handshake denied ended => waiting pick dial ask-leave forget due 60.3
60.3   timer found:1 started handshake denied ended => waiting pick dial ask-leave forget due 60.4
60.4   timer found started handshake denied network lost-way ended => waiting pick dial ask-leave forget due 360.4
360.4  timer found:2 started handshake denied ended => waiting pick dial ask-leave forget due 360.5
# The last one is silent now: the round is over all the same.
360.5  timer found started               => connecting pick dial
364.4  unreachable ended                 => waiting ask-leave forget due 1264.4
# Let in: it is as if nothing had been.
1264.4 timer found:2 started handshake config address success opened => connected pick dial send-address ask-open
1300   restart ended                     => waiting ask-leave forget due 1300
1300   timer found started handshake denied ended => waiting pick dial ask-leave forget due 1360
# `up` begins anew at once.
1310   up found started handshake        => authenticating pick dial
1310.1 exited                            => leaving-wait ask-leave
1310.1 denied                            => leaving-wait
1310.2 ended                             => waiting forget due 1370.2
1370.2 timer found started handshake denied ended => waiting pick dial ask-leave forget due 1670.2
1670.2 timer found started handshake denied ended => waiting pick dial ask-leave forget due 2570.2
# The driver counts, and says when it is the last: only root begins anew.
2570.2 timer found started handshake credentials ended => stopped pick dial ask-leave forget
9999   !network !timer !denied           => stopped
9999   up found started wanted-down ended => down pick dial ask-leave forget
# Refused while connected, as when keys are renewed: the same at once, and then it counts.
10000  up found started handshake config address success opened => connected pick dial send-address ask-open
10010  denied ended                      => waiting ask-leave forget due 10010
10010  timer found started handshake denied ended => waiting pick dial ask-leave forget due 10070
