"""What the lab's site keeps: comments in the database, uploads as files. Nothing is acknowledged before it is there."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from failover.system.files import sync_directory

FOLDER = Path("/var/www/site")
_SOCKET = "/run/mysqld/mysqld.sock"
_LIMIT_SECONDS = 2
_LATEST = 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Comment:
    """What a visitor said."""

    token: str
    author: str
    body: str


def is_name(text: str) -> bool:
    """Whether an upload can have that name: nothing that leads out of the folder, or hides in it."""
    return _NAME.fullmatch(text) is not None


def is_token(text: str) -> bool:
    """Whether a comment can have that token."""
    return _TOKEN.fullmatch(text) is not None


class Uploads:
    """The files visitors sent, in a folder of the mirror."""

    def __init__(self, folder: Path = FOLDER / "uploads") -> None:
        self._folder = folder

    def put(self, name: str, content: bytes) -> None:
        """Keep a file: when this returns it is on the disk, whole, under its name.

        Raises:
            OSError: it is not.
        """
        temporary = self._folder / f".{name}.{secrets.token_hex(8)}.part"
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._folder / name)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_directory(self._folder)

    def get(self, name: str) -> bytes | None:
        """A file's content, or None."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def latest(self) -> tuple[str, ...]:
        """The names of the latest files, newest first."""
        return names_in(self._folder)


def names_in(folder: Path) -> tuple[str, ...]:
    """The latest files of a folder, newest first; none if it is not there."""
    found: list[tuple[int, str]] = []
    try:
        with os.scandir(folder) as entries:
            found.extend(
                (entry.stat().st_mtime_ns, entry.name)
                for entry in entries
                if entry.is_file() and not entry.name.startswith(".")
            )
    except FileNotFoundError:
        return ()
    return tuple(name for _, name in sorted(found, reverse=True)[:_LATEST])


class Comments:
    """The comments, in the database of this host. Every call may raise pymysql.MySQLError."""

    def __init__(self, password: str) -> None:
        self._password = password

    def put(self, comment: Comment) -> None:
        """Keep a comment: when this returns its transaction is committed."""
        with self._session() as session, session.cursor() as cursor:
            cursor.execute(
                "INSERT INTO site.comments (token, body, author) VALUES (%s, %s, %s)",
                (comment.token, comment.body, comment.author),
            )
            session.commit()

    def get(self, token: str) -> Comment | None:
        """A comment, or None."""
        rows = self._select("SELECT token, author, body FROM site.comments WHERE token = %s", token)
        return rows[0] if rows else None

    def latest(self) -> tuple[Comment, ...]:
        """The latest comments, newest first."""
        return self._select(
            f"SELECT token, author, body FROM site.comments ORDER BY id DESC LIMIT {_LATEST}"  # noqa: S608 - a number
        )

    def ask(self) -> None:
        """See whether the database answers."""
        self._select("SELECT '', '', '' FROM DUAL")

    def _select(self, statement: str, *values: str) -> tuple[Comment, ...]:
        with self._session() as session, session.cursor() as cursor:
            cursor.execute(statement, values)
            return tuple(Comment(*row) for row in cursor.fetchall())

    def _session(self) -> pymysql.connections.Connection[Any]:
        # A frozen server must cost a visitor two seconds, not a hung page.
        return pymysql.connect(
            unix_socket=_SOCKET,
            user="site",
            password=self._password,
            connect_timeout=_LIMIT_SECONDS,
            read_timeout=_LIMIT_SECONDS,
            write_timeout=_LIMIT_SECONDS,
            charset="utf8mb4",
        )
