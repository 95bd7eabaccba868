"""YAML's traps: each is one clear error with its line, never a traceback, never a surprise."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies

from failover.config.document import DEEPEST, LARGEST_BYTES, read_document


def flaws(text: str | bytes) -> list[tuple[int, str]]:
    content = text if isinstance(text, bytes) else text.encode()
    return [(flaw.line, flaw.text) for flaw in read_document(content).flaws]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "is empty"),
        ("# nothing\n\n", 1, "is empty"),
        ("---\n", 1, "is empty"),
        ("- a\n- b\n", 1, "must be sections"),
        ("nodes\n", 1, "must be sections"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("a:\n\tb: 1\n", 2, "tab"),
        (b"a: 1\nb: \xff\n", 2, "not UTF-8"),
        ("a: 1\nb: \0\n", 2, "control character"),
        ('a: "x\\0y"\n', 1, "control character"),
        ('a: "\\ud800"\n', 1, "control character"),
        ('a: 1\nb: "\\U00110000"\n', 2, "out of range"),
        ("%YAML 1." + "9" * 5000 + "\n---\na: 1\n", 1, "out of range"),
        ("a: &x 1\n", 1, "anchors"),
        ("a: 1\nb: *x\n", 2, "aliases"),
        ("a: 1\n<<: {b: 2}\n", 2, "merge keys"),
        ("a: !!python/object/apply:os.system [id]\n", 1, "tags"),
        ("a: !x! 1\n", 1, "not YAML"),
        ("a: !x!y 1\n", 1, "tags"),
        ("a: 0640\n", 1, "another notation"),
        ("a: 0x1f\n", 1, "another notation"),
        ("a: 22:30\n", 1, "another notation"),
        ("a: 1_000\n", 1, "another notation"),
        ("a: " + "9" * 5000 + "\n", 1, "another notation"),
        ("a: .inf\n", 1, "not a plain number"),
        ("a: 1.0e+999\n", 1, "not a plain number"),
        ("a: 1:30.5\n", 1, "not a plain number"),
        ("01: x\n", 1, "the key 01 as a number"),
        ("no: x\n", 1, "the key no as true or false"),
        ("~: x\n", 1, "as nothing: put it in quotes"),
        ("? [a]\n: b\n", 1, "not a list or a section"),
        ('"": b\n', 1, "a key is empty"),
        ("a: 1\nb: 2\na: 3\n", 3, "is given twice, first in line 1"),
        ("a: x\nb: 'it\nc: d\n", 2, "a quote is opened and not closed"),
        ("a: x: y\n", 1, "needs quotes"),
        ("a: [1, 2\nb: 3\n", 1, "not closed"),
        ("a: {b: 2\n", 1, "not closed"),
        ("a:\n    b: 1\n  c: 2\n", 3, "indentation"),
        ("a:\n  b: 1\nc\n", 4, "a ':' is missing"),
        ("a: " + "[" * (DEEPEST + 1), 1, "goes deeper than"),
        ("a: " + "{b: " * 20_000, 1, "goes deeper than"),
        (b"a" * (LARGEST_BYTES + 1), 1, "larger than"),
    ],
)
def test_a_trap_is_one_flaw_with_its_line(text: str | bytes, line: int, words: str) -> None:
    found = flaws(text)

    assert len(found) == 1
    assert found[0][0] == line
    assert words in found[0][1]


def test_plain_values_are_what_they_look_like() -> None:
    document = read_document(
        b"a: 1\nb: 1.5\nc: true\nd: off\ne: 10.0.0.1\nf: 2024-01-01\ng: ~\nh: [x, '01']\n"
    )

    assert document.flaws == []
    assert document.data == {
        "a": 1,
        "b": 1.5,
        "c": True,
        "d": False,
        "e": "10.0.0.1",
        "f": "2024-01-01",
        "g": None,
        "h": ["x", "01"],
    }


def test_every_key_and_item_has_its_line() -> None:
    document = read_document(b"\xef\xbb\xbf# head\na:\n  b:\n    - x\n    - y: 1\n")

    assert document.lines == {
        (): 2,
        ("a",): 2,
        ("a", "b"): 3,
        ("a", "b", 0): 4,
        ("a", "b", 1): 5,
        ("a", "b", 1, "y"): 5,
    }


def test_what_the_file_lacks_is_at_the_line_of_what_is_around_it() -> None:
    document = read_document(b"\na:\n  b: 1\n")

    assert document.line_of(("a", "c", "d")) == 2
    assert document.line_of(("z",)) == 2


def test_one_flaw_does_not_hide_the_next() -> None:
    found = flaws("a: &x 1\nb: [*x, 0640]\na: 2\n3: 4\n")

    assert [line for line, _ in found] == [1, 2, 2, 3, 4]


@settings(deadline=None)
@given(strategies.binary(max_size=200))
def test_any_bytes_are_a_document_or_a_flaw(content: bytes) -> None:
    document = read_document(content)

    assert document.data or document.flaws or content.strip()


@settings(deadline=None)
@given(strategies.text(alphabet="ab01:-[]{}&*!|>%@`'\"#,? \n\t\\~.<=", max_size=60))
def test_any_punctuation_is_a_document_or_flaws_with_lines(text: str) -> None:
    document = read_document(text.encode())

    assert all(1 <= flaw.line <= text.count("\n") + 2 for flaw in document.flaws)
