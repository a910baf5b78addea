# A change of network cuts a wait short, but two attempts are never less than 0.5 s apart.
0      up found started exited ended     => waiting pick dial ask-leave forget due 0.5
0.1    network                           => waiting due 0.5
0.5    timer found started exited ended  => waiting pick dial ask-leave forget due 1.5
1.5    timer found started exited ended  => waiting pick dial ask-leave forget due 3.5
2.9    network                           => waiting due 2.9
2.9    timer found started               => connecting pick dial due 32.9
# During an attempt it changes nothing: what is sent takes the new way by itself.
10     !network                          => connecting due 32.9
# While leaving it is remembered.
32.9   timer                             => leaving-wait ask-leave
33     network                           => leaving-wait
33.4   ended                             => waiting forget due 33.4
33.4   timer found refused               => waiting pick dial forget due 41.4
# A link that flaps: two tries a second at most.
33.5   network                           => waiting due 33.9
33.6   network                           => waiting due 33.9
33.9   timer found refused               => waiting pick dial forget due 49.9
34     network                           => waiting due 34.4
