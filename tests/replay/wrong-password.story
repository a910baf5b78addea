# Credentials that no wait corrects (a challenge, a missing file): no second try until the user does something.
0      up found started handshake        => authenticating pick dial
0.5    credentials                       => leaving-stop ask-leave
0.6    !exited ended                     => stopped forget
50     !network !timer                   => stopped
# `up`, or new credentials by `reload` (a new driver), begin anew.
60     up found started handshake        => authenticating pick dial
# It may come behind openvpn's leaving.
60.1   exited                            => leaving-wait ask-leave
60.1   credentials                       => leaving-stop
60.2   !denied ended                     => stopped forget
70     reconnect found started handshake credentials => leaving-stop pick dial ask-leave
70.1   up ended                          => resolving forget pick
70.1   wanted-down                       => down
