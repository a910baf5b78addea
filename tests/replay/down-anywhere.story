# `down` in each state: no attempt is left behind, nothing is dialled after it.
0      !wanted-down                      => down
1      up wanted-down                    => down pick
2      up found wanted-down              => leaving-down pick dial ask-leave due 7
2      !started ended                    => down forget
3      up found started wanted-down      => leaving-down pick dial ask-leave
3      !handshake ended                  => down forget
4      up found started handshake wanted-down ended => down pick dial ask-leave forget
5      up found started handshake config wanted-down ended => down pick dial ask-leave forget
6      up found started handshake config address success wanted-down => leaving-down pick dial send-address ask-open ask-leave
6      !opened ended                     => down forget
7      up found started handshake config address success opened wanted-down ended => down pick dial send-address ask-open ask-leave forget
8      up found started exited wanted-down => leaving-down pick dial ask-leave
8      !wanted-down ended                => down forget
9      up found started credentials wanted-down ended => down pick dial ask-leave forget
10     up found started reconnect wanted-down ended => down pick dial ask-leave forget
11     up found refused wanted-down      => down pick dial forget
12     up found started credentials ended wanted-down => down pick dial ask-leave forget
13     !network !timer !ended !exited    => down
# Up again while the way down is not finished: a new attempt follows its end.
14     up found started wanted-down up   => leaving-retry pick dial ask-leave
14.1   !up ended found                   => connecting-asked forget pick dial
