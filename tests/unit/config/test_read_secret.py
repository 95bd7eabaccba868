"""Secrets: read only where nobody else can read them, never printed."""

from __future__ import annotations

import os
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from failover.config.secrets import Secret, read_secret
from failover.errors import ExitStatus, SecretError

PASSWORD = "hunter2 with a ü"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(PASSWORD + "\n")
    path.chmod(0o600)
    return path


def refusal(reference: str, **environment: str) -> SecretError:
    with pytest.raises(SecretError) as caught:
        read_secret(reference, environment=environment)
    error = caught.value
    assert error.exit_status == ExitStatus.UNREADABLE_SECRET
    assert error.hint
    assert "hunter2" not in f"{error.message} {error.hint} {error!r}"
    return error


def test_a_file_gives_its_text_without_the_line_end(file: Path) -> None:
    assert read_secret(f"file:{file}", environment={}).reveal() == PASSWORD


def test_inner_and_leading_blanks_belong_to_the_secret(file: Path) -> None:
    file.write_text(" a b \r\n")

    assert read_secret(f"file:{file}", environment={}).reveal() == " a b "


def test_a_link_is_judged_by_its_target(file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to(file)

    assert read_secret(f"file:{link}", environment={}).reveal() == PASSWORD
    file.chmod(0o644)
    error = refusal(f"file:{link}")
    assert error.message.endswith(f"{link} can be read by others (mode 0644)")
    assert error.hint == f"chmod 0600 {file}"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_file_open_to_others_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)

    assert refusal(f"file:{file}").hint == f"chmod 0600 {file}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(file: Path) -> None:
    os.chown(file, 65533, -1)

    error = refusal(f"file:{file}")

    assert "belongs to user 65533" in error.message
    assert error.hint == f"chown root {file}; chmod 0600 {file}"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "there is no file" in refusal(f"file:{tmp_path}/none").message


def test_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "none")

    assert "there is no file" in refusal(f"file:{tmp_path}/link").message


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n\n"])
def test_an_empty_file_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)

    assert "is empty" in refusal(f"file:{file}").message


def test_a_file_that_is_not_text_is_refused(file: Path) -> None:
    file.write_bytes(b"hunter2\xff")

    assert "not UTF-8" in refusal(f"file:{file}").message


def test_a_huge_file_is_refused(file: Path) -> None:
    file.write_bytes(b"x" * 100_000)

    assert "too large" in refusal(f"file:{file}").message


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "is not a file" in refusal(f"file:{tmp_path}").message


def test_a_named_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)

    assert "is not a file" in refusal(f"file:{tmp_path}/pipe").message


def test_a_path_that_cannot_be_one_is_refused() -> None:
    assert "not a path" in refusal("file:/a\0b").message


def test_a_credential_is_read_from_the_directory_systemd_made(file: Path) -> None:
    secret = read_secret("credential:secret", environment={"CREDENTIALS_DIRECTORY": str(file.parent)})

    assert secret.reveal() == PASSWORD


def test_a_credential_may_carry_the_mask_of_systemds_acl(file: Path) -> None:
    file.chmod(0o440)

    assert read_secret("credential:secret", environment={"CREDENTIALS_DIRECTORY": str(file.parent)})
    file.chmod(0o444)
    refusal("credential:secret", CREDENTIALS_DIRECTORY=str(file.parent))


def test_a_credential_outside_a_unit_says_what_to_do() -> None:
    assert "LoadCredential=db:PATH" in str(refusal("credential:db").hint)


def test_a_missing_credential_is_refused(tmp_path: Path) -> None:
    assert "there is no file" in refusal("credential:db", CREDENTIALS_DIRECTORY=str(tmp_path)).message


def test_the_directory_above_is_no_credential(tmp_path: Path) -> None:
    assert "is not a file" in refusal("credential:..", CREDENTIALS_DIRECTORY=str(tmp_path)).message


def test_a_variable_gives_its_value() -> None:
    assert read_secret("env:DB", environment={"DB": PASSWORD}).reveal() == PASSWORD


def test_a_variable_not_set_or_empty_is_refused() -> None:
    assert "is not set" in refusal("env:DB").message
    assert "is empty" in refusal("env:DB", DB="").message


def test_what_is_no_reference_is_not_repeated() -> None:
    refusal("hunter2")
    refusal("hunter2:x")


def test_a_secret_does_not_print() -> None:
    secret = Secret(PASSWORD)

    assert f"{secret} {secret!r} {[secret]}" == "*** *** [***]"
    assert secret == Secret(PASSWORD)


def test_a_secret_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Secret("a")._value = "b"  # type: ignore[misc]  # the test of that very rule
