"""Where in the configuration something is wrong, and what. Pure; below settings, so that its checks can name places."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

Place = tuple[str | int, ...]
"""The way from the top of the file: key, or number in a list, each counted from 0. `()` is the file itself."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_KEY = 64


@dataclass(frozen=True, slots=True)
class Misfit:
    """Values that are each right alone and wrong together; `place` is where a person should look first.

    `depends_on` names the other places it was judged by: where one of them is itself wrong, the misfit may be a
    mere consequence, and is left out of a report.
    """

    place: Place
    text: str
    depends_on: tuple[Place, ...] = ()


class MisfitError(ValueError):
    """Every misfit of one section; how the settings say it to pydantic."""

    def __init__(self, misfits: Iterable[Misfit]) -> None:
        self.misfits = tuple(misfits)
        super().__init__(
            "; ".join(f"{place_text(misfit.place)}: {misfit.text}".lstrip(": ") for misfit in self.misfits)
        )


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to correct in a configuration file; the text never holds a value of a secret's key."""

    line: int
    key: str
    """The place as text; empty for the file as a whole."""
    text: str

    def sentence(self, file: str) -> str:
        """`FILE:LINE KEY: TEXT`, the form editors can jump by."""
        return (
            f"{file}:{self.line} {self.key}: {self.text}" if self.key else f"{file}:{self.line}: {self.text}"
        )


def key_text(key: str | int) -> str:
    """One key as a person may see it: on one line and of bounded length, whatever was typed."""
    text = str(key)
    if _PLAIN_KEY.fullmatch(text):
        return text
    short = text if len(text) <= _LONGEST_KEY else text[:_LONGEST_KEY] + "…"
    return json.dumps(short)


def place_text(place: Place) -> str:
    """A place with dots: `dns.records.0.type`."""
    return ".".join(map(key_text, place))
