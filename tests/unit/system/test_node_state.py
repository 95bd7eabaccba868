from __future__ import annotations

from pathlib import Path

import pytest

from failover.errors import ExitStatus, FailoverError
from failover.model.role import NodeState, Role
from failover.system.node_state import read_node_state, write_node_state


def test_state_is_read_back(tmp_path: Path) -> None:
    state = NodeState("web1", 7, "web2")

    write_node_state(tmp_path / "new", state)

    assert read_node_state(tmp_path / "new") == state
    assert state.role is Role.STANDBY


def test_no_file_is_no_role(tmp_path: Path) -> None:
    assert read_node_state(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"node": "a", "epoch": "1", "primary": "a"}',
        '{"node": "a", "epoch": true, "primary": "a"}',
        '{"node": "a", "epoch": 0, "primary": "a"}',
        '{"node": null, "epoch": 1, "primary": "a"}',
    ],
)
def test_damaged_state_is_an_error_and_never_a_guess(tmp_path: Path, content: str) -> None:
    (tmp_path / "node.json").write_text(content)

    with pytest.raises(FailoverError) as raised:
        read_node_state(tmp_path)

    assert raised.value.exit_status is ExitStatus.ROLE_UNKNOWN
