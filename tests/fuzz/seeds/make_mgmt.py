"""Writes seeds/mgmt/ from the recorded sessions: what the daemon said, cut short, behind two control bytes."""
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
TRANSCRIPTS = HERE.parents[2] / "openvpn-mgmt/tests/transcripts"
NAMES = """01-basic-connect-hold-updown 02-management-password 03-command-syntax-errors 09a-auth-user-pass-ok.server-mgmt
09c-auth-failed-reason-retry-none 09i-dynamic-challenge-crv1 10a-static-challenge 11a-auth-pending-webauth 12a-auth-token
13d-connect-retry-max 14b-server-sigterm-een2 16b-sigusr1-persist-tun 18a-external-ec-v1 18b-external-rsa-v3-pss
19c-private-key-password-wrong-interact 60e-v27-version-replies 61a-v27-static-challenge-concat
61c-v27-multiline-password-no-version 62a-v27-push-update.server-mgmt""".split()
BY_HAND = {
    "pkcs11": b">PASSWORD:Need 'a token' password\r\nSUCCESS: x\r\n>PKCS11ID-COUNT:1\r\n"
    b">PKCS11ID-ENTRY:'0', ID:'a', BLOB:'b'\r\n>REMOTE:h,1,udp\r\n>PROXY:1,TCP,h\r\n"
    b">NEED-OK:Need 'a' confirmation MSG:b\r\n>NEED-STR:Need 'a' string MSG:b\r\n>BYTECOUNT_CLI:1,2,3\r\n",
    "overlong": b">LOG:1,I," + b"x" * 17000 + b"\r\nERROR: " + b"y" * 17000 + b"\r\n",
}


def daemon_bytes(name):
    out = b""
    for line in (TRANSCRIPTS / f"{name}.txt").read_bytes().splitlines():
        head, _, text = line.partition(b" <- ")
        if text and head.strip().replace(b".", b"").isdigit():
            out += b"ENTER PASSWORD:" if b"[no newline]" in text else text + b"\r\n"
    return out[:4000]


def main():
    to = HERE / "mgmt"
    to.mkdir(exist_ok=True)
    for number, name in enumerate(NAMES):
        (to / name).write_bytes(bytes([0x80 | number, number * 37 % 256]) + daemon_bytes(name))
    for number, (name, text) in enumerate(BY_HAND.items()):
        (to / name).write_bytes(bytes([number * 13, 0x1A + number]) + text)


if __name__ == "__main__":
    main()
