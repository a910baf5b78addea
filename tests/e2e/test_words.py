"""What a profile, a server and an openvpn say about trust: never less of it than plain openvpn would have."""
from test_flow import gets_out
from wire import Endpoint
from world import SERVER4, SERVERS, Server


def refused_for(gate, word):
    """The gate stays shut and the log says why."""
    gate.start()
    gate.wait(tunnel={"waiting", "stopped", "connecting"}, gate={"locked", "dialling"})
    with gate.watch() as watch:
        watch.until(tunnel="waiting")
    assert word in gate.log(), gate.told(word)
    assert gate.kernel_gate() != "open"


def test_field_that_names_the_server(world, portcullis):
    """verify-x509-name compares with the field that x509-username-field names: lost, a stranger's name would do."""
    extra = ["verify-x509-name server name"]
    gate = portcullis(extra=extra).start_open()  # control: the name alone fits
    assert gate.stop() == 0
    with world.wire("udp") as wire:
        gate.write(world.profile("udp", extra=[*extra, "x509-username-field emailAddress"]))
        refused_for(gate, "could not extract emailAddress")
        assert not gets_out(world, wire)


def test_server_that_does_not_encrypt(world, portcullis):
    """A keyword of OpenSSL's that overlaps with suites without encryption: they are taken out behind it."""
    naked = ["--tls-version-max", "1.2", "--tls-cipher", "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0"]
    SERVERS.setdefault("naked", Server("naked", Endpoint(SERVER4, 1207, "udp"), 23, naked))
    bare = world.bare_vpn("naked", "--tls-cipher", "SHA1:@SECLEVEL=0", "--verb", "4")  # control: it would be taken
    bare.kill()
    world.fresh_host()
    with world.wire("naked") as wire:
        gate = portcullis("naked", extra=["hand-window 1", "tls-cipher SHA1:@SECLEVEL=0"])
        refused_for(gate, "TLS")
        assert not gets_out(world, wire)
    done = gate.ctl("check", gate.profile)
    assert done.returncode == 0 and "weak cryptography" in done.stderr, done.stderr
    gate.write(world.profile("naked", extra=["tls-cipher COMPLEMENTOFALL:@SECLEVEL=0"]))
    done = gate.ctl("check", gate.profile)
    assert done.returncode == 1 and "known to encrypt" in done.stderr, done.stderr
