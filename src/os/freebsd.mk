# FreeBSD 13 and later: which file of each port, where things lie, what is linked.
BACKENDS := pf or ipfw
SECRETS := password-file
RUNDIR := /var/run
STATEDIR := /var/db
INTERFACE := tun87
OPENVPN := /usr/local/sbin/openvpn
OPENVPN_USER := _openvpn
PROBE := probe_unix probe_group
FIREWALL := firewall_pf firewall_pf_anchor firewall_pf_health firewall_pf_leak firewall_pf_main firewall_pf_parse firewall_pf_pause \
	firewall_pf_talk firewall_pf_freebsd firewall_ipfw* tool_beside guardian_unix holder_unix file_unix $(PROBE)
NETLINK :=
NETWATCH := behind_null netwatch_route netwatch_route_bsd netwatch_route_change netwatch_route_decode netwatch_route_facts netwatch_route_known \
	netwatch_route_layout netwatch_route_freebsd netwatch_prefixes
DNS := dns_freebsd dns_resolvconf dns_unwatched dns_words
NAMES := names_socket_null
KEYCHAIN := keychain_null
CONFINE := confine_bsd confine_freebsd
TUN_NODE := tun_node_null
CHILD := child_freebsd child_memfd child_bsd child_words_freebsd child_unix pid_freebsd pid_bsd pid_unix tool_unix tun_freebsd tun_status
DESCRIPTOR := descriptor_flags
PEER := peer_freebsd peer_bsd peer_unix
DEVICE := device_freebsd device_bsd route_bsd tunnel_words tunnel_words_freebsd
PORTS := forwarding_null dns_by_hand_freebsd daemon_freebsd notify_null off_marker_freebsd off_marker_unix $(PEER) process_unix sleep_freebsd sleep_bsd sleep_gap
MACHINE := machine_freebsd machine_fact machine_unix
SANDBOX := sandbox_freebsd sandbox_bsd
POLICY_WITHOUT := nft_%
STRICT_BOOT := strict_boot_null
SERVICE := service_rcd account_pw
SERVICE_FILES := $(foreach file,$(wildcard init/rc.d/*),$(file):etc/rc.d:755)
GATE_PACKAGES := libevent_core libconfuse
DRIVER_PACKAGES := libevent_core jansson
CTL_PACKAGES := libevent_core jansson
LINK_HARDENING := -pie -Wl,-z,relro,-z,now
