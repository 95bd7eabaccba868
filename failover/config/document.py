"""A YAML file as plain data with the line of every key. First step of loading; pure.

YAML is taken at its plainest: text, numbers, true and false, lists and sections. What YAML adds to that (anchors,
merge keys, tags, octal and sexagesimal numbers: YAML 1.1, https://yaml.org/type/) is refused with a reason, for it
surprises people. Nothing is constructed by tag, so a file cannot run code.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

import yaml

from failover.config.place import Place, key_text

LARGEST_BYTES = 256 * 1024
"""A real file has some kilobytes; PyYAML would need many seconds for megabytes."""
DEEPEST = 16

_TAG = "tag:yaml.org,2002:"
_REFUSED = "!refused"
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FRACTION = re.compile(r"[-+]?[0-9]*\.[0-9]*([eE][-+]?[0-9]{1,3})?")
_TRUE = frozenset(("yes", "true", "on"))
_YAML_ERRORS = (
    ("'\\t'", "holds a tab where YAML wants spaces"),
    ("single document", "a second document begins here: remove the line ---"),
    ("undefined tag handle", "tags (!) have no meaning here: remove it, or put the value in quotes"),
    ("quoted scalar", "a quote is opened and not closed"),
    ("mapping values are not allowed", "the indentation is wrong, or a value with ': ' in it needs quotes"),
    ("could not find expected ':'", "a ':' is missing, or the indentation is wrong"),
    ("flow sequence", "a [ is opened and not closed, or a comma is missing"),
    ("flow mapping", "a { is opened and not closed, or a comma is missing"),
    ("flow", "inside [ ] or { } a bracket or comma is missing, or a value with : in it needs quotes"),
    ("block", "the indentation does not fit the lines above"),
)
"""What PyYAML says, in part, and what to tell a person. Its own words may quote the file, secrets included."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong with the YAML itself: the value at `place` (it is None in the data), or one of its keys."""

    line: int
    place: Place
    text: str
    is_value: bool


@dataclass(slots=True)
class Document:
    """What a file says: sections as dict (keys are text), lists, text, numbers, booleans, None."""

    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Place, int] = field(default_factory=dict)
    """The line of each key and list item; `()` is the first line with something in it."""
    flaws: list[Flaw] = field(default_factory=list)

    def line_of(self, place: Place) -> int:
        """The line of a place, or of the nearest thing around it that the file has."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)


class _UnreadableError(Exception):
    """The text cannot be taken apart beyond this line."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.text = text


