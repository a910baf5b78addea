# macOS 12 and later: which file of each port, where things lie, what is linked.
BACKENDS := pf
SECRETS := password-file keychain
RUNDIR := /var/run
STATEDIR := /var/db
INTERFACE := utun87
# Homebrew has another root on each kind of processor.
OPENVPN := $(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),/usr/local,/opt/homebrew)/sbin/openvpn
OPENVPN_USER := _openvpn
PROBE := probe_unix probe_macos
FIREWALL := firewall_pf firewall_pf_anchor firewall_pf_health firewall_pf_leak firewall_pf_main firewall_pf_parse firewall_pf_pause \
	firewall_pf_talk firewall_pf_macos guardian_unix holder_unix file_unix $(PROBE)
NETLINK :=
NETWATCH := behind_null netwatch_route netwatch_route_bsd netwatch_route_change netwatch_route_decode netwatch_route_facts netwatch_route_known \
	netwatch_route_layout netwatch_route_macos netwatch_prefixes
DNS := dns_scutil* dns_words
NAMES := names_socket_loopback names_ask
KEYCHAIN := keychain_macos keychain_item
CONFINE := confine_bsd confine_macos confine_profile
TUN_NODE := tun_node_null
CHILD := child_macos child_bsd child_words_macos child_unix pid_macos pid_bsd pid_unix tool_unix
DESCRIPTOR := descriptor_macos
PEER := peer_macos peer_bsd peer_unix
DEVICE := device_macos device_bsd route_bsd tunnel_words tunnel_words_macos
PORTS := forwarding_null dns_by_hand_macos daemon_macos notify_null off_marker_macos off_marker_unix $(PEER) process_unix sleep_macos sleep_bsd sleep_gap
MACHINE := machine_macos machine_fact machine_unix
SANDBOX := sandbox_macos sandbox_bsd
POLICY_WITHOUT := nft_%
STRICT_BOOT := strict_boot_macos strict_boot_list
SERVICE := service_launchd pf_boot_lock account_dscl account_dscl_list
SERVICE_FILES := launchd/org.portcullis.lock.plist.in:share/portcullis:644 launchd/org.portcullis.daemon.plist.in:share/portcullis:644
ENABLED := /Library/LaunchDaemons/org.portcullis.daemon.plist
GATE_PACKAGES := libevent_core libconfuse
DRIVER_PACKAGES := libevent_core jansson
CTL_PACKAGES := libevent_core jansson
LINK_HARDENING :=
