"""Reads the configuration file: every problem at once, each with its line; or the settings.

YAML to plain data (`document`), data to settings (pydantic), what is wrong to sentences (`problems`). What was
found wrong is put aside and the rest looked at again, so that one mistake does not hide another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from failover.config.document import LARGEST_BYTES, Document, read_document
from failover.config.place import Misfit, Place, Problem, place_text
from failover.config.problems import Mistake, describe
from failover.config.schema import key_at, section_at
from failover.config.settings import MISFITS_LATER, Section, Settings
from failover.errors import ConfigurationError, ExitStatus

DEFAULT_PATH = Path("/etc/failover/failover.yaml")
PATH_VARIABLE = "FAILOVER_CONFIG"

_MOST_ROUNDS = 4
_STAND_INS: Mapping[str, Any] = {
    "nodes": {},
    "address": "stand-in",
    "path": "/stand-in",
    "zone": "stand-in",
    "servers": [{"address": "stand-in"}],
    "tsig": {"name": "stand-in", "secret": "env:STAND_IN"},
    "name": "stand-in",
    "secret": "env:STAND_IN",
    "records": [{"name": "stand-in", "type": "A", "values": {}}],
    "type": "A",
    "values": {},
    "dns": {
        "zone": "stand-in",
        "servers": [{"address": "stand-in"}],
        "tsig": {"name": "stand-in", "secret": "env:STAND_IN"},
        "records": [{"name": "stand-in", "type": "A", "values": {}}],
    },
}
"""What takes the place of a required value that was found wrong, so that the rest can be judged."""


class InvalidConfigurationError(ConfigurationError):
    """The file was read and is wrong."""

    def __init__(self, path: Path, problems: tuple[Problem, ...]) -> None:
        super().__init__(
            "\n".join(problem.sentence(str(path)) for problem in problems),
            hint=f"correct it, then run: failover config validate --config {path}",
        )
        self.problems = problems


def settings_path(given: Path | None, *, environment: Mapping[str, str]) -> Path:
    """The file to read: the one given on the command line, else $FAILOVER_CONFIG, else the default."""
    return given or Path(environment.get(PATH_VARIABLE) or DEFAULT_PATH)


def load_settings(path: Path) -> Settings:
    """The settings in a file.

    Raises:
        ConfigurationError: as `load_document`.
    """
    return load_document(path)[0]


def load_document(path: Path) -> tuple[Settings, Document]:
    """The settings in a file, and the file itself with its lines.

    Raises:
        ConfigurationError: there is no such file (ExitStatus.NO_CONFIGURATION), it cannot be read, or
            (InvalidConfigurationError) it is wrong; then the message has every problem, one a line, in their order.
    """
    document = read_document(_content(path))
    settings, problems = check_document(document)
    if settings is None:
        raise InvalidConfigurationError(path, problems)
    return settings, document


def check_document(document: Document) -> tuple[Settings | None, tuple[Problem, ...]]:
    """The settings and no problems, or None and every problem in the order of the lines. Pure."""
    flaws = [flaw for flaw in document.flaws if not _is_inside_secret(document.data, flaw.place)]
    found = [(flaw.line, flaw.place, flaw.text) for flaw in flaws]
    wrong = {flaw.place for flaw in flaws if flaw.is_value}
    uncertain = {flaw.place for flaw in flaws if not flaw.is_value}
    data: Any = document.data
    for place in wrong:
        data = _put_aside(data, place)
    settings = None
    for _ in range(0 if () in wrong else _MOST_ROUNDS):
        settings, mistakes = _validate(data)
        found += [
            (document.line_of(mistake.place), mistake.place, mistake.text)
            for mistake in mistakes
            if not _touches(mistake.place, wrong) and not mistake.is_echo
            # Where a key could not be read, or a section is given twice, what is missing may be there.
            if not (mistake.is_missing and mistake.place[:-1] in uncertain)
        ]
        wrong |= {mistake.place for mistake in mistakes}
        for mistake in mistakes:
            data = _put_aside(data, mistake.place)
        if settings is not None:
            break
    # What was put aside by name (a node, a mirror) leaves its section with too few.
    uncertain |= {place[:-1] for place in wrong if section_at(place[:-1]) is None}
    found += [
        (document.line_of(misfit.place), misfit.place, misfit.text)
        for misfit in (_misfits(settings, ()) if settings else ())
        if not any(_touches(place, wrong | uncertain) for place in (misfit.place, *misfit.depends_on))
    ]
    problems = tuple(sorted({Problem(line, place_text(place), text) for line, place, text in found}))
    return (None if problems else settings), problems


def _validate(data: Any) -> tuple[Settings | None, list[Mistake]]:
    try:
        return Settings.model_validate(data, context=MISFITS_LATER), []
    except ValidationError as error:
        return None, describe(error)


def _content(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise ConfigurationError(
            f"there is no configuration file {path}",
            hint=f"failover config generate > {path}",
            exit_status=ExitStatus.NO_CONFIGURATION,
        ) from None
    except IsADirectoryError:
        raise ConfigurationError(
            f"{path} is a directory", hint=f"name a file: --config {path / DEFAULT_PATH.name}"
        ) from None
    except PermissionError:
        raise ConfigurationError(
            f"{path} cannot be read: permission denied", hint=f"run as root, or look at: ls -l {path}"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}", hint=f"ls -l {path}") from None


def _misfits(section: Section, place: Place) -> Iterator[Misfit]:
    """The misfits of a section and of those below it, with whole places."""
    for misfit in section.misfits():
        yield Misfit(
            (*place, *misfit.place), misfit.text, tuple((*place, *other) for other in misfit.depends_on)
        )
    for name, field in type(section).model_fields.items():
        here = (*place, field.alias or name)
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _misfits(value, here)
        elif isinstance(value, dict | tuple):
            for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
                if isinstance(inner, Section):
                    yield from _misfits(inner, (*here, key))


def _touches(place: Place, refused: set[Place]) -> bool:
    """Whether the place, or something around it, was found wrong already."""
    return any(place[:length] in refused for length in range(len(place) + 1))


def _put_aside(data: Any, place: Place) -> Any:
    """The data without the value at a place, or with a stand-in where one is required; a list as a whole."""
    if not place:
        return data
    way = place[:-1] if isinstance(place[-1], int) else place
    return _replace(data, (), way)


def _replace(value: Any, done: Place, rest: Place) -> Any:
    step, *others = rest
    if isinstance(value, list) and isinstance(step, int) and others:
        return [
            _replace(item, (*done, step), tuple(others)) if number == step else item
            for number, item in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    key, here = str(step), (*done, step)
    if others:
        return {**value, key: _replace(value[key], here, tuple(others))} if key in value else value
    known = key_at(here) if section_at(done) else None
    if known and known[0].name == key and known[0].is_required:
        return {**value, key: _STAND_INS[key]}
    return {name: inner for name, inner in value.items() if name != key}


def _is_inside_secret(data: Any, place: Place) -> bool:
    """Whether a flaw lies in what was given for a secret reference: its text could repeat a piece of a password.

    pydantic says then that the whole is not text.
    """
    found = key_at(place)
    if found is None or not found[0].holds_secret_reference:
        return False
    for step in place[: len(place) - len(found[1])]:
        data = data[step]
    return isinstance(data, dict | list)
