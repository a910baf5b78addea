# Linux: which file of each port, where things lie, what is linked.
BACKENDS := nft
SECRETS := password-file
RUNDIR := /run
STATEDIR := /var/lib
INTERFACE := tun0
OPENVPN := /usr/sbin/openvpn
OPENVPN_USER := _openvpn
# Endings of the files that this platform has; and of the ports, what has another name.
FAMILY := unix linux
FIREWALL := firewall/nft/* firewall/tc_filter
PROBE := firewall/probe firewall/probe_group
NETLINK := netwatch/linux/attributes netwatch/linux/netlink netwatch/linux/netlink_owner
NETWATCH := netwatch/linux/*
ROUTE := route/kernel route/watch route/plan route/probes route/route_proof
DNS := dns/dns_linux dns/resolvconf dns/unwatched dns/words
CAPTIVE_DNS := dns/captive_dns_socket_null
CHILD := process/child_memfd
DESCRIPTOR := process/descriptor_flags process/descriptor
CONFINE := process/sandbox/confine_calls process/sandbox/confine_files
MACHINE := service/machine_initrd service/machine_systemd
STRICT_BOOT := service/strict_boot_null
SERVICE := service/service_systemd service/account_sysusers
SERVICE_FILES := init/systemd/portcullis-lock.service.in:lib/systemd/system:644 init/systemd/portcullis.service.in:lib/systemd/system:644 \
	init/systemd/portcullis-online.service.in:lib/systemd/system:644 init/systemd/portcullis-sleep.service.in:lib/systemd/system:644 \
	init/systemd/portcullis-unconfirmed.service.in:lib/systemd/system:644 init/systemd/99-portcullis.rules.in:lib/udev/rules.d:644 \
	init/systemd/nftables.service.d/portcullis.conf.in:lib/systemd/system/nftables.service.d:644 init/systemd/nftables.in:libexec/portcullis:755 \
	init/systemd/sysusers.d/portcullis.conf:lib/sysusers.d:644 init/systemd/tmpfiles.d/portcullis.conf.in:lib/tmpfiles.d:644
EXAMPLES := share/doc/portcullis/examples
# Installed as examples: their user copies them to where that init reads them.
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
GATE_PACKAGES := libevent_core libconfuse libmnl libseccomp
DRIVER_PACKAGES := libevent_core jansson libssl libcrypto libseccomp
CTL_PACKAGES := libevent_core jansson libmnl
LINK_HARDENING := -pie -Wl,-z,relro,-z,now
