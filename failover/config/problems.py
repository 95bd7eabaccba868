"""pydantic's findings in an operator's words. Pure.

pydantic's own messages are not used: they speak of Python's types, and they repeat the input, which may be a password.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from failover.config.place import Place
from failover.config.schema import nearest_key, suggestion

_KEY_MARK = "[key]"
"""How pydantic ends the place of a dict's key, as against its value."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong at a place."""

    place: Place
    text: str
    is_missing: bool = False
    is_echo: bool = False
    """It only follows from another mistake: a key is missing because it was written wrongly. Not to be reported."""


def describe(error: ValidationError) -> list[Mistake]:
    """Every mistake, in pydantic's order."""
    details = error.errors(include_url=False)
    unknown = {detail["loc"] for detail in details if detail["type"] == "extra_forbidden"}
    meant = {(*place[:-1], key) for place in unknown if (key := nearest_key(place)) is not None}
    # A list whose items are wrong also counts as too short, for pydantic counts the right ones.
    return [
        _mistake(detail, meant) for detail in details if detail["type"] != "too_short" or not detail["input"]
    ]


def _mistake(detail: ErrorDetails, meant: set[Place]) -> Mistake:
    place: Place = detail["loc"]
    if place and place[-1] == _KEY_MARK:
        place = place[:-1]
        return Mistake(place, f"as a name: {_text(detail, place)}")
    is_missing = detail["type"] == "missing"
    return Mistake(place, _text(detail, place), is_missing, is_echo=is_missing and place in meant)


def _text(detail: ErrorDetails, place: Place) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        near = suggestion(place)
        return f"is not a known key{': ' if near else ''}{near}"
    if kind == "missing":
        return "is missing"
    if value is None:
        return "has no value: give it one, or remove the key"
    if kind == "string_type":
        return _not_text(value)
    if kind == "value_error":
        # Our own checks; those of a secret reference do not repeat what was given.
        return str(context["error"])
    return _TEXTS.get(kind, "is not valid here").format(**context)


def _not_text(value: Any) -> str:
    if isinstance(value, bool):
        return "must be text; YAML reads an unquoted yes, no, on, off, true, false as a truth value: put it in quotes"
    if isinstance(value, int | float):
        return "must be text: put the number in quotes"
    return "must be text, one value"


_SECTION = "must be a section: keys with values, indented below it"
_TEXTS = {
    "bool_type": "must be true or false",
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "float_type": "is not a number",
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "path_type": "must be a path, as text",
    "tuple_type": "must be a list",
    "too_short": "must not be an empty list",
    "dict_type": _SECTION,
    "model_type": _SECTION,
    "model_attributes_type": _SECTION,
}
