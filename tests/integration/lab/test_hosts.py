"""A host is a machine of its own, and sees nothing of this one but its programs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from failover.errors import ExitStatus, LabError, ProgramError, UsageError
from failover.lab.host import Host
from failover.lab.lab import Lab
from failover.lab.own_root import needed_places
from failover.system.runner import Command
from tests.integration.lab.reach import connect

pytestmark = pytest.mark.integration

CHECKOUT = Path(__file__).resolve().parents[3]


def test_hosts_reach_each_other(lab: Lab) -> None:
    for host in lab.hosts:
        for other in lab.hosts:
            assert connect(host, other).word == "open", (host, other)


def test_a_host_has_its_own_name_and_root(web1: Host) -> None:
    assert web1.run(("hostname",)).stdout == b"web1\n"
    assert web1.run(("id", "-u")).stdout == b"0\n"
    assert web1.run(("pwd",)).stdout == b"/\n"


def test_failover_is_on_the_path(web1: Host) -> None:
    assert web1.run(("failover", "--version")).stdout.startswith(b"failover ")


def test_nothing_of_the_machines_own_data_can_be_seen(web1: Host, tmp_path: Path) -> None:
    (tmp_path / "private").write_text("x")

    # A checkout below /home brings the names of the folders on the way to what is shown of it, and no other.
    below_home = web1.run(("find", "/home", "-xdev", "-mindepth", "1")).stdout.decode().splitlines()
    places = needed_places()
    assert [path for path in below_home if not any(place.is_relative_to(path) for place in places)] == []
    for path in (tmp_path / "private", CHECKOUT / "tests", CHECKOUT / "setup.cfg", CHECKOUT / ".git"):
        assert path.exists()
        assert not web1.exists(str(path)), path
    shown = web1.run(("find", "/root", "/mnt", "/opt", "-xdev", "-type", "f")).stdout.decode().splitlines()
    assert [path for path in shown if not path.startswith("/root/.ssh/")] == []


def test_the_machines_processes_and_mounts_cannot_be_seen(web1: Host) -> None:
    numbers = web1.run(("ps", "-e", "-o", "pid=")).stdout.split()
    mounts = web1.read("/proc/self/mounts").decode()

    assert b"1" in numbers
    assert len(numbers) < 15
    assert "/old" not in mounts
    assert {line.split()[2] for line in mounts.splitlines()} >= {"tmpfs", "overlay", "proc"}


def test_no_key_or_password_of_the_machine_came_along(web1: Host) -> None:
    shadow = web1.read("/etc/shadow").decode()
    assert all(line.split(":")[1] == "*" for line in shadow.splitlines())
    for path in ("/etc/ssl/private", "/etc/letsencrypt", "/etc/mysql/debian.cnf", "/etc/bind/rndc.key"):
        assert not web1.exists(path), path


def test_what_is_shown_cannot_be_changed(web1: Host) -> None:
    import failover

    target = str(Path(failover.__file__).parent / "errors.py")

    assert web1.run(("touch", target), accepted=(1,)).stderr.endswith(b"Read-only file system\n")


def test_the_machines_programs_cannot_be_changed(web1: Host) -> None:
    web1.write("/usr/local/bin/own", b"x")

    assert not Path("/usr/local/bin/own").exists()


def test_files_have_content_mode_and_owner(web1: Host) -> None:
    web1.write("/srv/a/b", b"\x00\xff", mode=0o640, owner="root:mysql")

    assert web1.read("/srv/a/b") == b"\x00\xff"
    assert web1.run(("stat", "-c", "%a %U %G", "/srv/a/b")).stdout == b"640 root mysql\n"


def test_a_failing_program_says_where_and_why(web1: Host) -> None:
    with pytest.raises(ProgramError, match=r"web1: ls: exit status 2: .*nothing-here"):
        web1.run(("ls", "/nothing-here"))


def test_a_program_over_its_time_is_killed_in_the_host(web1: Host) -> None:
    with pytest.raises(ProgramError, match="no end within"):
        web1.run(("sleep", "7777"), timeout_seconds=0.2)

    assert web1.run(("pgrep", "-f", "sleep 7777"), accepted=(1,)).stdout == b""


def test_a_signal_reaches_the_program(web1: Host) -> None:
    with web1.popen(("sleep", "7778")) as process:
        while not web1.run(("pgrep", "-f", "^sleep 7778"), accepted=(0, 1)).stdout:
            pass
        process.terminate()
        assert process.wait(5) == -15


def test_a_host_is_a_runner(web1: Host) -> None:
    result = web1.runner().run(Command(("cat",), 5, stdin=b"hello"))

    assert result.stdout == b"hello"


def test_the_environment_is_clean(web1: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVATE", "x")

    names = {line.partition(b"=")[0] for line in web1.run(("env",)).stdout.splitlines()}

    assert names == {b"PATH", b"HOME", b"LANG", b"TERM"}


def test_a_power_cut_leaves_the_disk_and_nothing_else(lab: Lab) -> None:
    host = lab.host("operator")
    host.write("/srv/kept", b"x")
    host.write("/run/lost", b"x")
    host.start_server(("sleep", "7779"), log="/var/log/sleep.log")

    host.power_cut()
    assert not host.is_running
    with pytest.raises(LabError, match="operator is off"):
        host.run(("true",))
    assert connect(lab.host("web1"), host).word != "open"
    host.boot()

    assert host.exists("/srv/kept")
    assert not host.exists("/run/lost")
    assert host.run(("pgrep", "-f", "sleep 7779"), accepted=(1,)).stdout == b""
    assert connect(lab.host("web1"), host).word == "open"


def test_peers_hear_nothing_of_a_power_cut(lab: Lab, web1: Host, operator: Host) -> None:
    code = (
        "import socket, sys\n"
        f"s = socket.create_connection(('{operator.address}', 22)); s.recv(100)\n"
        "print('up', flush=True); s.settimeout(1.5)\n"
        "try: print(repr(s.recv(100)))\n"
        "except TimeoutError: print('silence')\n"
    )
    import sys

    with web1.popen((sys.executable, "-c", code), stdout=-1) as peer:
        assert peer.stdout is not None
        assert peer.stdout.readline() == b"up\n"
        operator.power_cut()
        said = peer.stdout.readline()
    operator.boot()

    assert said == b"silence\n"


def test_booting_what_is_on_is_an_error(web1: Host) -> None:
    with pytest.raises(LabError, match="on already"):
        web1.boot()


def test_unknown_names_are_refused(lab: Lab, web1: Host) -> None:
    with pytest.raises(UsageError, match="no host 'web3'"):
        lab.host("web3")
    with pytest.raises(LabError, match="no service 'apache'"):
        web1.enable("apache")
    with pytest.raises(LabError) as caught:
        Lab.attach("no-such-lab")
    assert caught.value.exit_status == ExitStatus.LAB_FAILED
    assert lab.name in (caught.value.hint or "")


def test_somebody_else_can_attach(lab: Lab) -> None:
    assert Lab.attach(lab.name).host("web2").run(("hostname",)).stdout == b"web2\n"


def test_a_server_is_the_hosts_and_ends_with_it(operator: Host) -> None:
    number = operator.start_server(("sleep", "7780"), log="/var/log/own/sleep.log")

    assert operator.read(f"/proc/{number}/stat").split()[3] == b"1"
    assert operator.exists("/var/log/own/sleep.log")
    operator.run(("kill", str(number)))
    deadline = time.monotonic() + 5
    while operator.exists(f"/proc/{number}"):
        assert time.monotonic() < deadline, "nobody reaped it"
