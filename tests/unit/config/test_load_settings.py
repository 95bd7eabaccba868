"""Loading: every problem at once, each at its line; no secret in any of them."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies

from failover.config.document import read_document
from failover.config.load import (
    _STAND_INS,
    DEFAULT_PATH,
    InvalidConfigurationError,
    check_document,
    load_settings,
    settings_path,
)
from failover.config.schema import all_keys
from failover.config.settings import MISFITS_LATER, Settings
from failover.errors import ConfigurationError, ExitStatus

SMALLEST: dict[str, Any] = {
    "nodes": {"web1": {"address": "192.0.2.1"}, "web2": {"address": "192.0.2.2"}},
    "dns": {
        "zone": "example.org",
        "servers": [{"address": "192.0.2.53"}],
        "tsig": {"name": "k.", "secret": "file:/k"},
        "records": [
            {
                "name": "www.example.org",
                "type": "A",
                "values": {"web1": ["192.0.2.1"], "web2": ["192.0.2.2"]},
            }
        ],
    },
}


def problems_of(text: str) -> list[str]:
    _, problems = check_document(read_document(text.encode()))
    return [problem.sentence("f") for problem in problems]


def problems_with(path: str, value: Any) -> list[str]:
    """The problems, without lines, of the smallest configuration with one value replaced."""
    data = deepcopy(SMALLEST)
    *steps, last = path.split(".")
    inner: Any = data
    for step in steps:
        inner = inner[int(step)] if isinstance(inner, list) else inner.setdefault(step, {})
    inner[int(last) if isinstance(inner, list) else last] = value
    _, problems = check_document(read_document(yaml.safe_dump(data).encode()))
    return [f"{problem.key}: {problem.text}" for problem in problems]


def test_the_smallest_configuration_loads(tmp_path: Path) -> None:
    path = tmp_path / "failover.yaml"
    path.write_text(yaml.safe_dump(SMALLEST))

    loaded = load_settings(path)

    assert loaded.nodes["web2"].ssh_port == 22
    assert loaded.dns.register_owner == "_failover.www.example.org."


MANY_MISTAKES = """\
nodes:
  web1: {address: 10.0.0.1, ssh_prt: 22}
  web2:
    adress: 10.0.0.2
    ssh_user: no
database:
  password: hunter2
  user: 0640
  user: bar
dns:
  zone: example.org
  tsig: {name: k}
  ttl_seconds: 0
  servers: [{address: 10.0.0.9, port: 1.5}]
  records:
    - {name: www.example.com, type: A, values: {web1: [10.0.0.300], web2: [10.0.0.2], web3: [10.0.0.3]}}
    - {name: www.example.org, type: CNAME, values: {web1: [10.0.0.1], web2: ["::1"]}}
