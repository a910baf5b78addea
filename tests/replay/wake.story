# Asleep for an hour in the middle of a wait, and awake: a try at once.
0      up found started exited ended     => waiting pick dial ask-leave forget due 0.5
0.5    timer found started exited ended  => waiting pick dial ask-leave forget due 1.5
1.5    timer found started exited ended  => waiting pick dial ask-leave forget due 3.5
3.5    timer found started exited ended  => waiting pick dial ask-leave forget due 7.5
7.5    timer found started exited ended  => waiting pick dial ask-leave forget due 15.5
# The clock stood still while asleep.
8.2    network                           => waiting due 8.2
8.2    timer found started handshake config address success opened => connected pick dial send-address ask-open
# Asleep while connected: openvpn itself finds out.
500    !network                          => connected
512    restart ended                     => waiting ask-leave forget due 512
