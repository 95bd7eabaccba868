"""The state folder of a lab, its lock, and what a killed lab leaves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from failover.errors import ExitStatus, LabError, UsageError
from failover.lab.command import describe
from failover.lab.requirements import PROGRAMS, Requirement, require
from failover.lab.state import Folder, HostState, LabState, check_name

STATE = LabState(
    "x", 7, False, 1024, {"web1": HostState("10.77.0.11", 8), "web2": HostState("10.77.0.12", None)}
)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "labs" / "x")


def test_state_comes_back_as_it_was(folder: Folder) -> None:
    folder.path.mkdir(parents=True)

    folder.write(STATE)

    assert folder.read() == STATE


def test_no_state_is_none(folder: Folder) -> None:
    assert folder.read() is None


def test_a_held_folder_is_held_once(folder: Folder) -> None:
    held = folder.hold()

    assert held is not None
    assert folder.is_held()
    assert folder.hold() is None
    os.close(held)


def test_a_folder_whose_holder_died_is_not_held(folder: Folder) -> None:
    held = folder.hold()
    assert held is not None
    os.close(held)

    assert not folder.is_held()


def test_removing_the_last_lab_removes_the_folder_of_all(folder: Folder) -> None:
    held = folder.hold()
    assert held is not None

    folder.remove()

    assert not folder.path.parent.exists()
    os.close(held)


def test_removing_one_of_two_labs_leaves_the_other(folder: Folder) -> None:
    other = Folder(folder.path.with_name("y"))
    held = [folder.hold(), other.hold()]

    folder.remove()

    assert other.lock.exists()
    for descriptor in held:
        assert descriptor is not None
        os.close(descriptor)


@pytest.mark.parametrize("name", ["", "Lab", "../x", "-x", "a" * 41, "a_b", "x\n"])
def test_names_that_could_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        check_name(name)


def test_all_missing_programs_are_named_at_once_with_their_packages() -> None:
    requirements = (
        Requirement("nft", "nftables"),
        Requirement("ip", "iproute2"),
        Requirement("tc", "iproute2"),
    )

    with pytest.raises(LabError) as caught:
        require(requirements, installed=lambda program: program == "ip")

    assert caught.value.message == "not installed: nft, tc"
    assert caught.value.hint == "sudo apt-get install iproute2 nftables"
    assert caught.value.exit_status == ExitStatus.PROGRAM_MISSING


def test_nothing_missing_is_no_error() -> None:
    require(PROGRAMS, installed=lambda _: True)


def test_a_host_is_described_with_all_that_is_wrong() -> None:
    host = {"pid": 5, "is_plugged": False, "megabits_per_second": 8.0, "is_relayed": True}

    assert describe(host) == "on, process 5, cable pulled, 8 Mbit/s, delayed or held"
    assert (
        describe(host | {"pid": None, "is_plugged": True, "megabits_per_second": None, "is_relayed": False})
        == "off"
    )
