# The session can't live on in the network as it is now: redialled as soon as openvpn is reaped.
0      up found started handshake config address success opened => connected pick dial send-address ask-open
60     !network lost-way                 => leaving-wait ask-leave
60.1   lost-way ended                    => waiting forget due 60.1
60.1   timer found started               => connecting pick dial due 64.1
# During an attempt likewise, but two attempts are never less than 0.5 s apart.
60.2   lost-way ended                    => waiting ask-leave forget due 60.6
60.3   !lost-way                         => waiting due 60.6
60.6   timer found started               => connecting pick dial due 68.6
# A failure does not make it wait longer.
61.4   lost-way ended                    => waiting ask-leave forget due 61.4
