"""portcullis import: what a user's link, folder or file leads to is never read with root's rights."""
import os
import subprocess
import threading

import pytest

from daemon import BUILD

USER, OTHER = 64077, 64078
SERVER = "client\ndev tun\nremote 203.0.113.66 1194 udp\nremote-cert-tls server\n"


class Disk:
    """A folder of root's that holds a secret, and homes of users."""

    def __init__(self, path, keys):
        self.path, self.keys = path, keys
        path.chmod(0o755)
        self.secret = path / "root-only.pem"
        self.secret.write_text(self.read("client.key"))
        self.secret.chmod(0o600)
        self.home = self.folder("home", USER)
        self.stick = self.folder("stick")

    def read(self, name):
        with open(f"{self.keys}/{name}", encoding="ascii") as file:
            return file.read()

    def folder(self, name, owner=0, mode=0o755):
        made = self.path / name
        made.mkdir()
        made.chmod(mode)
        os.chown(made, owner, owner)
        return made

    def file(self, path, text, owner=0, mode=0o644):
        path.write_text(text)
        path.chmod(mode)
        os.chown(path, owner, owner)
        return path

    def profile(self, path, key, owner=0, mode=0o644):
        """A profile that names a file with the key."""
        inline = "".join(f"<{tag}>\n{self.read(name)}</{tag}>\n" for tag, name in (("ca", "ca.crt"), ("cert", "client.crt")))
        return self.file(path, f"{SERVER}key {key}\n{inline}", owner, mode)

    def link(self, path, target, owner=0):
        os.symlink(target, path)
        os.lchown(path, owner, owner)
        return path

    def imported(self, path, cwd="/"):
        """The exit code and output of the import, and whether the key is in what was written."""
        done = subprocess.run([f"{BUILD}/portcullis", "import", str(path), "it", "--to", str(self.path / "to")], cwd=cwd,
                              capture_output=True, text=True, errors="replace", check=False, timeout=20)
        made = self.path / "to" / "it.ovpn"
        held = made.exists() and "PRIVATE KEY" in made.read_text()
        if made.exists():
            made.unlink()
        return done.returncode, done.stderr, held

    def taken(self, path, **more):
        code, words, held = self.imported(path, **more)
        assert code == 0 and held, words

    def refused(self, path, word, **more):
        code, words, held = self.imported(path, **more)
        assert code == 1 and not held and word in words, words
        secret = self.read("client.key").splitlines()[1]
        assert secret not in words


@pytest.fixture
def disk(tmp_path, whole_world):
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    return Disk(tmp_path, whole_world.keys)


def test_a_users_link(disk):
    """A link to a file of uid 0 whose contents are a stranger's: as on an ext4 stick, or from an archive."""
    stick = disk.profile(disk.stick / "x.ovpn", disk.secret)
    disk.refused(disk.link(disk.home / "x.ovpn", stick, USER), "root-only.pem")
    disk.refused(disk.link(disk.home / "again.ovpn", "x.ovpn", USER), "root-only.pem")
    folder = disk.link(disk.home / "folder", disk.stick, USER)
    disk.refused(folder / "x.ovpn", "root-only.pem")
    disk.refused("x.ovpn", "root-only.pem", cwd=disk.home)
    # The secret itself, like anything that only root can read, is not a profile of the user's.
    disk.refused(disk.link(disk.home / "secret.ovpn", disk.secret, USER), "may not read it")
    # The same with check, which root may run too.
    checked = subprocess.run([f"{BUILD}/portcullis", "check", str(disk.home / "x.ovpn")], capture_output=True, text=True,
                             check=False, timeout=20)
    assert checked.returncode == 1 and "root-only.pem: Permission denied" in checked.stderr, checked
    # The control: a link to what the user can read is fine.
    disk.file(disk.stick / "readable.pem", disk.read("client.key"))
    disk.profile(disk.stick / "x.ovpn", disk.stick / "readable.pem")
    disk.taken(disk.home / "x.ovpn")


def test_a_users_folder(disk):
    """Whatever is in a user's folder may be the user's doing, whoever owns the file: a hard link, or a file that was
    moved there."""
    stick = disk.profile(disk.stick / "x.ovpn", disk.secret)
    os.link(stick, disk.home / "hard.ovpn")
    disk.refused(disk.home / "hard.ovpn", "root-only.pem")
    disk.profile(disk.home / "roots.ovpn", disk.secret, mode=0o600)
    disk.refused(disk.home / "roots.ovpn", "may not read it")
    disk.profile(disk.home / "own.ovpn", disk.secret, USER)
    disk.refused(disk.home / "own.ovpn", "root-only.pem")
    disk.refused(disk.link(disk.path / "by-root.ovpn", disk.home / "own.ovpn"), "root-only.pem")
    disk.file(disk.home / "own.pem", disk.read("client.key"), USER, 0o600)
    disk.profile(disk.home / "own.ovpn", "own.pem", USER)
    disk.taken(disk.home / "own.ovpn")
    disk.taken("own.ovpn", cwd=disk.home)
    disk.taken(disk.path / "by-root.ovpn")
    disk.profile(disk.home / "others.ovpn", "own.pem", OTHER)
    disk.refused(disk.home / "others.ovpn", "could both have changed its path")


