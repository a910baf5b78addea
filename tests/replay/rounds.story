# Four servers, and the first three stay silent: the next has its turn at once, and the fourth is there in time.
0      up found:3 started                => connecting pick dial due 4
4      timer                             => leaving-wait ask-leave due 9
4.02   ended                             => waiting forget due 4.02
4.02   timer found:2 started             => connecting pick dial due 8.02
8.02   timer ended                       => waiting ask-leave forget due 8.02
8.02   timer found:1 started             => connecting pick dial due 12.02
12.02  timer ended                       => waiting ask-leave forget due 12.02
12.02  timer found started handshake config address success opened => connected pick dial send-address ask-open
# After a good run the same one again, as the first of a new round.
100    restart ended                     => waiting ask-leave forget due 100
100    timer found:3 started             => connecting pick dial due 104
# Refused at once, or no way: the next at once, but never more than ten in a second.
100.01 unreachable                       => leaving-wait ask-leave due 105.01
100.02 !unreachable ended                => waiting forget due 100.1
100.1  timer found:2 started unreachable ended => waiting pick dial ask-leave forget due 100.2
100.2  timer found:1 started restart ended => waiting pick dial ask-leave forget due 100.3
# The round is over: now the back-off counts, one step for all of it, and the next round is given more time.
100.3  timer found started exited ended  => waiting pick dial ask-leave forget due 100.8
100.8  timer found:3 started             => connecting pick dial due 108.8
108.8  timer ended                       => waiting ask-leave forget due 108.8
108.8  timer found:2 started             => connecting pick dial due 116.8
116.8  timer ended                       => waiting ask-leave forget due 116.8
116.8  timer found:1 started             => connecting pick dial due 124.8
124.8  timer ended                       => waiting ask-leave forget due 124.8
124.8  timer found started               => connecting pick dial due 132.8
132.8  timer ended                       => waiting ask-leave forget due 133.8
133.8  timer found:3 started             => connecting pick dial due 149.8
# Once it has answered, an error of the network is a matter of openvpn's pings.
134    handshake !unreachable            => authenticating due 164
134    config !unreachable address !unreachable success !unreachable opened !unreachable => connected send-address ask-open
# A connection that breaks at once is followed by a wait, whoever is left.
134.5  restart ended                     => waiting ask-leave forget due 136.5
# What the gate refuses is no server's fault: that is a failure, whoever is left.
136.5  timer found:3 refused             => waiting pick dial forget due 140.5
