from __future__ import annotations

import pytest

from failover.errors import ConfigurationError
from failover.sync.rules import Excludes


@pytest.mark.parametrize(
    ("pattern", "path", "is_directory", "expected"),
    [
        ("cache", b"cache", True, True),
        ("cache", b"a/b/cache", False, True),
        ("cache", b"cache2", False, False),
        ("cache", b"cache/deep/file", False, True),
        ("cache/", b"cache", False, False),
        ("cache/", b"a/cache", True, True),
        ("/cache", b"a/cache", False, False),
        ("/cache", b"cache", False, True),
        ("*.log", b"a/x.log", False, True),
        ("*.log", b"a/x.logs", False, False),
        ("a*c", b"a/c", False, False),
        ("a/*/c", b"x/a/b/c", False, True),
        ("a/*/c", b"a/b/b/c", False, False),
        ("a/**/c", b"a/b/b/c", False, True),
        ("/a/**", b"a/b", False, True),
        ("/a/**", b"a", True, False),
        ("a/***", b"a", True, True),
        ("a/***", b"a/b", False, True),
        ("**/x", b"x", False, True),
        ("?at", b"cat", False, True),
        ("?at", b"caat", False, False),
        ("[bc]at", b"bat", False, True),
        ("[!bc]at", b"bat", False, False),
        ("[^bc]at", b"rat", False, True),
        ("[a-c]x", b"bx", False, True),
        ("[]x]y", b"]y", False, True),
        ("[[:digit:]]y", b"7y", False, True),
        ("[ab", b"a", False, False),
        (r"a\*b", b"a*b", False, True),
        (r"a\*b", b"axb", False, False),
        (r"a\b", rb"a\b", False, True),
        ("caf\xe9", "café".encode(), False, True),
        ("x.y", b"xzy", False, False),
        ("line*", b"line\nbreak", False, True),
    ],
)
def test_pattern_is_read_as_rsync_reads_it(
    pattern: str, path: bytes, is_directory: bool, expected: bool
) -> None:
    assert Excludes([pattern]).excludes(path, is_directory=is_directory) is expected


def test_root_is_never_excluded() -> None:
    assert not Excludes(["*", "**"]).excludes(b"", is_directory=True)


def test_cookies_are_always_excluded_in_the_root_only() -> None:
    rules = Excludes()

    assert rules.excludes(b".failover-cookie-1-1", is_directory=False)
    assert not rules.excludes(b"d/.failover-cookie-1-1", is_directory=False)


@pytest.mark.parametrize("pattern", ["+ keep", "- drop", "!", "; x", "/"])
def test_rule_prefixes_are_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError):
        Excludes([pattern])
