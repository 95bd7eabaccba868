"""What `failover demo --keep` says at its end: lines to paste into a shell, as they stand. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from failover.lab.lab import DEFAULT_NAME
from failover.lab.services.bind import SITE_NAMES
from failover.lab.topology import NAME_SERVERS, place_of

_NAME = SITE_NAMES[0]
_PAGE = f"""python3 -c 'import urllib.request as u; print(u.urlopen("http://{_NAME}/").read().decode())'"""


def lines(*, program: str, lab: str, primary: str, has_curl: bool) -> Sequence[tuple[str, str]]:
    """What each line shows, and the line. `program` is how this shell calls failover."""
    named = "" if lab == DEFAULT_NAME else f"--name {lab} "
    page = f"curl -si http://{_NAME}/" if has_curl else _PAGE
    server = place_of(NAME_SERVERS[0]).address

    def on(host: str, command: str) -> str:
        return f"{program} lab run {named}{host} -- {command}"

    return (
        ("the pair", on("operator", "failover status")),
        ("what was lost", on("operator", "failover loss")),
        ("the site, as a visitor gets it", on("operator", page)),
        ("its address", on("operator", f"dig +noall +answer @{server} {_NAME} A")),
        ("the register", on("operator", f"dig +noall +answer @{server} _failover.{_NAME} TXT")),
        ("its comments", on(primary, "mariadb -e 'SELECT * FROM site.comments ORDER BY id DESC LIMIT 5'")),
        ("a shell", f"{program} lab enter {named}operator"),
        ("the end of it", f"{program} lab down {named}".rstrip()),
    )


def text(shown: Sequence[tuple[str, str]]) -> str:
    """The lines below one another, each under what it shows."""
    return "\n".join(
        ["", "The pair is still up. Look around:", *(f"  # {what}\n  {line}" for what, line in shown)]
    )