def test_a_folder_of_roots(disk):
    """With root's rights a profile may refer to what is beside it and to nothing else, because its text may be a
    stranger's."""
    disk.profile(disk.stick / "x.ovpn", disk.secret)
    disk.refused(disk.stick / "x.ovpn", "outside the profile's directory")
    disk.profile(disk.stick / "x.ovpn", "../root-only.pem")
    disk.refused(disk.stick / "x.ovpn", "leads out of the directory")
    disk.link(disk.stick / "link.pem", disk.secret)
    disk.profile(disk.stick / "x.ovpn", "link.pem")
    disk.refused(disk.stick / "x.ovpn", "a link, and links are not followed")
    disk.file(disk.stick / "users.pem", disk.read("client.key"), USER)
    disk.profile(disk.stick / "x.ovpn", "users.pem")
    disk.refused(disk.stick / "x.ovpn", "others may have changed it")
    disk.file(disk.stick / "own.pem", disk.read("client.key"), mode=0o600)
    for key in ("own.pem", "./own.pem", disk.stick / "own.pem"):
        disk.profile(disk.stick / "x.ovpn", key, mode=0o600)
        disk.taken(disk.stick / "x.ovpn")
    # If anybody could have put it there, it is not read.
    disk.stick.chmod(0o777)
    disk.refused(disk.stick / "x.ovpn", "others may have changed it")
    disk.stick.chmod(0o755)
    (disk.stick / "x.ovpn").chmod(0o666)
    disk.refused(disk.stick / "x.ovpn", "others may have changed it")


def test_what_is_no_file(disk):
    """Pipes, devices, folders, and what only looks like a file: refused at once."""
    os.mkfifo(disk.home / "pipe.ovpn")
    os.chown(disk.home / "pipe.ovpn", USER, USER)
    disk.refused(disk.home / "pipe.ovpn", "not a regular file")
    disk.refused(disk.link(disk.home / "zero.ovpn", "/dev/zero", USER), "not a regular file")
    disk.refused(disk.link(disk.home / "environ.ovpn", "/proc/1/environ", USER), "may not read it")
    disk.refused(disk.link(disk.home / "loop.ovpn", "loop.ovpn", USER), "a link to nothing")
    disk.refused(disk.home, "not a Tunnelblick bundle")
    key = disk.home / "pipe.pem"
    os.mkfifo(key)
    os.chown(key, USER, USER)
    disk.profile(disk.home / "x.ovpn", key, USER)
    disk.refused(disk.home / "x.ovpn", "not a regular file")


def test_a_users_link_to_a_bundle(disk):
    """The same as test_a_users_link, for Tunnelblick's bundles."""
    bundle = disk.folder("it.tblk", mode=0o700)
    disk.profile(bundle / "config.ovpn", "own.pem", mode=0o600)
    disk.file(bundle / "own.pem", disk.read("client.key"), mode=0o600)
    link = disk.link(disk.home / "it.tblk", bundle, USER)
    disk.refused(link, "may not read it")
    disk.taken(bundle)


def test_between_the_look_and_the_reading(disk):
    """A link that changes all the time: the result is either what the user may read, or a refusal."""
    good = disk.file(disk.home / "own.pem", disk.read("other.key"), USER, 0o600)
    own = disk.profile(disk.home / "own.ovpn", good, USER)
    stick = disk.profile(disk.stick / "x.ovpn", disk.secret)
    over = threading.Event()

    def turn():
        for n in range(1_000_000):
            if over.is_set():
                return
            os.symlink(own if n % 2 else stick, disk.home / "new")
            os.lchown(disk.home / "new", USER, USER)
            os.rename(disk.home / "new", disk.home / "turning.ovpn")
    turning = threading.Thread(target=turn)
    turning.start()
    secret, written = disk.read("client.key").splitlines()[1], []
    try:
        for _ in range(25):
            subprocess.run([f"{BUILD}/portcullis", "import", str(disk.home / "turning.ovpn"), "it", "--to", str(disk.path / "to")],
                           capture_output=True, check=False, timeout=20)
            if (disk.path / "to/it.ovpn").exists():
                written.append((disk.path / "to/it.ovpn").read_text())
                (disk.path / "to/it.ovpn").unlink()
    finally:
        over.set()
        turning.join()
    assert written, "control: some were taken"
    assert not [text for text in written if secret in text]
