r"""Which paths a mirror leaves alone: rsync's exclude patterns, read as rsync reads them. Pure.

rsync itself gets the same patterns (`--exclude`) in every run. They are matched here as well because excluded
directories are not watched and a path listed by name would pass rsync's rules by. Source: rsync(1), PATTERN MATCHING
RULES. `*`, `?` and `[...]` stop at a slash, `**` does not; a leading `/` anchors, a trailing one means directories only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from failover.errors import ConfigurationError

COOKIE_PREFIX = b".failover-cookie-"
"""Files of this name in a mirror's root prove that its watcher is awake; they are never mirrored."""
_ALWAYS = (f"/{COOKIE_PREFIX.decode()}*",)
_WILD = re.compile(rb"[*?\[]")


@dataclass(frozen=True, slots=True)
class _Pattern:
    regex: re.Pattern[bytes]
    is_directory_only: bool
    takes_name_only: bool
    wants_leading_slash: bool
    wants_directory_slash: bool

    def matches(self, path: bytes, *, is_directory: bool) -> bool:
        if self.is_directory_only and not is_directory:
            return False
        text = path.rpartition(b"/")[2] if self.takes_name_only else path
        if self.wants_leading_slash:
            text = b"/" + text
        if self.wants_directory_slash and is_directory:
            text += b"/"
        return self.regex.fullmatch(text) is not None


class Excludes:
    """The exclude patterns of one mirror, and the cookies'.

    Raises:
        ConfigurationError: a pattern that rsync would not take as a plain exclude.
    """

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self.patterns: tuple[str, ...] = (*_ALWAYS, *patterns)
        self._compiled = tuple(_compile(pattern) for pattern in self.patterns)

    @property
    def depends_on_place(self) -> bool:
        """Whether moving a directory can change what below it is excluded."""
        return any(not pattern.takes_name_only for pattern in self._compiled[len(_ALWAYS) :])

    def excludes_name(self, path: bytes, *, is_directory: bool) -> bool:
        """Whether the path itself matches. Enough while walking down, where an excluded parent is not entered."""
        return any(pattern.matches(path, is_directory=is_directory) for pattern in self._compiled)

    def excludes(self, path: bytes, *, is_directory: bool) -> bool:
        """Whether the path or a directory above it matches; the root never does."""
        if not path:
            return False
        end = path.find(b"/")
        while end >= 0:
            if self.excludes_name(path[:end], is_directory=True):
                return True
            end = path.find(b"/", end + 1)
        return self.excludes_name(path, is_directory=is_directory)


def _compile(text: str) -> _Pattern:
    if text == "!" or text[:2] in {"- ", "+ ", "; "} or text in {"/", "//"}:
        raise ConfigurationError(
            f"exclude pattern {text!r} is not a plain pattern",
            hint="includes and rsync's rule prefixes are not supported",
        )
    pattern = text.encode("utf-8", "surrogateescape")
    is_directory_only = len(pattern) > 1 and pattern.endswith(b"/")
    if is_directory_only:
        pattern = pattern[:-1]
    is_anchored = pattern.startswith(b"/")
    has_slash = b"/" in pattern
    if is_anchored:
        pattern = pattern[1:]
    is_wild = _WILD.search(pattern) is not None
    has_double = b"**" in pattern
    starts_double = pattern.startswith(b"**")
    body = _translate(pattern) if is_wild else re.escape(pattern)
    stands_at_start = is_anchored or (is_wild and starts_double)
    regex = body if stands_at_start else rb"(?:.*/)?" + body
    return _Pattern(
        regex=re.compile(regex, re.DOTALL),
        is_directory_only=is_directory_only,
        takes_name_only=not has_slash and not has_double,
        wants_leading_slash=not is_anchored and starts_double,
        wants_directory_slash=pattern.endswith(b"***"),
    )


def _translate(pattern: bytes) -> bytes:
    """A pattern with wildcards as a regular expression."""
    result = bytearray()
    position = 0
    while position < len(pattern):
        character = pattern[position : position + 1]
        position += 1
        if character == b"*":
            stars = 1
            while pattern[position : position + 1] == b"*":
                position += 1
                stars += 1
            result += b".*" if stars > 1 else b"[^/]*"
        elif character == b"?":
            result += b"[^/]"
        elif character == b"\\" and position < len(pattern):
            result += re.escape(pattern[position : position + 1])
            position += 1
        elif character == b"[":
            piece, position = _translate_class(pattern, position)
            result += piece
        else:
            result += re.escape(character)
    return bytes(result)


_POSIX = {
    b"alpha": b"a-zA-Z",
    b"digit": b"0-9",
    b"alnum": b"a-zA-Z0-9",
    b"upper": b"A-Z",
    b"lower": b"a-z",
    b"space": rb"\s",
    b"punct": rb"!-/:-@\[-`{-~",
    b"xdigit": b"0-9a-fA-F",
}


def _translate_class(pattern: bytes, position: int) -> tuple[bytes, int]:
    """A bracket expression that begins before `position`, and where it ends. An open one matches nothing."""
    is_negated = pattern[position : position + 1] in {b"!", b"^"}
    position += is_negated
    content = bytearray()
    first = True
    while True:
        character = pattern[position : position + 1]
        if not character:
            return rb"(?!)", len(pattern)
        if character == b"]" and not first:
            break
        first = False
        if character == b"[" and pattern[position + 1 : position + 2] == b":":
            end = pattern.find(b":]", position + 2)
            name = pattern[position + 2 : end] if end > 0 else b""
            if name in _POSIX:
                content += _POSIX[name]
                position = end + 2
                continue
        if character == b"\\" and position + 1 < len(pattern):
            position += 1
            character = pattern[position : position + 1]
            content += re.escape(character)
        elif character == b"-":
            content += b"-" if content and pattern[position + 1 : position + 2] != b"]" else rb"\-"
        else:
            content += re.escape(character)
        position += 1
    head = b"^" if is_negated else b""
    return rb"(?:(?!/)[" + head + bytes(content) + b"])", position + 1
