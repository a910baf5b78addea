# Notes that cross requests on the channel.
0      up found started handshake config address success opened => connected pick dial send-address ask-open
# The interface went: the gate locks by itself and says so first.
10     shut                              => leaving-wait ask-leave
10     ended                             => waiting forget due 10
10     timer found                       => connecting-asked pick dial
10     !shut !ended !shut started        => connecting
10.1   ended                             => waiting forget due 10.6
# An openvpn that nobody asked for is ended.
10.2   started                           => leaving-wait ask-leave
10.3   ended                             => waiting forget due 11.3
10.4   opened                            => leaving-wait ask-leave
10.5   refused                           => waiting forget due 12.5
10.6   wanted-down                       => down
10.7   started                           => leaving-down ask-leave
10.8   ended                             => down forget
