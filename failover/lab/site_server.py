"""The site of the lab: small, and real in what counts. It says 201 only when what it got is on disk or committed, and
when told to end it finishes what it has begun.

`python -m failover.lab.site_server` serves port 80 as www-data until SIGTERM; `failover.lab.site_control` starts it.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import socket
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pymysql
from jinja2 import Environment, Template

from failover.lab.site_store import FOLDER, Comment, Comments, Uploads, is_name, is_token, names_in
from failover.system.lock import FileLock

LOCK = Path("/run/site.lock")
PASSWORD = Path("/etc/site/database")
USER = "www-data"
PORT = 80
_MOST_BYTES = 64 << 20
_SLOW_SECONDS = 5.0


class Site(ThreadingHTTPServer):
    """The server and what its pages are made of."""

    # Threads are waited for at the end: a request that was begun is answered.
    daemon_threads = False
    block_on_close = True
    # Many visitors at once must not find the door shut.
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], comments: Comments, uploads: Uploads, page: Template
    ) -> None:
        super().__init__(address, _Request)
        self.comments = comments
        self.uploads = uploads
        self.page = page
        self.node = socket.gethostname()

    def render(self) -> str:
        """The page, as it is now."""
        return self.page.render(
            title="Example site",
            node=self.node,
            pages=names_in(FOLDER),
            uploads=self.uploads.latest(),
            comments=self.comments.latest(),
        )


class _Request(BaseHTTPRequestHandler):
    server: Site
    timeout = _SLOW_SECONDS  # a visitor who stops talking must not keep the site from ending
    server_version = "site"
    sys_version = ""

    def do_GET(self) -> None:
        self._guarded(self._get)

    def do_POST(self) -> None:
        self._guarded(self._post)

    def do_PUT(self) -> None:
        self._guarded(self._put)

    def _get(self) -> None:
        match self._words():
            case []:
                self._answer(HTTPStatus.OK, self.server.render().encode(), "text/html; charset=utf-8")
            case ["healthz"]:
                self.server.comments.ask()
                self._answer(HTTPStatus.OK, b"ok\n")
            case ["comments", token]:
                comment = self.server.comments.get(token) if is_token(token) else None
                self._found(None if comment is None else comment.body.encode())
            case ["uploads", name]:
                self._found(self.server.uploads.get(name) if is_name(name) else None)
            case _:
                self._found(None)

    def _post(self) -> None:
        if self._words() != ["comments"]:
            self._found(None)
            return
        fields = self._fields()
        token, body = fields.get("token", ""), fields.get("body", "")
        if not is_token(token) or not body:
            self._answer(HTTPStatus.BAD_REQUEST, b"a comment has a token and a body\n")
            return
        try:
            self.server.comments.put(Comment(token, fields.get("author", "somebody")[:64], body))
        except pymysql.err.IntegrityError:
            self._answer(HTTPStatus.CONFLICT, b"that token was used\n")
            return
        self._answer(HTTPStatus.CREATED, b"kept\n")

    def _put(self) -> None:
        match self._words():
            case ["uploads", name] if is_name(name):
                self.server.uploads.put(name, self._body())
                self._answer(HTTPStatus.CREATED, b"kept\n")
            case _:
                self._found(None)

    def _guarded(self, answer_it: Callable[[], None]) -> None:
        try:
            answer_it()
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # the visitor has gone, or stopped talking
        except (pymysql.MySQLError, OSError) as error:
            self.log_error("%s", error)
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b"not now\n")
        except ValueError:
            self._answer(HTTPStatus.BAD_REQUEST, b"not understood\n")

    def _words(self) -> list[str]:
        return [unquote(word) for word in urlsplit(self.path).path.split("/") if word]

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length", "0"))
        if not 0 <= length <= _MOST_BYTES:
            raise ValueError("too long")
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionResetError("the visitor went away in the middle")
        return body

    def _fields(self) -> dict[str, str]:
        body = self._body()
        if self.headers.get_content_type() == "application/json":
            fields = json.loads(body)
            if not isinstance(fields, dict):
                raise ValueError("not an object")
            return {str(name): str(value) for name, value in fields.items()}
        return {name: values[-1] for name, values in parse_qs(body.decode()).items()}

    def _found(self, content: bytes | None) -> None:
        if content is None:
            self._answer(HTTPStatus.NOT_FOUND, b"not here\n")
        else:
            self._answer(HTTPStatus.OK, content, "application/octet-stream")

    def _answer(self, status: HTTPStatus, content: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-Served-By", self.server.node)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing of what went well: a quiet site is quiet."""


def load_page() -> Template:
    """The page's template; everything put into it is escaped."""
    text = resources.files("failover.templates").joinpath("site.html.j2").read_text("utf-8")
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(text)


def main() -> int:
    """Serve until SIGTERM, then finish what was begun. Only one at a time: the second says so and fails."""
    lock = FileLock(LOCK)
    holder = lock.acquire(str(os.getpid()))
    if holder is not None:
        sys.stderr.write(f"the site runs already, as process {holder}\n")
        return 1
    # While still root: port 80, and the password that only root may read.
    site = Site(("", PORT), Comments(PASSWORD.read_text("ascii").strip()), Uploads(), load_page())
    _drop_root(USER)
    # In a thread of its own: shutdown() waits for the loop that this very thread runs.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=site.shutdown).start())
    with site:
        site.serve_forever(poll_interval=0.05)
    return 0


def _drop_root(name: str) -> None:
    user = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


if __name__ == "__main__":
    sys.exit(main())
