"""The man pages say what the programs and the configuration have: every command, option and key; lint clean."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", TOP / "build"))
PAGES = sorted((TOP / "docs/man").glob("*.[0-9]"))


def said(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=20).stdout


def page(name):
    """The page as mandoc shows it, without hyphenation, overstrike and line ends."""
    text = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=900", TOP / "docs/man" / name], capture_output=True,
                          text=True, check=True, timeout=20).stdout
    return re.sub(r"\s+", " ", re.sub(".\b", "", text))


def commands():
    listed = [line.split()[0] for line in said(BUILD / "portcullis", "help").splitlines() if line.startswith("  ")]
    found = [word for word in listed if word.isalpha()]
    assert len(found) > 10
    return found


def defaults():
    """The defaults that this platform's file gives to the programs."""
    lines = (TOP / "src/os" / f"{os.uname().sysname.lower()}.mk").read_text().splitlines()
    values = dict(line.split(" := ") for line in lines if " := " in line)
    return {f"PORTCULLIS_{name}": values[name] for name in ("RUNDIR", "STATEDIR", "INTERFACE", "OPENVPN_USER", "OPENVPN")}


def keys():
    """Key and default, as the table in the reader of the configuration has them."""
    table = re.search(r"const struct key config_keys\[CONFIG_KEYS\] = \{\n(.*?)\n\};",
                      (TOP / "src/config/config_keys.c").read_text(), re.S).group(1)
    for macro, value in defaults().items():
        table = re.sub(rf'{macro}(?: "(.*?)")?', lambda match, value=value: f'"{value}{match.group(1) or ""}"', table)
    found = re.findall(r'\{"([a-z0-9.-]+)",\s*(?:"([^"]*)"|NULL),\s*read_', table)
    assert len(found) == table.count("read_") > 20
    return found


def test_there_is_a_page_for_each():
    assert [each.name for each in PAGES] == ["portcullis-driver.8", "portcullis.8", "portcullis.conf.5",
                                             "portcullisd.8"]


@pytest.mark.skipif(not shutil.which("mandoc"), reason="no mandoc")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_lint(path):
    result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path], capture_output=True, text=True,
                            check=False, timeout=20)
    assert result.stdout + result.stderr == "" and result.returncode == 0


@pytest.mark.skipif(not shutil.which("mandoc"), reason="no mandoc")
def test_every_command_and_option_is_described():
    text = page("portcullis.8")
    for command in commands():
        assert re.search(rf"(?<![\w-]){command}(?![\w-])", text), command
        if command == "help":
            continue
        for option in re.findall(r"^  (?:-\w, )?(--[\w-]+)", said(BUILD / "portcullis", command, "--help"), re.M):
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", text), (command, option)
    for code in range(7):
        assert code == 2 or re.search(rf"\b{code}\b", text[text.index("EXIT STATUS"):]), code


@pytest.mark.skipif(not shutil.which("mandoc"), reason="no mandoc")
def test_every_daemon_option_is_described():
    text = page("portcullisd.8")
    options = re.findall(r"(?m)^  (-\w)\b", said(BUILD / "portcullisd", "--help"))
    assert len(options) >= 4
    for option in options:
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", text), option


@pytest.mark.skipif(not shutil.which("mandoc"), reason="no mandoc")
def test_every_key_is_described_with_its_default():
    text = page("portcullis.conf.5")
    for key, default in keys():
        described = re.findall(rf"(?<![\w.-]){re.escape(key)}(?![\w.-])(.{{0,500}})", text)
        assert described, key
        assert any(default in each for each in described), (key, default)


def test_keys_stand_in_one_order_everywhere(tmp_path):
    """The table, the printed settings and the man page have the same keys and defaults."""
    names = [key for key, _default in keys()]
    items = re.findall(r"(?m)^\.It Ic (.*)$", (TOP / "docs/man/portcullis.conf.5").read_text())
    assert [key for item in items for key in item.split(" , ")] == names
    conf = tmp_path / "portcullis.conf"
    conf.write_text("user = 64321\nopenvpn-user = 64322\nopenvpn-group = 64322\n")
    printed = subprocess.run([BUILD / "portcullisd", "--settings", "-c", conf], capture_output=True, text=True, check=False,
                             timeout=20).stdout
    assert re.findall(r'(?m)^([a-z0-9.-]+) = ".*"$', printed) == names


def test_the_doctor_has_the_same_defaults():
    """The doctor has a copy of them, for when portcullisd can't be run."""
    text = (TOP / "src/ctl/doctor/settings.c").read_text()
    for macro, value in defaults().items():
        text = re.sub(rf'{macro}(?: "(.*?)")?', lambda match, value=value: f'"{value}{match.group(1) or ""}"', text)
    known, wanted = re.findall(r'(?m)^    \{"([a-z0-9.-]+)", "([^"]*)", FIELD', text), dict(keys())
    assert len(known) > 10
    for key, default in known:
        assert key == "control.socket" or default == wanted[key], key


def test_the_sample_shows_every_key_and_its_default():
    section, shown = "", {}
    for line in (TOP / "conf/portcullis.conf").read_text().splitlines():
        if match := re.match(r"^(\w+) \{", line):
            section = match.group(1) + "."
        elif line == "}":
            section = ""
        elif match := re.match(r'^\t?(?:# )?([a-z0-9-]+) = "?([^"]*?)"?$', line):
            shown[section + match.group(1)] = match.group(2)
        elif match := re.match(r"^\t(?:# )?([a-z0-9-]+) = \{.*\}$", line):  # a list: an example, for its default is none
            shown[section + match.group(1)] = ""
    assert list(shown) == [key for key, _default in keys()]
    for key, default in keys():
        if key not in ("profile", "control.socket"):
            assert shown[key] == default, key
