"""What may stand where in the configuration file, read off the settings' types. Pure."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AfterValidator
from pydantic.fields import FieldInfo

from failover.config.names import check_address, check_domain_name, check_secret_reference, check_user_name
from failover.config.place import Place
from failover.config.settings import Section, Settings

NAME = "NAME"
"""Stands in a place for any name that the operator chooses: of a node, a mirror."""
ITEM = "0"
"""Stands in a place for any number in a list."""

_CHECKED = (
    (check_secret_reference, "where the secret is: file:/PATH, credential:NAME or env:NAME"),
    (check_domain_name, "domain name"),
    (check_address, "address or host name"),
    (check_user_name, "user name"),
)
_BOUNDS = ((Ge, "ge", "at least"), (Gt, "gt", "above"), (Le, "le", "at most"), (Lt, "lt", "below"))


@dataclass(frozen=True, slots=True)
class Key:
    """One key of one section."""

    section: tuple[str, ...]
    """The place of the section, with NAME and ITEM for what varies."""
    name: str
    """As the file says it."""
    field: FieldInfo

    @property
    def inner(self) -> type[Section] | None:
        """The section this key opens, directly or by name or in a list."""
        return _section_inside(self.field.annotation)

    @property
    def is_required(self) -> bool:
        """Whether the file must give it."""
        return self.field.is_required()

    @property
    def holds_secret_reference(self) -> bool:
        """Whether the value says where a secret is; what was typed there is never shown in a message."""
        return _has_check(self.field.metadata, check_secret_reference)

    @property
    def kind(self) -> str:
        """The values it takes, in words."""
        return _kind(self.field.annotation, self.field.metadata)


def keys_of(section: type[Section], place: tuple[str, ...] = ()) -> dict[str, Key]:
    """The keys of a section by the name the file uses for them (a field's alias where it has one)."""
    return {
        field.alias or name: Key(place, field.alias or name, field)
        for name, field in section.model_fields.items()
    }


def all_keys(section: type[Section] = Settings, place: tuple[str, ...] = ()) -> Iterator[Key]:
    """Every key there is, a section's own before the ones below it."""
    keys = keys_of(section, place)
    yield from keys.values()
    for key in keys.values():
        if key.inner is not None:
            yield from all_keys(key.inner, below(key))


def below(key: Key) -> tuple[str, ...]:
    """The place of what a key opens."""
    origin = get_origin(key.field.annotation)
    step = {dict: (NAME,), tuple: (ITEM,)}.get(origin, ()) if origin else ()
    return (*key.section, key.name, *step)


def key_at(place: Place) -> tuple[Key, Place] | None:
    """The last known key on the way to a place, and what of the place is left below it; None before the first."""
    section: type[Section] | None = Settings
    found: tuple[Key, Place] | None = None
    rest = place
    while section is not None and rest:
        key = keys_of(section).get(str(rest[0]))
        if key is None:
            break
        rest = rest[1:]
        found = (key, rest)
        section = key.inner
        if get_origin(key.field.annotation) in {dict, tuple}:
            rest = rest[1:]
    return found


def section_at(place: Place) -> type[Section] | None:
    """The section at a place, if one can be there."""
    if not place:
        return Settings
    found = key_at(place)
    if found is None or found[0].inner is None:
        return None
    steps = len(below(found[0])) - len(found[0].section) - 1
    return found[0].inner if len(found[1]) == steps else None


def nearest_key(place: Place) -> str | None:
    """The known key that an unknown one at this place may have been meant to be."""
    section = section_at(place[:-1])
    near = difflib.get_close_matches(str(place[-1]), keys_of(section) if section else (), n=1)
    return near[0] if near else None


def suggestion(place: Place) -> str:
    """What an unknown key may have been meant to be, as the end of a sentence; empty if nothing is near."""
    near, wrong = nearest_key(place), str(place[-1])
    if near is not None:
        return f"did you mean {near}?"
    elsewhere = sorted({".".join(key.section) or "the top" for key in all_keys() if key.name == wrong})
    if elsewhere:
        return f"it belongs in {' or '.join(elsewhere)}"
    return ""


def _section_inside(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    if get_origin(annotation) in {dict, tuple}:
        return next(filter(None, map(_section_inside, get_args(annotation))), None)
    return None


def _has_check(metadata: list[Any], check: object) -> bool:
    return any(isinstance(item, AfterValidator) and item.func is check for item in metadata)


def _kind(annotation: Any, metadata: list[Any]) -> str:
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin in {Union, types.UnionType}:
        first = next(item for item in inside if item is not type(None))
        return f"{_kind(first, metadata)}, or null"
    if hasattr(annotation, "__metadata__"):
        return _kind(inside[0], [*metadata, *inside[1:]])
    if origin is Literal:
        return "one of " + ", ".join(map(str, inside))
    if origin is dict:
        return "a section a name" if _section_inside(annotation) else "lists by name"
    if origin is tuple:
        return "list of sections" if _section_inside(annotation) else "list of texts"
    if _section_inside(annotation):
        return "section"
    for check, words_for_it in _CHECKED:
        if _has_check(metadata, check):
            return words_for_it
    words = {bool: "true or false", int: "whole number", float: "number", Path: "absolute path"}
    return words.get(annotation, "text") + _bounds(metadata)


def _bounds(metadata: list[Any]) -> str:
    flat = [inner for item in metadata for inner in getattr(item, "metadata", [item])]
    found = {
        name: f"{getattr(item, name):g}"
        for kind, name, _ in _BOUNDS
        for item in flat
        if isinstance(item, kind)
    }
    if found.keys() == {"ge", "le"}:
        return f", {found['ge']} to {found['le']}"
    return "".join(f", {words} {found[name]}" for _, name, words in _BOUNDS if name in found)
