"""The network that the machine is connected to: its wire, DHCP, router advertisements, DNS, and an internet."""
import os
import subprocess

import world as world_module
from netns import wait_for
from world import INTERNET4, INTERNET6, ROUTER4, ROUTER6, SERVERS, Server
from capture import Capture

ENDPOINT = SERVERS["udp"].endpoint
# Its log gives the time of each line as a number.
SERVERS["boot"] = Server("boot", ENDPOINT, 8, ["--machine-readable-output", "--duplicate-cn"])
MACHINE4 = world_module.HOST4


class Network:
    """One network for all machines, which run one after the other, each on the same tap."""

    def __init__(self, directory):
        self.directory = directory
        self.world = world_module.World().start()
        self.ns = self.world.rtr
        self.log = f"{world_module.ROOT}/server-boot.log"
        self.ns.run("ip", "tuntap", "add", "r0", "mode", "tap")
        self.ns.ip(f"address add {ROUTER4}/24 dev r0", f"address add {ROUTER6}/64 dev r0 nodad", "link set r0 up")
        self.names = self.ns.popen(
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--interface=r0", "--bind-dynamic", "--no-resolv", "--no-hosts",
            "--user=root", f"--pid-file={directory}/dnsmasq.pid", f"--dhcp-leasefile={directory}/leases", "--log-dhcp",
            f"--log-facility={directory}/dnsmasq.log", f"--dhcp-range={MACHINE4},{MACHINE4},1h",
            "--dhcp-range=2001:db8:50::100,2001:db8:50::1ff,64,1h", "--enable-ra", "--dhcp-authoritative",
            f"--dhcp-option=option:ntp-server,{INTERNET4}", f"--address=/#/{INTERNET4}", f"--address=/#/{INTERNET6}",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: os.path.exists(f"{directory}/dnsmasq.pid"), "dnsmasq runs")
        self.world.server("boot")
        self.captures = 0

    def profile(self):
        return self.world.profile("boot")

    def capture(self):
        """Begins before the power is on. The file is in the folder of the images."""
        self.captures += 1
        return Capture(self.ns, "r0", f"{self.directory}/capture-{self.captures}.pcap", [ENDPOINT])

    def connections(self, after=0.0):
        """When the server accepted a client, by its own log."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            lines = [line.split(" ", 2) for line in file if "primary virtual IP for" in line]
        return [float(line[0]) for line in lines if float(line[0]) > after]

    def stop(self):
        self.names.terminate()
        self.names.wait(10)
        for ns in (self.world.rtr, self.world.srv):
            ns.destroy()
