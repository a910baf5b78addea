"""Private network, mount and pid namespaces for a command; everything in them dies with this process."""
import ctypes
import os
import shlex
import signal
import sys

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x20000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 1 << 18
PR_SET_PDEATHSIG = 1
INSIDE = "PORTCULLIS_E2E_INSIDE"
# The directories that a test may write to. They are private, so nothing reaches the machine.
PRIVATE = ("/run", "/var/lib", "/var/log", "/mnt")
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Where the built programs are inside the namespaces. Tests run them as other users, who can't enter a home of mode
# 0700.
BUILD = "/mnt/build"

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def mount(source, target, kind, flags=0, data=None):
    check(libc.mount(source.encode(), target.encode(), kind.encode() if kind else None, flags,
                     data.encode() if data else None), f"mount {target}")


def is_inside():
    return os.environ.get(INSIDE) == "1"


def init(argv):
    """Process 1 of the namespace: mounts, starts the command, reaps orphans."""
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc")
    built = os.path.abspath(os.environ.get("BUILD", f"{TOP}/build"))
    # Opened before /mnt is covered: in nested namespaces the build is there.
    built = os.open(built, os.O_PATH | os.O_CLOEXEC) if os.path.isdir(built) else None
    for directory in PRIVATE:
        mount("tmpfs", directory, "tmpfs", 0, "mode=755,size=2g")
    os.makedirs("/run/netns")
    os.makedirs("/run/e2e/tmp")
    os.chmod("/run/e2e", 0o711)
    os.chmod("/run/e2e/tmp", 0o1777)
    os.makedirs("/var/lib/dhcp")
    # As on most systems, everybody may open the device. What the gate creates beside it stays in here, too.
    os.makedirs("/dev/net", exist_ok=True)
    mount("tmpfs", "/dev/net", "tmpfs", 0, "mode=755,size=64k")
    os.mknod("/dev/net/tun", 0o20600, os.makedev(10, 200))
    os.chmod("/dev/net/tun", 0o666)
    environment = dict(os.environ, TMPDIR="/run/e2e/tmp", PYTHONDONTWRITEBYTECODE="1")
    if built is not None:
        os.makedirs(BUILD)
        mount(f"/proc/self/fd/{built}", BUILD, None, MS_BIND | MS_REC)
        os.close(built)
        environment["BUILD"] = BUILD
    environment[INSIDE] = "1"
    # What the machine's own service manager has set must not reach a daemon under test.
    environment.pop("NOTIFY_SOCKET", None)
    payload = os.fork()
    if payload == 0:
        os.execvpe(argv[0], argv, environment)
    while True:
        pid, status = os.wait()
        if pid == payload:
            return os.waitstatus_to_exitcode(status)


def run(argv):
    """Runs argv inside and exits with its exit code; never returns."""
    if os.geteuid() != 0:
        sys.exit("end-to-end tests make network namespaces: run as root")
    check(libc.unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID), "unshare")
    child = os.fork()
    if child == 0:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        try:
            code = init(argv)
        except OSError as problem:
            print(problem, file=sys.stderr)
            code = 1
        sys.stdout.flush()
        os._exit(code if code >= 0 else 128 - code)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command inside gets it too, and reports it
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def run_pytest(config, prepare=None):
    """For a conftest's pytest_configure: runs the same pytest again inside the namespaces; does nothing if this process
    is already inside. `prepare` is called before that, outside, for what needs the archive or a compiler.

    With xdist's `-n` each worker has namespaces of its own, so that no name, port, device or path of a test collides
    with that of another worker."""
    if is_inside():
        if hasattr(config, "workerinput"):
            config.option.basetemp = None  # not that of the outer pytest: TMPDIR is private
        return
    if getattr(config.option, "dist", "no") != "no":
        if prepare:
            prepare()
        worker = shlex.join([sys.executable, "-B", os.path.abspath(__file__), sys.executable, "-B"])
        config.option.tx = [f"popen//python={worker}"] * len(config.option.tx)
        return
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture:
        capture.suspend_global_capture(in_=True)
    if prepare:
        prepare()
    os.chdir(str(config.invocation_params.dir))
    run([sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", *config.invocation_params.args])


def note_failure(item, outcome):
    """For a conftest's pytest_runtest_makereport: remembers whether the test failed."""
    report = outcome.get_result()
    if report.when == "call":
        item.call_failed = report.failed


def has_failed(request):
    """Has the test failed? A fixture asks this at its end, to print logs only then."""
    return getattr(request.node, "call_failed", False)


if __name__ == "__main__":
    run(sys.argv[1:])
