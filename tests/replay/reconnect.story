# `reconnect`: leaves, and dials again at once, whatever the back-off says.
0      up found started exited ended     => waiting pick dial ask-leave forget due 0.5
0.1    reconnect found started           => connecting pick dial
0.2    reconnect                         => leaving-retry ask-leave
0.3    !success !opened !network ended   => resolving forget pick
0.3    found started handshake config address success opened => connected dial send-address ask-open
9      reconnect ended found started     => connecting ask-leave forget pick dial
