"""What of the machine a host is shown, and how `failover` is started there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import failover
from failover.lab.own_root import clean_environment, needed_places, python_words, wrapper_script


def is_shown(path: Path) -> bool:
    return any(path.is_relative_to(place) for place in (Path("/usr"), *needed_places()))


def test_python_and_the_package_are_shown_with_its_templates() -> None:
    assert failover.__file__ is not None
    for path in (Path(sys.prefix), Path(sys.base_prefix), Path(failover.__file__)):
        assert is_shown(path)
    assert is_shown(Path(failover.__file__).parent.parent / "templates/failover.yaml.j2")


def test_the_rest_of_the_checkout_is_not_shown() -> None:
    assert not is_shown(Path(__file__))


def test_nothing_is_shown_twice(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()

    places = needed_places((tmp_path, tmp_path / "a"))

    assert tmp_path in places
    assert tmp_path / "a" not in places


def test_what_does_not_exist_is_not_shown(tmp_path: Path) -> None:
    assert tmp_path / "none" not in needed_places((tmp_path / "none",))


def test_failover_starts_with_this_python_and_not_from_the_folder_one_is_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)

    assert wrapper_script() == f'#!/bin/sh\nexec {sys.executable} -P -m failover "$@"\n'.encode()
    assert wrapper_script(("A=b",)).startswith(b"#!/bin/sh\nexec env A=b ")


def test_a_python_path_comes_along(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    assert f"PYTHONPATH={tmp_path} " in python_words()
    assert tmp_path in needed_places()


def test_the_environment_is_not_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")

    assert set(clean_environment()) == {"PATH", "HOME", "LANG", "TERM"}
