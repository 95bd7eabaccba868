"""The documents that repeat what the code says are held to it here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from failover.errors import ExitStatus

_ROOT = Path(__file__).parents[2]
_DOCUMENTS = [*sorted((_ROOT / "docs").glob("*.md")), _ROOT / "README.md", _ROOT / "CHANGELOG.md"]


def test_every_exit_status_is_documented_with_its_number_and_a_meaning() -> None:
    text = (_ROOT / "docs" / "exit-statuses.md").read_text()
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+?) *\|$", text, flags=re.MULTILINE)

    assert [(status.value, status.name) for status in ExitStatus] == [
        (int(number), name) for number, name, _ in rows
    ]
    assert all(len(meaning) > 10 for _, _, meaning in rows)


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_leads_to_a_file(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", document.read_text())

    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_make_target_named_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (_ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {name for path in _DOCUMENTS for name in re.findall(r"`make ([a-z-]+)", path.read_text())}

    assert named - targets == set()
