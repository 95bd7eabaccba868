"""What the switch and the hosts are told about the net."""

from __future__ import annotations

import pytest

from failover.lab import line
from failover.lab.filters import drop_table, loss_table, reject_table, removal, tables_about
from failover.lab.line import Line
from failover.lab.topology import PLACES, hosts_file, place_of

WEB1, WEB2 = place_of("web1"), place_of("web2")


def test_every_host_has_a_name_an_address_and_a_card_of_its_own() -> None:
    for values in (
        {p.name for p in PLACES},
        {p.address for p in PLACES},
        {p.hardware_address for p in PLACES},
    ):
        assert len(values) == len(PLACES)


def test_interface_names_fit_the_kernel() -> None:
    names = [
        name for place in PLACES for name in (place.port, line.relay_bridge(place), *line.relay_ends(place))
    ]

    assert max(len(name) for name in names) <= 15


def test_the_card_keeps_its_address_so_that_peers_find_a_host_again_after_a_power_cut() -> None:
    assert WEB1.hardware_address == "02:00:0a:4d:00:0b"
    assert "address 02:00:0a:4d:00:0b netns 77" in line.cable_words(WEB1, 77, Line())


def test_hosts_file_has_the_hosts_and_not_the_site() -> None:
    text = hosts_file()

    assert "10.77.0.12 web2.example.test web2\n" in text
    assert "www" not in text


def test_unknown_host_has_no_place() -> None:
    with pytest.raises(KeyError):
        place_of("web3")


def test_a_pulled_cable_stays_pulled_over_a_power_cut() -> None:
    assert line.cable_words(WEB1, 7, Line(is_plugged=False)).endswith("link set v-web1 master br0 down\n")


def test_a_relayed_cable_ends_in_the_relay_after_a_power_cut() -> None:
    assert "master br-web1 up" in line.cable_words(WEB1, 7, Line(is_relayed=True))


def test_a_slow_rate_still_lets_a_full_frame_pass() -> None:
    words = line.rate_argv("eth0", 0.1)

    assert words[words.index("rate") + 1] == "100000bit"
    assert words[words.index("burst") + 1] == "4000b"


def test_no_rate_takes_the_limit_away() -> None:
    assert line.rate_argv("eth0", None) == ("tc", "qdisc", "delete", "dev", "eth0", "root")


def test_dropping_spares_arp_or_one_direction_would_cut_both() -> None:
    text = drop_table("partition_web1_web2", ((WEB1, WEB2),))

    assert "iifname v-web1 ether type ip ip saddr 10.77.0.11 ip daddr 10.77.0.12 drop" in text
    assert "v-web2" not in text


def test_rejecting_lets_resets_through_first() -> None:
    rules = [line.strip() for line in reject_table("x", WEB1).splitlines() if "saddr" in line]

    assert rules[0].endswith("rst == rst accept")
    assert rules[1].endswith("reject with tcp reset")


@pytest.mark.parametrize(
    ("percent", "words"), [(30, "mod 1000 < 300 drop"), (0.5, "< 5 drop"), (100, "v-web1 drop")]
)
def test_loss_is_a_chance_and_all_is_no_chance(percent: float, words: str) -> None:
    assert words in loss_table("loss_web1", WEB1, percent)


def test_a_table_is_replaced_whole() -> None:
    assert loss_table("loss_web1", WEB1, 5).startswith(removal("bridge", "loss_web1"))


def test_tables_about_a_host_are_found_by_its_whole_name() -> None:
    listing = (
        "table bridge partition_web1_ns1\ntable ip partition_web2_ns1\ntable bridge loss_web1\ntable ip own\n"
    )

    assert tables_about(listing, "web1") == (("bridge", "partition_web1_ns1"), ("bridge", "loss_web1"))
    assert tables_about(listing, "web") == ()