class _Loader(yaml.SafeLoader):
    """Composes nodes only; those with an anchor, an alias or a tag become a refusal that says so."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it out
        reason = None
        if isinstance(event, yaml.AliasEvent):
            self.get_event()  # type: ignore[no-untyped-call]  # the stubs leave it out
            return _refusal(
                event.start_mark, "aliases (*) have no meaning here: write the value out, or put it in quotes"
            )
        if event.anchor is not None:
            reason, event.anchor = "anchors (&) have no meaning here: remove it", None
        if event.tag is not None:
            reason, event.tag = "tags (!) have no meaning here: remove it, or put the value in quotes", None
            event.implicit = (True, False) if isinstance(event, yaml.ScalarEvent) else True
        if self._depth >= DEEPEST:
            raise _UnreadableError(event.start_mark.line + 1, f"goes deeper than {DEEPEST} levels")
        self._depth += 1
        try:
            node = super().compose_node(parent, index)
        finally:
            self._depth -= 1
        return _refusal(event.start_mark, reason) if reason else node


def _refusal(mark: Any, reason: str) -> yaml.ScalarNode:
    return yaml.ScalarNode(_REFUSED, reason, mark, mark)


def read_document(content: bytes) -> Document:
    """Take a file's content apart. Never raises: what is wrong is in the document's flaws, with its line."""
    document = Document()
    try:
        root = _compose(_decode(content))
    except _UnreadableError as error:
        _whole_file_is_wrong(document, error.line, error.text)
        return document
    if root is None or root.tag == f"{_TAG}null":
        _whole_file_is_wrong(document, 1, "is empty")
        return document
    document.lines[()] = root.start_mark.line + 1
    if root.tag == _REFUSED:
        _whole_file_is_wrong(document, document.lines[()], root.value)
    elif isinstance(root, yaml.MappingNode):
        document.data = _mapping(document, root, ())
    else:
        _whole_file_is_wrong(document, document.lines[()], "must be sections (nodes:, dns:, …) at the top")
    return document


def _whole_file_is_wrong(document: Document, line: int, text: str) -> None:
    document.flaws.append(Flaw(line, (), text, is_value=True))


def _decode(content: bytes) -> str:
    if len(content) > LARGEST_BYTES:
        raise _UnreadableError(
            1, f"is larger than {LARGEST_BYTES // 1024} KiB: this is not a configuration file"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _UnreadableError(content.count(b"\n", 0, error.start) + 1, "is not UTF-8 text") from None


def _compose(text: str) -> yaml.Node | None:
    loader = None
    try:
        loader = _Loader(text)
        node: yaml.Node | None = loader.get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _UnreadableError(line, "holds a control character") from None
    except yaml.MarkedYAMLError as error:
        said = f"{error.context} {error.problem}"
        plain = next((ours for theirs, ours in _YAML_ERRORS if theirs in said), "is not YAML")
        # What was opened and not closed is to be mended where it was opened.
        mark = error.context_mark if "not closed" in plain and error.context_mark else error.problem_mark
        raise _UnreadableError(mark.line + 1 if mark else 1, plain) from None
    except (ValueError, OverflowError):
        # PyYAML lets int() and chr() fail on what a %YAML line or a \U escape holds.
        line = loader.line + 1 if loader else 1
        raise _UnreadableError(line, "is not YAML: an escape or a number is out of range") from None
    return node


def _value(document: Document, node: yaml.Node, place: Place) -> Any:
    """The node as plain data.

    Raises:
        _UnreadableError: it has no meaning here; the caller leaves it out and notes why.
    """
    if isinstance(node, yaml.MappingNode):
        return _mapping(document, node, place)
    if isinstance(node, yaml.SequenceNode):
        return _sequence(document, node, place)
    line = node.start_mark.line + 1
    if node.tag == _REFUSED:
        raise _UnreadableError(line, str(node.value))
    return _scalar(node, line)


def _scalar(node: yaml.Node, line: int) -> str | int | float | bool | None:
    text: str = node.value
    match node.tag.removeprefix(_TAG):
        case "null":
            return None
        case "bool":
            return text.lower() in _TRUE
        case "int":
            if not _DECIMAL.fullmatch(text):
                raise _UnreadableError(
                    line,
                    "YAML reads this as a number in another notation (octal, 0x, 1:30, 1_000): "
                    "write plain digits without a leading 0, or put it in quotes",
                )
            return int(text)
        case "float":
            number = float(text) if _FRACTION.fullmatch(text) else math.nan
            if not math.isfinite(number):
                raise _UnreadableError(line, "is not a plain number: write it like 1.5, or put it in quotes")
            return number
        case _:
            if any(unicodedata.category(letter) in {"Cc", "Cs", "Cn", "Zl", "Zp"} for letter in text):
                raise _UnreadableError(line, "holds a control character or a line end")
            return text


def _sequence(document: Document, node: yaml.SequenceNode, place: Place) -> list[Any]:
    items: list[Any] = []
    for number, child in enumerate(node.value):
        here = (*place, number)
        document.lines[here] = child.start_mark.line + 1
        try:
            items.append(_value(document, child, here))
        except _UnreadableError as error:
            # The item stays, so that the later ones keep their numbers.
            document.flaws.append(Flaw(error.line, here, error.text, is_value=True))
            items.append(None)
    return items


def _mapping(document: Document, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
    section: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        try:
            key = _key(key_node, line)
        except _UnreadableError as error:
            document.flaws.append(Flaw(line, place, error.text, is_value=False))
            continue
        here = (*place, key)
        if key in section:
            first = document.lines[here]
            document.flaws.append(Flaw(line, here, f"is given twice, first in line {first}", is_value=False))
            continue
        document.lines[here] = line
        try:
            section[key] = _value(document, value_node, here)
        except _UnreadableError as error:
            document.flaws.append(Flaw(error.line, here, error.text, is_value=True))
            section[key] = None
    return section


def _key(node: yaml.Node, line: int) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _UnreadableError(line, "a key must be plain text, not a list or a section")
    if node.tag == _REFUSED:
        raise _UnreadableError(line, node.value)
    match node.tag.removeprefix(_TAG):
        case "merge":
            raise _UnreadableError(line, "merge keys (<<) have no meaning here: write the keys out")
        case "bool" | "int" | "float" | "null" as kind:
            words = {"bool": "true or false", "null": "nothing"}.get(kind, "a number")
            raise _UnreadableError(
                line, f"YAML reads the key {key_text(node.value)} as {words}: put it in quotes"
            )
        case _:
            value = _scalar(node, line)
            if not value or not isinstance(value, str):
                raise _UnreadableError(line, "a key is empty")
            return value
