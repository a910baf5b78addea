# Linux: which file of each port, where things lie, what is linked.
BACKENDS := nft
SECRETS := password-file
RUNDIR := /run
STATEDIR := /var/lib
INTERFACE := tun0
OPENVPN := /usr/sbin/openvpn
FIREWALL := firewall_nft*
NETLINK := netlink_linux
NETWATCH := netwatch_rtnl* netwatch_prefixes $(NETLINK)
DNS := dns_linux dns_resolvconf dns_unwatched dns_words
NAMES := names_socket_null
KEYCHAIN := keychain_null
CHILD := child_linux child_unix pid_linux pid_unix tool_unix
DESCRIPTOR := descriptor_flags
PEER := peer_linux peer_unix
PORTS := dns_by_hand_linux daemon_linux off_marker_linux off_marker_unix $(PEER) process_unix sleep_linux
MACHINE := machine_linux machine_systemd machine_fact machine_unix
STRICT_BOOT := strict_boot_null
SERVICE := service_systemd account_sysusers
SERVICE_FILES := systemd/portcullis-lock.service.in:lib/systemd/system:644 systemd/portcullis.service.in:lib/systemd/system:644 \
	systemd/portcullis.conf:lib/sysusers.d:644
ENABLED := /etc/systemd/system/multi-user.target.wants/portcullis.service
SANDBOX := sandbox_linux
GATE_PACKAGES := libevent_core libconfuse libmnl
DRIVER_PACKAGES := libevent_core jansson libseccomp
CTL_PACKAGES := libevent_core jansson libmnl
LINK_HARDENING := -pie -Wl,-z,relro,-z,now