ttl_seconds: 4
switchover:
"""


def test_every_problem_is_said_at_once_in_the_order_of_the_lines() -> None:
    assert problems_of(MANY_MISTAKES) == [
        "f:2 nodes.web1.ssh_prt: is not a known key: did you mean ssh_port?",
        "f:4 nodes.web2.adress: is not a known key: did you mean address?",
        "f:5 nodes.web2.ssh_user: must be text; YAML reads an unquoted yes, no, on, off, true, false as a truth value: put it in quotes",
        "f:7 database.password: say where the secret is: file:/PATH, credential:NAME or env:NAME",
        "f:8 database.user: YAML reads this as a number in another notation (octal, 0x, 1:30, 1_000): write plain digits without a leading 0, or put it in quotes",
        "f:9 database.user: is given twice, first in line 8",
        "f:12 dns.tsig.secret: is missing",
        "f:13 dns.ttl_seconds: must be at least 1",
        "f:14 dns.servers.0.port: is not a whole number",
        "f:16 dns.records.0.name: www.example.com. is not in zone example.org.",
        "f:16 dns.records.0.values.web1.0: '10.0.0.300' is not an address for type A",
        "f:16 dns.records.0.values.web3: there is no node web3",
        "f:17 dns.records.1.type: must be 'A' or 'AAAA'",
        "f:18 ttl_seconds: is not a known key: it belongs in dns",
        "f:19 switchover: has no value: give it one, or remove the key",
    ]


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("nodes.web1.ssh_port", 0, "nodes.web1.ssh_port: must be at least 1"),
        ("nodes.web1.ssh_port", 70000, "nodes.web1.ssh_port: must be at most 65535"),
        ("nodes.web1.ssh_port", "22", "nodes.web1.ssh_port: is not a whole number"),
        ("nodes.web1.ssh_port", True, "nodes.web1.ssh_port: is not a whole number"),
        ("nodes.web1.address", "-oProxyCommand=x", "nodes.web1.address: is not an address or a host name"),
        ("nodes.web1.address", 7, "nodes.web1.address: must be text: put the number in quotes"),
        ("nodes.web1.address", "192.0.2.2", "nodes.web2.address: is the same host as web1"),
        ("nodes.web1", ["x"], "nodes.web1: must be a section: keys with values, indented below it"),
        ("nodes.Web3", {"address": "x"}, "nodes.Web3: as a name: use lower-case letters, digits and -, at most 63"),
        ("ssh.key", "id", "ssh.key: give an absolute path"),
        ("ssh.key", 1, "ssh.key: must be a path, as text"),
        ("mirrors", {"a": {"path": "/etc"}}, "mirrors.a.path: /etc is not a tree to mirror: name a directory of your sites' own"),
        ("mirrors", {"a": {"path": "/s/t"}, "b": {"path": "/s"}}, "mirrors.a.path: is inside mirror b"),
        ("mirrors", {"a": {"path": "/s"}, "b": {"path": "/s"}}, "mirrors.b.path: is inside mirror a"),
        ("paths.state", "/var/www/state", "mirrors.www.path: holds paths.state"),
        ("mirrors", {"a": {"path": "/s", "delete": "x"}}, "mirrors.a.delete: must be true or false"),
        ("mirrors", {"a": {"path": "/s", "exclude": [""]}}, "mirrors.a.exclude.0: is not a pattern"),
        ("database.lag_warning_seconds", 61, "database.lag_warning_seconds: must not be above lag_critical_seconds (60)"),
        ("database.statement_timeout_seconds", 0, "database.statement_timeout_seconds: must be above 0"),
        ("database.statement_timeout_seconds", "x", "database.statement_timeout_seconds: is not a number"),
        ("database.password", {"hunter2": 1}, "database.password: must be text, one value"),
        ("dns.servers", [], "dns.servers: must not be an empty list"),
        ("dns.servers", "ns1", "dns.servers: must be a list"),
        ("dns.zone", "a..b", "dns.zone: is not a domain name"),
        ("dns.register", "x.example.com", "dns.register: x.example.com. is not in zone example.org."),
        ("dns.register_name", "x.example.org", "dns.register_name: is not a known key: did you mean register?"),
        ("dns.records.0.values.web1", [], "dns.records.0.values.web1: needs at least one A value"),
        ("dns.records.0.values.web1", ["192.0.2.2"], "dns.records.0.values: both nodes have the same values: a switchover would change nothing"),
        ("dns.records.0.values", {"web1": ["192.0.2.1"]}, "dns.records.0.values: has no value for node web2"),
        ("qqq", 1, "qqq: is not a known key"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_problem_in_plain_words(path: str, value: Any, problem: str) -> None:
    assert problems_with(path, value) == [problem]


def test_a_third_node_needs_no_more_than_to_be_taken_out() -> None:
    found = problems_with("nodes.web3", {"address": "192.0.2.3"})

    assert found == [
        "dns.records.0.values: has no value for node web3",
        "nodes: a pair has two nodes, not 3",
    ]


def test_a_name_listed_twice_is_said_at_its_second_place() -> None:
    record = SMALLEST["dns"]["records"][0]

    assert problems_with("dns.records", [record, deepcopy(record)]) == [
        "dns.records.1.name: www.example.org. A is listed twice"
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        "mirrors: {w: {path: /srv/w, exclude: ['']}}",
        "mirrors: {w: {path: /srv/w, exclude: [1]}, v: {path: /srv/v}}",
        "mirrors: {W: {path: /srv/w}}",
        "mirrors: {w: x}",
        "mirrors: {1: x}",
        "switchover:",
        "paths: {state: x}",
    ],
)
def test_a_mistake_in_one_section_hides_no_misfit_in_another(wrong: str) -> None:
    text = yaml.safe_dump(SMALLEST).replace("zone: example.org", "zone: example.com")

    found = problems_of(f"{text}{wrong}\n")

    assert len(found) == 2
    assert found[0].endswith("www.example.org. is not in zone example.com.")


@pytest.mark.parametrize("place", ["servers", "records"])
def test_a_wrong_item_of_a_list_is_one_problem(place: str) -> None:
    assert problems_with(f"dns.{place}.0", "x") == [
        f"dns.{place}.0: must be a section: keys with values, indented below it"
    ]


def test_misfits_are_seen_though_single_values_are_wrong_as_well() -> None:
    text = (
        yaml.safe_dump(SMALLEST)
        .replace("file:/k", "hunter2")
        .replace("zone: example.org", "zone: example.com")
    )

    found = problems_of(text)

    assert len(found) == 2
    assert "is not in zone example.com." in found[0]
    assert "say where the secret is" in found[1]


def test_a_misfit_that_may_follow_from_another_mistake_is_left_out() -> None:
    data = deepcopy(SMALLEST)
    data["database"] = {"lag_warning_seconds": 500, "lag_critical_seconds": "500"}

    _, problems = check_document(read_document(yaml.safe_dump(data).encode()))

    assert [problem.key for problem in problems] == ["database.lag_critical_seconds"]


def test_a_stand_in_exists_for_every_required_key() -> None:
    assert {key.name for key in all_keys() if key.is_required} == _STAND_INS.keys()
    Settings.model_validate({key: _STAND_INS[key] for key in ("nodes", "dns")}, context=MISFITS_LATER)


@pytest.mark.parametrize("key", ["password", "replication_password"])
@pytest.mark.parametrize(
    "value",
    [
        "hunter2",
        "'hunter2'",
        "!hunter2",
        "!hunter2 x",
        "&hunter2 x",
        "*hunter2",
        "{hunter2: 1}",
        "{hunter2: 1, hunter2: 2}",
        "{hunter2: *hunter2, 7: 0640}",
        "[hunter2]",
        "|\n    hunter2\n    x",
        "'hunter2",
        "hunter2: hunter2",
        "hunter2\n   hunter2: x",
        "@hunter2",
        "%hunter2",
        "`hunter2",
        '"\\hunter2"',
        "{hunter2",
        "{no: hunter2}",
    ],
)
def test_what_was_typed_for_a_secret_is_in_no_message(key: str, value: str) -> None:
    found = problems_of(f"database:\n  {key}: {value}\n")

    assert found
    assert "hunter2" not in "\n".join(found)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(tmp_path / "none.yaml")

    assert caught.value.exit_status == ExitStatus.NO_CONFIGURATION
    assert caught.value.hint == f"failover config generate > {tmp_path}/none.yaml"


def test_a_directory_is_not_a_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a directory") as caught:
        load_settings(tmp_path)

    assert caught.value.exit_status == ExitStatus.BAD_CONFIGURATION


def test_a_loop_of_links_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "a")

    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings(tmp_path / "a")


def test_the_error_has_the_problems_and_a_command_to_type(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("nodes: 1\nx: 2\n")

    with pytest.raises(InvalidConfigurationError) as caught:
        load_settings(path)

    assert caught.value.message.splitlines() == [
        f"{path}:1 dns: is missing",
        f"{path}:1 nodes: must be a section: keys with values, indented below it",
        f"{path}:2 x: is not a known key",
    ]
    assert caught.value.hint == f"correct it, then run: failover config validate --config {path}"


def test_the_command_line_goes_before_the_environment() -> None:
    environment = {"FAILOVER_CONFIG": "/e"}

    assert settings_path(Path("/o"), environment=environment) == Path("/o")
    assert settings_path(None, environment=environment) == Path("/e")
    assert settings_path(None, environment={"FAILOVER_CONFIG": ""}) == DEFAULT_PATH


SCALARS = strategies.one_of(
    strategies.none(),
    strategies.booleans(),
    strategies.integers(),
    strategies.floats(),
    strategies.dates(),
    strategies.text(max_size=20),
    strategies.binary(max_size=5),
)
KNOWN_KEYS = strategies.sampled_from([key.name for key in all_keys()])
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no reason to fail."""
JUNK = strategies.recursive(
    SCALARS,
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(
            KNOWN_KEYS | strategies.text(max_size=5) | strategies.integers(), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@UNHURRIED
@given(JUNK)
def test_junk_is_problems_and_never_a_traceback(junk: Any) -> None:
    found, problems = check_document(read_document(yaml.dump(junk, allow_unicode=True).encode()))

    assert found is None
    assert problems


PLACES = [
    "",
    "nodes",
    "nodes.web1",
    "nodes.web1.address",
    "dns",
    "dns.tsig",
    "dns.records.0",
    "dns.servers.0",
]


@UNHURRIED
@given(strategies.sampled_from(PLACES), JUNK)
def test_junk_in_the_midst_of_a_good_file_is_problems_or_settings(place: str, junk: Any) -> None:
    data = deepcopy(SMALLEST)
    inner: Any = data
    for step in place.split(".")[:-1]:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    last = place.rpartition(".")[2] or "mirrors"
    inner[int(last) if isinstance(inner, list) else last] = junk

    found, problems = check_document(read_document(yaml.dump(data, allow_unicode=True).encode()))

    assert (found is None) == bool(problems)


NAMES = strategies.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
SECONDS = strategies.floats(min_value=1e-3, max_value=86400)


@UNHURRIED
@given(
    names=strategies.lists(NAMES, min_size=2, max_size=2, unique=True),
    port=strategies.integers(1, 65535),
    wait=SECONDS,
    exclude=strategies.lists(strategies.from_regex(r"[ -~]{1,8}", fullmatch=True), max_size=3),
)
def test_settings_survive_a_dump_and_a_load(
    names: list[str], port: int, wait: float, exclude: list[str]
) -> None:
    first, second = names
    data = deepcopy(SMALLEST)
    data["nodes"] = {first: {"address": "192.0.2.1", "ssh_port": port}, second: {"address": "192.0.2.2"}}
    data["dns"]["records"][0]["values"] = {first: ["192.0.2.1"], second: ["192.0.2.2"]}
    data["mirrors"] = {first: {"path": "/srv/x", "exclude": exclude}}
    data["switchover"] = {"freeze_timeout_seconds": wait}
    before = Settings.model_validate(data)

    dumped = yaml.safe_dump(before.model_dump(mode="json", by_alias=True), allow_unicode=True)
    after, problems = check_document(read_document(dumped.encode()))

    assert problems == ()
    assert after == before


SECTIONS = [(), ("nodes", "web1"), ("dns",), ("dns", "tsig"), ("dns", "records", 0), ("dns", "servers", 0)]


@UNHURRIED
@given(
    strategies.lists(
        strategies.tuples(
            strategies.sampled_from(SECTIONS), strategies.from_regex(r"zz_[a-z]{1,8}", fullmatch=True)
        ),
        min_size=1,
        max_size=6,
        unique=True,
    )
)
def test_every_unknown_key_is_reported_at_its_line(added: list[tuple[tuple[str | int, ...], str]]) -> None:
    data = deepcopy(SMALLEST)
    for place, key in added:
        inner: Any = data
        for step in place:
            inner = inner[step]
        inner[key] = "x"
    text = yaml.safe_dump(data)

    _, problems = check_document(read_document(text.encode()))

    written = text.splitlines()
    assert sorted(problem.key for problem in problems) == sorted(
        ".".join(map(str, (*place, key))) for place, key in added
    )
    for problem in problems:
        assert written[problem.line - 1].strip().removeprefix("- ").startswith(problem.key.split(".")[-1])
