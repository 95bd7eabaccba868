from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from failover.sync.rules import Excludes

pytestmark = pytest.mark.integration

_PIECES = (
    "a",
    "b",
    "ab",
    "*",
    "?",
    "**",
    "a*",
    "*b",
    "[ab]",
    "[!a]",
    "[^b]",
    "[a-b]x",
    "\\*",
    "\\a",
    "*.c",
    "x.c",
)
_NAMES = ("a", "b", "ab", "ba", "x.c", "a.c", "ax", "bx", "*", "\\a", "\\*")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("rules")
    for one in _NAMES:
        (root / one).mkdir()
        for two in _NAMES:
            if two in {"a", "b", "ab"}:
                (root / one / two).mkdir()
                for three in _NAMES:
                    (root / one / two / three).touch()
            else:
                (root / one / two).touch()
    return root


@pytest.mark.parametrize("seed", range(150))
def test_excludes_what_rsync_excludes(tree: Path, seed: int) -> None:
    chance = random.Random(seed)
    pieces = [chance.choice(_PIECES) for _ in range(chance.choice((1, 1, 2, 2, 3)))]
    pattern = (
        chance.choice(("", "", "/")) + "/".join(pieces) + chance.choice(("", "", "", "/", "/***", "/**"))
    )

    listed = subprocess.run(
        ["rsync", "-r", "-n", "--out-format=%n", f"--exclude={pattern}", f"{tree}/", "/nonexistent/"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    # rsync escapes a backslash in what it prints when digits follow (\#ooo); none of the names has those.
    theirs = {line.rstrip("/") for line in listed} - {".", ""}
    rules = Excludes([pattern])
    ours = {
        str(path.relative_to(tree))
        for path in tree.rglob("*")
        if not rules.excludes(bytes(path.relative_to(tree)), is_directory=path.is_dir())
    }

    assert ours == {line for line in theirs if not line.startswith(("created ", "sending "))}, pattern
