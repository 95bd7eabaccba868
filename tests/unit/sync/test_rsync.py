from __future__ import annotations

from pathlib import Path

import pytest

from failover.sync.rsync import Outcome, Push, describe, file_list, judge, remote_shell
from failover.sync.rules import Excludes
from failover.system.remote import SshTarget


def _push(*, deletes: bool = True, host: str = "192.0.2.2") -> Push:
    ssh = SshTarget(host, "root", 22, Path("/etc/my keys/k"), Path("/h"), 3)
    return Push("www", Path("/srv/www"), Excludes(["*.tmp"]), deletes=deletes, epoch=3, node="web1", ssh=ssh)


def test_every_run_has_the_same_excludes_and_full_fidelity() -> None:
    push = _push()
    for argv in (push.full_argv(), push.shallow_argv(), push.deep_argv()):
        for word in (
            "--exclude=*.tmp",
            "--exclude=/.failover-cookie-*",
            "--numeric-ids",
            "--acls",
            "--xattrs",
            "--hard-links",
            "--modify-window=-1",
            "--no-secluded-args",
        ):
            assert word in argv
        assert "--ignore-errors" not in argv
        assert argv[-3:] == ("--", "/srv/www/", "root@192.0.2.2:./")


def test_without_delete_nothing_can_delete() -> None:
    push = _push(deletes=False)
    for argv in (push.full_argv(), push.shallow_argv(), push.deep_argv()):
        assert not [word for word in argv if word.startswith(("--delete", "--force"))]


def test_ipv6_host_is_bracketed() -> None:
    assert _push(host="2001:db8::2").full_argv()[-1] == "root@[2001:db8::2]:./"


def test_remote_shell_is_quoted_the_way_rsync_splits_it() -> None:
    assert remote_shell(("ssh", "-o", "X=/a b/it's")) == "ssh -o 'X=/a b/it''s'"


def test_list_holds_any_name() -> None:
    assert file_list([b"", b"a\nb", b"-x"]) == b".\0a\nb\0-x\0"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(0, Outcome.DONE), (23, Outcome.PARTIAL), (24, Outcome.PARTIAL)]
    + [(status, Outcome.UNREACHABLE) for status in (5, 10, 12, 30, 35, 255)]
    + [(status, Outcome.FAILED) for status in (1, 2, 3, 4, 6, 11, 13, 14, 20, 21, 22, 25, 99, 127, -9, -15)],
)
def test_every_status_has_an_outcome(status: int, outcome: Outcome) -> None:
    assert judge(status) is outcome


def test_killed_by_a_signal_is_said() -> None:
    assert describe(-9, "") == "rsync: killed by signal 9"
    assert "exit status 11): rsync: write failed: No space left" in describe(
        11, "rsync: write failed: No space left\nrsync error: error in file IO (code 11)"
    )
