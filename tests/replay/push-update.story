# openvpn 2.7 takes its device down on a PUSH_UPDATE without saying RECONNECTING: the attempt ends.
0      up found started handshake config address success opened => connected pick dial send-address ask-open
60     device-down                       => leaving-wait ask-leave
61     !config !address !success ended   => waiting forget due 61
# Changed addresses under an open gate end it too.
61     timer found started handshake config address success opened => connected pick dial send-address ask-open
120    address                           => leaving-wait ask-leave
