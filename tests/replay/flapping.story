# A server that takes us and drops us at once: never more than a try each 2 s or so,
# and never a long wait either.
0      up found started handshake config address success opened => connected pick dial send-address ask-open
0.1    restart ended                     => waiting ask-leave forget due 0.6
0.6    timer found started handshake config address success opened => connected pick dial send-address ask-open
0.7    restart ended                     => waiting ask-leave forget due 1.7
1.7    timer found started handshake config address success opened => connected pick dial send-address ask-open
1.8    restart ended                     => waiting ask-leave forget due 3.8
3.8    timer found started handshake config address success opened => connected pick dial send-address ask-open
3.9    restart ended                     => waiting ask-leave forget due 5.9
5.9    timer found started handshake config address success opened => connected pick dial send-address ask-open
# A run of 2 s is a good one.
7.9    restart ended                     => waiting ask-leave forget due 7.9
