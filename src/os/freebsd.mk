# FreeBSD 13 and later: which file of each port, where things lie, what is linked.
BACKENDS := pf or ipfw
SECRETS := password-file
RUNDIR := /var/run
STATEDIR := /var/db
INTERFACE := tun87
OPENVPN := /usr/local/sbin/openvpn
OPENVPN_USER := _openvpn
# Endings of the files that this platform has; and of the ports, what has another name.
FAMILY := unix bsd freebsd
PROBE := firewall/probe firewall/probe_group
FIREWALL := firewall/pf/* firewall/ipfw/* firewall/pause_watchdog process/tool_async host/lockfile host/file $(PROBE)
NETWATCH := netwatch/bsd/*
ROUTE := route/tunnel_words route/evidence route/route_proof route/watch
DNS := dns/dns_freebsd dns/resolvconf dns/unwatched dns/words
CAPTIVE_DNS := dns/captive_dns_socket_null
CHILD := process/child_memfd route/tun route/tun_status
DESCRIPTOR := process/descriptor_flags process/descriptor
SLEEP := host/sleep_gap host/sleep_clocks
STRICT_BOOT := service/strict_boot_null
SERVICE := service/service_rcd service/account_pw
SERVICE_FILES := $(foreach file,$(wildcard init/rc.d/*),$(file):etc/rc.d:755)
GATE_PACKAGES := libevent_core libconfuse
DRIVER_PACKAGES := libevent_core jansson libssl libcrypto
CTL_PACKAGES := libevent_core jansson
LINK_HARDENING := -pie -Wl,-z,relro,-z,now
