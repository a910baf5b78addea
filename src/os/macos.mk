# macOS 12 and later: which file of each port, where things lie, what is linked.
BACKENDS := pf
SECRETS := password-file keychain
RUNDIR := /var/run
STATEDIR := /var/db
INTERFACE := utun87
# Homebrew has another root on each kind of processor.
OPENVPN := $(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),/usr/local,/opt/homebrew)/sbin/openvpn
OPENVPN_USER := _openvpn
# Endings of the files that this platform has; and of the ports, what has another name.
FAMILY := unix bsd macos
PROBE := firewall/probe
FIREWALL := firewall/pf/* firewall/pause_watchdog host/lockfile host/file $(PROBE)
NETWATCH := netwatch/bsd/*
ROUTE := route/tunnel_words route/evidence route/route_proof route/watch
DNS := dns/scutil dns/scutil_text dns/words
CAPTIVE_DNS := dns/captive_dns_socket_loopback dns/captive_dns_query
DESCRIPTOR := process/descriptor_macos
CONFINE := process/sandbox/confine_profile
KEYCHAIN := host/keychain_item
SLEEP := host/sleep_gap host/sleep_clocks
STRICT_BOOT := service/strict_boot_macos service/strict_boot_list
SERVICE := service/service_launchd service/pf_boot_lock service/account_dscl service/account_dscl_list
SERVICE_FILES := launchd/org.portcullis.lock.plist.in:share/portcullis:644 launchd/org.portcullis.daemon.plist.in:share/portcullis:644
ENABLED := /Library/LaunchDaemons/org.portcullis.daemon.plist
GATE_PACKAGES := libevent_core libconfuse
DRIVER_PACKAGES := libevent_core jansson libssl libcrypto
CTL_PACKAGES := libevent_core jansson
LINK_HARDENING :=
