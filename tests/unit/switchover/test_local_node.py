from __future__ import annotations

import os
from pathlib import Path

import pytest

from failover.config.settings import MirrorSettings, PathSettings
from failover.errors import FailoverError, SwitchoverError
from failover.model.role import NodeState
from failover.switchover.local_node import LocalNode
from failover.switchover.node import FileRecord
from failover.system.runner import Command, Result
from tests.fakes.clock import FakeClock
from tests.fakes.pair import pair_settings


class NoRunner:
    def run(self, command: Command) -> Result:
        raise AssertionError(command.argv)


def node(folder: Path, name: str = "web1") -> LocalNode:
    settings = pair_settings().model_copy(
        update={
            "mirrors": {"www": MirrorSettings(path=folder / "www", exclude=("cache/",))},
            "paths": PathSettings(state=folder / "state", runtime=folder / "run", hooks=folder / "hooks"),
        }
    )
    (folder / "www").mkdir(exist_ok=True)
    return LocalNode(settings, name, clock=FakeClock(), runner=NoRunner(), environment={})


def test_a_node_without_a_daemon_says_that_it_does_not_know_its_mirrors(tmp_path: Path) -> None:
    facts = node(tmp_path).describe()

    assert facts.state is None
    assert facts.mirrors is None


def test_the_state_survives_and_a_lower_epoch_is_refused(tmp_path: Path) -> None:
    node(tmp_path).write_state(state=NodeState("web1", 4, "web2"))

    assert node(tmp_path).describe().state == NodeState("web1", 4, "web2")
    with pytest.raises(SwitchoverError, match="in epoch 4 with primary web2 already"):
        node(tmp_path).write_state(state=NodeState("web1", 3, "web1"))


def test_two_primaries_of_one_epoch_are_refused_and_the_same_one_twice_is_fine(tmp_path: Path) -> None:
    node(tmp_path).write_state(state=NodeState("web1", 4, "web2"))
    node(tmp_path).write_state(state=NodeState("web1", 4, "web2"))

    with pytest.raises(SwitchoverError):
        node(tmp_path).write_state(state=NodeState("web1", 4, "web1"))


def test_a_second_session_learns_who_holds_the_lock(tmp_path: Path) -> None:
    first, second = node(tmp_path), node(tmp_path)

    assert first.take_lock(owner="ann@operator (process 7)") is None
    assert first.take_lock(owner="ann@operator (process 7)") is None
    assert "ann@operator (process 7) since" in str(second.take_lock(owner="bob"))


def test_files_changed_since_a_moment_are_told_without_excluded_ones(tmp_path: Path) -> None:
    here = node(tmp_path)
    root = tmp_path / "www"
    (root / "cache").mkdir()
    (root / "cache" / "page").write_text("x")
    (root / "upload").write_text("four")
    os.utime(root / "upload", ns=(5, 1_700_000_000_000_000_007))

    assert here.changed_files(mirror="www", since=None, timeout_seconds=1) == (
        FileRecord("upload", 4, 1_700_000_000_000_000_007),
    )
    assert here.changed_files(mirror="www", since="2200-01-01T00:00:00+00:00", timeout_seconds=1) == ()


def test_of_the_paths_asked_for_those_that_exist_are_told(tmp_path: Path) -> None:
    here = node(tmp_path)
    (tmp_path / "www" / "a").write_text("1")
    found = here.stat_files(mirror="www", paths=("a", "gone", "a/below"), timeout_seconds=1)

    assert [record.path for record in found] == ["a"]


@pytest.mark.parametrize("path", ["/etc/shadow", "../state/node.json", "a/../../x"])
def test_no_path_leads_out_of_the_mirror(tmp_path: Path, path: str) -> None:
    with pytest.raises(FailoverError, match="not below the mirror"):
        node(tmp_path).stat_files(mirror="www", paths=(path,), timeout_seconds=1)


def test_an_unknown_mirror_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FailoverError, match="no mirror 'ww'"):
        node(tmp_path).announced(mirror="ww")


def test_what_was_never_announced_is_nothing(tmp_path: Path) -> None:
    assert node(tmp_path).announced(mirror="www") == ()
    assert node(tmp_path).last_checkpoint(mirror="www") is None
