# CONNECTED,ROUTE_ERROR never opens and is no fast loop.
0      up found started handshake config address connect-errors => leaving-wait pick dial send-address ask-leave
0      ended                             => waiting forget due 0.5
0.5    timer found started handshake config address connect-errors ended => waiting pick dial send-address ask-leave forget due 1.5
1.5    timer found started handshake config address connect-errors ended => waiting pick dial send-address ask-leave forget due 3.5
# The gate refuses to open: likewise.
3.5    timer found started handshake config address success refused-running => leaving-wait pick dial send-address ask-open ask-leave
3.6    !opened ended                     => waiting forget due 7.6
# No server of the profile was ever resolved: it waits, and says so.
7.6    timer none                        => waiting pick due 15.6
