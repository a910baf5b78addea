# Linux: which file of each port, where things lie, what is linked.
BACKENDS := nft
SECRETS := password-file
RUNDIR := /run
STATEDIR := /var/lib
INTERFACE := tun0
OPENVPN := /usr/sbin/openvpn
OPENVPN_USER := _openvpn
FIREWALL := firewall_nft*
NETLINK := netlink_linux netlink_holder_linux
NETWATCH := behind_linux netwatch_rtnl* netwatch_prefixes $(NETLINK)
DNS := dns_linux dns_resolvconf dns_unwatched dns_words
NAMES := names_socket_null
KEYCHAIN := keychain_null
CONFINE := confine_linux confine_calls_linux confine_files_linux
TUN_NODE := tun_node_linux
CHILD := child_linux child_memfd child_unix pid_linux pid_unix tool_unix
DESCRIPTOR := descriptor_flags
PEER := peer_linux peer_unix
DEVICE := device_linux route_linux route_kernel_linux route_watch_linux route_plan
PORTS := forwarding_linux dns_by_hand_linux daemon_linux notify_linux off_marker_linux off_marker_unix $(PEER) process_unix sleep_linux
MACHINE := machine_linux machine_initrd machine_systemd machine_fact machine_unix
STRICT_BOOT := strict_boot_null
SERVICE := service_systemd account_sysusers
SERVICE_FILES := init/systemd/portcullis-lock.service.in:lib/systemd/system:644 init/systemd/portcullis.service.in:lib/systemd/system:644 \
	init/systemd/portcullis-online.service.in:lib/systemd/system:644 init/systemd/99-portcullis.rules.in:lib/udev/rules.d:644 \
	init/systemd/nftables.service.d/portcullis.conf.in:lib/systemd/system/nftables.service.d:644 init/systemd/nftables.in:libexec/portcullis:755 \
	init/systemd/sysusers.d/portcullis.conf:lib/sysusers.d:644 init/systemd/tmpfiles.d/portcullis.conf.in:lib/tmpfiles.d:644
EXAMPLES := share/doc/portcullis/examples
# Not installed where another init would read them: copied by hand.
SERVICE_FILES += init/openrc/portcullis-lock.in:$(EXAMPLES)/openrc:755 init/openrc/portcullis.in:$(EXAMPLES)/openrc:755 \
	init/runit/00-portcullis.sh.in:$(EXAMPLES)/runit:755 init/runit/portcullis/run.in:$(EXAMPLES)/runit/portcullis:755 \
	init/s6/portcullis/run.in:$(EXAMPLES)/s6/portcullis:755 init/s6/portcullis/type:$(EXAMPLES)/s6/portcullis:644 \
	init/s6/portcullis/timeout-kill:$(EXAMPLES)/s6/portcullis:644 \
	init/s6/portcullis/dependencies.d/portcullis-lock:$(EXAMPLES)/s6/portcullis/dependencies.d:644 \
	init/s6/portcullis-lock/up.in:$(EXAMPLES)/s6/portcullis-lock:644 init/s6/portcullis-lock/type:$(EXAMPLES)/s6/portcullis-lock:644
# initramfs-tools looks in two places, neither of them under a prefix of one's own.
INITRAMFS = $(if $(filter /usr,$(PREFIX)),/usr/share,$(SYSCONFDIR))/initramfs-tools
INITRAMFS_FILES := init/initramfs/hook:hooks/portcullis init/initramfs/init-top:scripts/init-top/00-portcullis
ENABLED := /etc/systemd/system/multi-user.target.wants/portcullis.service
PROBE := probe_unix probe_group
SANDBOX := sandbox_linux
GATE_PACKAGES := libevent_core libconfuse libmnl libseccomp
DRIVER_PACKAGES := libevent_core jansson libseccomp
CTL_PACKAGES := libevent_core jansson libmnl
LINK_HARDENING := -pie -Wl,-z,relro,-z,now
