"""`failover lab` on the command line: what is understood, and what is refused before anything is touched."""

from __future__ import annotations

import argparse

import pytest

from failover.errors import UsageError
from failover.lab.command import add_parser


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    return parser


@pytest.mark.parametrize(
    "words",
    [
        "up", "up --bare --json --name x", "enter web1", "run web1 -- ls -l", "status --json", "down --name x",
        "fault power-cut web1", "fault boot web1", "fault partition web1 web2 --how reject --direction a-to-b",
        "fault loss web1 30", "fault delay web1 0.1", "fault hold web1", "fault slow-link web1 8", "fault full-disk web1",
        "fault freeze web1 mariadbd", "fault kill web1 sshd", "fault wrong-clock web1 -- -30", "fault heal web1",
    ],
)  # fmt: skip
def test_every_verb_has_a_handler(parser: argparse.ArgumentParser, words: str) -> None:
    assert callable(parser.parse_args(["lab", *words.split()]).handler)


def test_the_command_after_two_dashes_keeps_its_options(parser: argparse.ArgumentParser) -> None:
    arguments = parser.parse_args(["lab", "run", "web1", "--", "ls", "--json"])

    assert arguments.words == ["ls", "--json"]


@pytest.mark.parametrize("words", [["lab"], ["lab", "fault"], ["lab", "fault", "explode", "web1"]])
def test_what_makes_no_sense_is_refused(parser: argparse.ArgumentParser, words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(words)
    assert caught.value.code == 2


def test_a_lab_that_cannot_have_that_name_is_refused(parser: argparse.ArgumentParser) -> None:
    arguments = parser.parse_args(["lab", "status", "--name", "../etc"])

    with pytest.raises(UsageError, match="cannot be a lab's name"):
        arguments.handler(arguments)
