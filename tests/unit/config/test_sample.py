"""The generated file, the page of the manual and the output of `show` all say the same as the settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hurry
from hypothesis import strategies as st

from failover.config.document import Document, read_document
from failover.config.explain import as_yaml, effective, explain, render
from failover.config.load import check_document
from failover.config.manual import manual
from failover.config.place import Problem
from failover.config.sample import sample
from failover.config.schema import all_keys, key_at, section_at
from failover.config.settings import RecordSettings, Settings

_PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def loaded(text: str) -> tuple[Settings, Document]:
    document = read_document(text.encode())
    settings, problems = check_document(document)
    assert problems == ()
    assert settings is not None
    return settings, document


def test_the_sample_is_valid() -> None:
    settings, _ = loaded(sample())

    assert list(settings.nodes) == ["web1", "web2"]


def test_the_sample_with_every_default_uncovered_says_the_same() -> None:
    uncovered = re.sub(r"^#(?=\S|  )", "", sample(), flags=re.MULTILINE)

    assert loaded(uncovered)[0] == loaded(sample())[0]
    assert uncovered.count("\n#") < sample().count("\n#")


def test_the_sample_has_every_key() -> None:
    text = sample()

    assert [
        key.name for key in all_keys() if not re.search(rf"^#? *(- )?{key.name}:", text, re.MULTILINE)
    ] == []


def test_every_key_is_described() -> None:
    assert [key.name for key in all_keys() if not key.field.description] == []


def test_what_is_given_is_filled_in() -> None:
    settings, _ = loaded(
        sample(
            nodes={"a": "2001:db8::1", "b": "2001:db8::2"},
            zone="example.net",
            names=["example.net", "www.example.net"],
            servers=["ns1.example.net", "ns2.example.net"],
            mirrors={"sites": "/srv/sites", "mail": "/srv/mail"},
        )
    )

    assert [record.type for record in settings.dns.records] == ["AAAA", "AAAA"]
    assert settings.dns.records[1].values == {"a": ("2001:db8::1",), "b": ("2001:db8::2",)}
    assert [server.address for server in settings.dns.servers] == ["ns1.example.net", "ns2.example.net"]
    assert settings.mirrors["mail"].path == Path("/srv/mail")


@pytest.mark.parametrize("second", ["b.example.org", "2001:db8::2"])
def test_where_values_cannot_be_known_the_sample_says_so(second: str) -> None:
    text = sample(nodes={"a": "192.0.2.77", "b": second})

    assert "REPLACE" in text
    assert loaded(text)[0].nodes["b"].address == second


def test_names_that_yaml_would_misread_are_quoted() -> None:
    settings, _ = loaded(sample(nodes={"no": "192.0.2.1", "01": "192.0.2.2"}))

    assert list(settings.nodes) == ["no", "01"]


def test_the_page_is_in_step_with_the_settings() -> None:
    assert _PAGE.read_text() == manual(), "run: python -m failover.config.manual > docs/configuration.md"


def test_the_links_of_the_page_lead_to_its_titles() -> None:
    page = manual()
    titles = {
        re.sub(r"[^a-z0-9_]", "", title.lower()) for title in re.findall(r"^## `(.+)`$", page, re.MULTILINE)
    }

    assert set(re.findall(r"\]\(#([^)]+)\)", page)) == titles


def test_each_value_is_shown_with_its_origin() -> None:
    settings, document = loaded(sample())
    origins = {setting.key: setting.origin for setting in explain(settings, document)}

    address = document.lines["nodes", "web1", "address"]
    assert origins["nodes.web1.address"] == f"line {address}"
    assert origins["nodes.web1.ssh_port"] == "default"
    assert origins["ssh.key"] == "default"
    assert f"address: 192.0.2.11  # line {address}\n" in render(settings, document)


def test_what_is_shown_loads_again_as_the_same() -> None:
    settings, document = loaded(sample(nodes={"no": "192.0.2.1", "01": "192.0.2.2"}))

    again, _ = loaded(render(settings, document))

    assert effective(again) == effective(settings)


def test_having_no_mirror_is_shown_as_such() -> None:
    settings, _ = loaded(sample())

    again, _ = loaded(render(settings.model_copy(update={"mirrors": {}})))

    assert again.mirrors == {}


def test_secrets_are_shown_as_references() -> None:
    settings, document = loaded(sample())

    assert "secret: file:/etc/failover/secrets/tsig\n" in render(settings)
    assert {setting.key: setting.value for setting in explain(settings, document)}["dns.tsig.secret"] == (
        "file:/etc/failover/secrets/tsig"
    )


@hurry(deadline=None)
@given(st.one_of(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])), st.integers(-(10**9), 10**9)))
def test_a_value_written_is_the_value_read(value: str | int) -> None:
    assert read_document(f"a: {as_yaml(value)}".encode()).data == {"a": value}


def test_places_lead_to_keys_and_sections() -> None:
    place = ("dns", "records", 0, "values", "web1")
    found = key_at(place)

    assert found is not None
    assert (found[0].name, found[1]) == ("values", ("web1",))
    assert section_at(place[:3]) is RecordSettings
    assert section_at(place[:2]) is None
    assert key_at(("nothing",)) is None


def test_a_problem_is_one_line_whatever_was_typed() -> None:
    assert Problem(3, "", "is empty").sentence("f") == "f:3: is empty"
    settings, problems = check_document(read_document(("? '" + "ü " * 200 + "'\n: 1\n").encode()))

    assert settings is None
    assert all("\n" not in problem.sentence("f") and len(problem.sentence("f")) < 300 for problem in problems)
