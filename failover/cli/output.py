"""How a command speaks: data to stdout, messages to stderr, colours only on a terminal and never against NO_COLOR."""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from failover.errors import FailoverError, UsageError
from failover.model.codes import Code
from failover.model.finding import Finding, Severity

_COLOURS = {"red": "31", "yellow": "33", "green": "32", "dim": "2", "bold": "1"}
_SEVERITY_COLOURS = {
    Severity.OK: "green",
    Severity.WARNING: "yellow",
    Severity.UNKNOWN: "yellow",
    Severity.CRITICAL: "red",
}


def paint(text: str, colour: str, stream: TextIO) -> str:
    """The text in a colour, if `stream` is a terminal and NO_COLOR is not set (no-color.org)."""
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def print_error(error: FailoverError) -> None:
    """The message and the hint, to stderr."""
    print(paint(f"failover: {error.message}", "red", sys.stderr), file=sys.stderr)
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)


def print_json(value: Any) -> None:
    """One JSON value, indented; keys are listed in docs/."""
    print(json.dumps(value, indent=2, default=str))


def print_findings(findings: Iterable[Finding], stream: TextIO) -> None:
    """One line a finding, the worst first, each with its code, and its hint below it."""
    for found in sorted(findings, key=lambda found: -found.severity):
        word = paint(f"{found.severity.word:8}", _SEVERITY_COLOURS[found.severity], stream)
        print(f"{word} {found.summary} [{found.code}]", file=stream)
        if found.hint and found.severity > Severity.OK:
            print(f"         {paint(found.hint, 'dim', stream)}", file=stream)


def finding_as_json(found: Finding) -> dict[str, Any]:
    """A finding for `--json`."""
    return {
        "code": found.code.value,
        "severity": found.severity.word,
        "summary": found.summary,
        "hint": found.hint,
        "subject": found.subject,
    }


def parse_accepted(words: Iterable[str]) -> frozenset[Code]:
    """The finding codes given to `--accept`.

    Raises:
        UsageError: one is no code.
    """
    known = [code.value for code in Code]
    for word in words:
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            raise UsageError(
                f"--accept {word}: there is no such finding",
                hint=f"did you mean {near[0]}?" if near else None,
            )
    return frozenset(Code(word) for word in words)


def confirm(question: str, *, is_yes: bool, word: str) -> None:
    """Ask on a terminal; the answer is `word`, typed.

    Raises:
        UsageError: nobody is there to ask, or the answer was another one; nothing was changed.
    """
    if is_yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "this changes things, and there is no terminal to ask on",
            hint="add --yes to go on without asking",
        )
    print(
        f"{question} Type {paint(word, 'bold', sys.stderr)} to go on: ", end="", file=sys.stderr, flush=True
    )
    if sys.stdin.readline().strip() != word:
        raise UsageError("not confirmed, nothing was changed")
