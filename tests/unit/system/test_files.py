from __future__ import annotations

import os
from pathlib import Path

import pytest

from failover.system.files import append_line, replace_file, why_not_private


def test_a_file_is_replaced_whole_with_its_mode_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("old")
    replace_file(path, b"new", mode=0o600)

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_replacement_that_fails_leaves_the_old_content_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state"
    path.write_text("old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, b"new")

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_lines_are_appended_one_after_the_other(tmp_path: Path) -> None:
    for number in range(3):
        append_line(tmp_path / "journal", str(number).encode())

    assert (tmp_path / "journal").read_bytes() == b"0\n1\n2\n"
    assert (tmp_path / "journal").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("mode", "is_private"), [(0o600, True), (0o400, True), (0o640, False), (0o604, False)]
)
def test_a_secret_file_is_closed_to_group_and_others(tmp_path: Path, mode: int, is_private: bool) -> None:
    path = tmp_path / "secret"
    path.touch()
    path.chmod(mode)

    assert (why_not_private(path) is None) is is_private
