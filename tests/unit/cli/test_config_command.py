"""`failover config …` as a person types it: what comes out where, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from failover.cli.main import main
from failover.config.sample import sample
from failover.errors import ExitStatus

ZONE_LINE = next(number for number, line in enumerate(sample().splitlines(), 1) if "zone: " in line)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "failover.yaml"
    path.write_text(sample())
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(sample().replace("zone:", "zoen:").replace("type: A", "type: TXT"))
    return path


def test_what_generate_prints_is_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "config generate --node a=192.0.2.1 --node b=192.0.2.2 --zone example.net --name example.net"
    assert (
        main([*words.split(), "--server", "ns1.example.net", "--mirror", "sites=/srv/sites"])
        == ExitStatus.DONE
    )
    path = tmp_path / "failover.yaml"
    path.write_text(capsys.readouterr().out)

    assert main(["config", "validate", "--config", str(path)]) == ExitStatus.DONE

    assert capsys.readouterr().out == f"{path} is valid: nodes a and b, mirrors sites, moving example.net\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--node a=192.0.2.1", "--node: a pair has two nodes, not 1"),
        ("--node a=192.0.2.1 --node a=192.0.2.2", "a is given twice"),
        ("--node a", "give it as NAME=ADDRESS"),
        ("--mirror =x", "give it as NAME=PATH"),
        ("--mirror x=/etc", "/etc is not a tree to mirror"),
        ("--name www.example.net", "--name needs --zone"),
        ("--zone a..b", "dns.zone: is not a domain name"),
        ("--zone example.net --name www.example.org", "is not in zone example.net."),
        ("--node A=192.0.2.1 --node b=192.0.2.2", "nodes.A: as a name: use lower-case letters"),
        ("--server -x", None),
        ("--server=-x", "dns.servers.0.address: is not an address or a host name"),
        ("--zone a\0b", "control character"),
    ],
)
def test_generate_refuses_what_would_not_be_valid(
    words: str, message: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(["config", "generate", *words.split(" ")])
    except SystemExit as stop:
        status = int(str(stop.code))

    said = capsys.readouterr()
    assert status == ExitStatus.USAGE
    assert said.out == ""
    assert message is None or message in said.err


def test_validate_names_every_problem_on_stderr(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["config", "validate", "--config", str(bad)])

    said = capsys.readouterr()
    assert status == ExitStatus.BAD_CONFIGURATION
    assert said.out == ""
    assert f"{bad}:{ZONE_LINE} dns.zoen: is not a known key: did you mean zone?" in said.err
    assert "dns.records.0.type: must be 'A' or 'AAAA'" in said.err
    assert f"hint: correct it, then run: failover config validate --config {bad}" in said.err


def test_validate_says_it_in_json(good: Path, bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "validate", "--json", "--config", str(good)]) == ExitStatus.DONE
    assert json.loads(capsys.readouterr().out) == {"file": str(good), "valid": True, "problems": []}

    assert main(["config", "validate", "--json", "--config", str(bad)]) == ExitStatus.BAD_CONFIGURATION
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["valid"] is False
    assert verdict["problems"][0] == {
        "line": ZONE_LINE,
        "key": "dns.zoen",
        "text": "is not a known key: did you mean zone?",
    }


def test_a_missing_file_has_its_own_status_and_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none.yaml"

    for words in (["validate"], ["validate", "--json"], ["show"]):
        assert main(["config", *words, "--config", str(path)]) == ExitStatus.NO_CONFIGURATION
        assert f"hint: failover config generate > {path}" in capsys.readouterr().err


def test_the_environment_names_the_file(
    good: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAILOVER_CONFIG", str(good))

    assert main(["config", "validate"]) == ExitStatus.DONE
    assert str(good) in capsys.readouterr().out


def test_show_prints_what_is_in_effect(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--config", str(good)]) == ExitStatus.DONE
    plain = capsys.readouterr().out
    assert "  ttl_seconds: 60\n" in plain

    assert main(["config", "show", "--origin", "--config", str(good)]) == ExitStatus.DONE
    assert "  ttl_seconds: 60  # default\n" in capsys.readouterr().out


def test_show_prints_json(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--json", "--origin", "--config", str(good)]) == ExitStatus.DONE
    shown = json.loads(capsys.readouterr().out)

    assert shown["settings"]["dns"]["register"] == "_failover.www.example.org."
    assert shown["origin"]["dns.ttl_seconds"] is None
    assert shown["origin"]["dns.zone"] == ZONE_LINE


def test_help_needs_no_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["config", "--help"])

    assert stop.value.code == 0
    assert "generate" in capsys.readouterr().out
