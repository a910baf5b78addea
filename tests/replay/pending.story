# A server that lets us wait, as one does while somebody approves on a telephone; it says nothing of how long.
0      up found started handshake        => authenticating pick dial due 30
0.2    pended                            => authenticating-pending due 60.2
# openvpn asks once more; an old word of the handshake means nothing.
5      !handshake pended                 => authenticating-pending due 65
45     config address                    => configuring send-address due 75
45     !pended success opened            => connected ask-open
# Keys are renewed, and approved again.
3600   !handshake !pended                => connected
3700   restart ended                     => waiting ask-leave forget due 3700
# It never lets us in.
3700   timer found started               => connecting pick dial due 3704
3700.1 pended                            => authenticating-pending due 3760.1
3760.1 timer ended                       => waiting ask-leave forget due 3760.6
# It wants patience again and again: ten minutes after the dial it is over.
3760.6 timer found started handshake     => authenticating pick dial due 3790.6
3761   pended                            => authenticating-pending due 3821
3821   pended                            => authenticating-pending due 3881
3881   pended                            => authenticating-pending due 3941
3941   pended                            => authenticating-pending due 4001
4001   pended                            => authenticating-pending due 4061
4061   pended                            => authenticating-pending due 4121
4121   pended                            => authenticating-pending due 4181
4181   pended                            => authenticating-pending due 4241
4241   pended                            => authenticating-pending due 4301
4301   pended                            => authenticating-pending due 4360.6
4350   pended                            => authenticating-pending due 4360.6
4360.6 timer ended                       => waiting ask-leave forget due 4361.6
# `down` and `reconnect` end it at once.
4361.6 timer found started pended        => authenticating-pending pick dial due 4421.6
4362   reconnect ended                   => resolving ask-leave forget pick
4362   found started pended wanted-down  => leaving-down dial ask-leave
4362.1 ended                             => down forget
