# Nobody answers: each attempt ends after 30 s without progress, then the wait doubles.
0      up found started                  => connecting pick dial due 30
30     timer                             => leaving-wait ask-leave due 35
30.1   !exited ended                     => waiting forget due 30.6
30.6   timer found started               => connecting pick dial due 60.6
# It answers, then the handshake stalls: 30 s from there.
45     handshake                         => authenticating due 75
75     timer ended                       => waiting ask-leave forget due 76
# The gate does not answer the request to leave: it is asked again, never dialled over.
76     timer found started               => connecting pick dial due 106
106    timer                             => leaving-wait ask-leave due 111
111    timer                             => leaving-wait ask-leave due 116
116    timer                             => leaving-wait ask-leave due 121
117    ended                             => waiting forget due 119
