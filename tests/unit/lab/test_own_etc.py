"""What of the machine's /etc a host gets to see."""

from __future__ import annotations

from pathlib import Path

import pytest

from failover.lab.own_etc import as_groups, as_locked, as_users, make_etc, system_entries
from failover.lab.topology import place_of

PASSWD = """\
root:x:0:0:The Admin:/root:/usr/bin/zsh
mysql:x:108:115:MySQL Server,,,:/nonexistent:/bin/false
anna:x:1000:1000:Anna Person:/home/anna:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = "root:x:0:\nadm:x:4:anna\nmysql:x:115:\nanna:x:1000:\n"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    etc = tmp_path / "machine"
    etc.mkdir()
    (etc / "passwd").write_text(PASSWD)
    (etc / "group").write_text(GROUP)
    (etc / "shadow").write_text("root:$6$secret:1::::::\n")
    (etc / "services").write_text("ssh 22/tcp\n")
    (etc / "wireguard").mkdir()
    (etc / "wireguard/wg0.conf").write_text("PrivateKey = x\n")
    (etc / "security").mkdir()
    (etc / "security/limits.conf").write_text("\n")
    (etc / "security/opasswd").write_text("old secret\n")
    (etc / "security/opasswd").chmod(0o600)
    (etc / "os-release").symlink_to("../usr/lib/os-release")
    return etc


@pytest.fixture
def etc(machine: Path, tmp_path: Path) -> Path:
    target = tmp_path / "host"
    make_etc(target, place_of("web1"), source=machine)
    return target


def test_only_what_is_listed_comes_along(etc: Path) -> None:
    assert (etc / "services").read_text() == "ssh 22/tcp\n"
    assert not (etc / "wireguard").exists()


def test_what_others_may_not_read_stays_behind(etc: Path) -> None:
    assert (etc / "security/limits.conf").exists()
    assert not (etc / "security/opasswd").exists()


def test_links_stay_links(etc: Path) -> None:
    assert (etc / "os-release").readlink() == Path("../usr/lib/os-release")


def test_no_password_of_the_machine_comes_along(etc: Path) -> None:
    assert "secret" not in (etc / "shadow").read_text()
    assert (etc / "shadow").stat().st_mode & 0o077 == 0


def test_people_of_the_machine_are_not_known(etc: Path) -> None:
    for name in ("passwd", "group", "shadow", "gshadow"):
        assert "anna" not in (etc / name).read_text(), name


def test_packages_keep_their_users_and_root_gets_the_usual_home() -> None:
    lines = as_users(system_entries(PASSWD)).splitlines()

    assert lines[0] == "root:x:0:0:root:/root:/bin/bash"
    assert [line.split(":")[0] for line in lines] == ["root", "mysql", "nobody"]


def test_groups_lose_their_members() -> None:
    assert as_groups(system_entries(GROUP)) == "root:x:0:\nadm:x:4:\nmysql:x:115:\n"


def test_nobody_has_a_password_yet_keys_may_log_in() -> None:
    # `!` would make sshd refuse keys as well.
    assert as_locked(system_entries(PASSWD), is_shadow=True).startswith("root:*:")


def test_the_host_knows_its_name(etc: Path) -> None:
    assert (etc / "hostname").read_text() == "web1\n"
    assert "nameserver 10.77.0.53" in (etc / "resolv.conf").read_text()
