"""The settings as they are in effect, each with where it comes from: the file, or failover's default. Pure.

Settings hold references to secrets, never secrets, so all of this can be shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from failover.config.document import Document
from failover.config.place import Place, place_text
from failover.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Setting:
    """One value in effect."""

    place: Place
    value: Any
    """As JSON has it: text, number, boolean, None, or a list of these."""
    line: int | None
    """The line of the file that gives it, or None for a default."""

    @property
    def key(self) -> str:
        """The place as text."""
        return place_text(self.place)

    @property
    def origin(self) -> str:
        """Where the value comes from, in words."""
        return "default" if self.line is None else f"line {self.line}"


def effective(settings: Settings) -> dict[str, Any]:
    """The whole configuration as JSON has it, with the file's names for the keys; it loads again as the same."""
    whole = settings.model_dump(mode="json", by_alias=True)
    whole["dns"]["register"] = settings.dns.register_owner
    return whole


def explain(settings: Settings, document: Document) -> tuple[Setting, ...]:
    """Every value in effect, in the order of the manual, with the line of `document` that gives it."""

    def values(value: Any, place: Place) -> list[Setting]:
        if isinstance(value, dict):
            return [setting for key, inner in value.items() for setting in values(inner, (*place, key))]
        if isinstance(value, list) and any(isinstance(item, dict) for item in value):
            return [
                setting for number, item in enumerate(value) for setting in values(item, (*place, number))
            ]
        return [Setting(place, value, document.lines.get(place))]

    return tuple(values(effective(settings), ()))


def as_yaml(value: Any) -> str:
    """A value on one line, in quotes where YAML would otherwise read something else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = yaml.safe_dump(value, default_flow_style=True, width=10**9, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def render(settings: Settings, document: Document | None = None) -> str:
    """The effective settings as a configuration file; with a document each value's origin stands behind it."""
    origins = {setting.place: setting.origin for setting in explain(settings, document)} if document else {}
    lines: list[str] = []

    def write(value: Any, place: Place, margin: str, lead: str) -> None:
        """One value below `margin`; `lead` is what its first line starts with: a key, a dash."""
        if isinstance(value, dict) and value:
            if not lead.endswith("- "):
                lines.append(f"{lead}")
                lead = margin
            for number, (key, inner) in enumerate(value.items()):
                start = lead if number == 0 else margin
                write(inner, (*place, key), f"{margin}  ", f"{start}{as_yaml(key)}:")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            lines.append(lead)
            for number, item in enumerate(value):
                write(item, (*place, number), f"{margin}  ", f"{margin}- ")
        else:
            origin = f"  # {origins[place]}" if place in origins else ""
            lines.append(f"{lead} {as_yaml(value)}{origin}")

    for key, section in effective(settings).items():
        write(section, (key,), "  ", f"{key}:")
    return "\n".join(lines) + "\n"
