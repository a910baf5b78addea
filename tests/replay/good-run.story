# Up, a run, openvpn killed, up again at once. Each stage has its own limit.
0      up                                => resolving pick due 30
0      found                             => connecting-asked dial due 30
0.02   started                           => connecting due 4.02
0.03   handshake                         => authenticating due 30.03
0.04   config                            => configuring due 30.04
0.04   !config address                   => configuring send-address
0.05   success                           => configuring-opening ask-open due 30.05
0.06   opened                            => connected
# The kernel's side of a kill: openvpn's connection ends, the gate reaps it and locks.
100    exited                            => leaving-wait ask-leave due 105
100    ended                             => waiting forget due 100
100    timer found                       => connecting-asked pick dial
# The gate's answer to the request to leave crossed its own note: it is about the attempt before.
100    !ended started                    => connecting
