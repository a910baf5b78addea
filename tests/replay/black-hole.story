# Nobody answers: each attempt ends after a short time, twice as long each round, and the wait doubles, too.
0      up found started                  => connecting pick dial due 4
4      timer                             => leaving-wait ask-leave due 9
4.1    !exited ended                     => waiting forget due 4.6
4.6    timer found started               => connecting pick dial due 12.6
# It answers, then the handshake stalls: 30 s from there.
10     handshake                         => authenticating due 40
40     timer ended                       => waiting ask-leave forget due 41
41     timer found started               => connecting pick dial due 57
57     timer ended                       => waiting ask-leave forget due 59
59     timer found started               => connecting pick dial due 89
89     timer ended                       => waiting ask-leave forget due 93
93     timer found started               => connecting pick dial due 123
# The gate does not answer the request to leave: it is asked again, never dialled over.
123    timer                             => leaving-wait ask-leave due 128
128    timer                             => leaving-wait ask-leave due 133
133    timer                             => leaving-wait ask-leave due 138
134    ended                             => waiting forget due 142
