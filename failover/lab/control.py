"""Orders to a keeper, over its control socket: one connection, one order, one answer."""

from __future__ import annotations

import socket
from typing import Any

from failover.errors import ExitStatus, LabError
from failover.lab.first_process import Lines, say
from failover.lab.state import Folder

_ANSWER_SECONDS = 30.0


def give_order(folder: Folder, order: str, **details: Any) -> dict[str, Any]:
    """The keeper's answer.

    Raises:
        LabError: the lab is down, the keeper did not answer, or it refused.
    """
    message = {"order": order} | details
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_ANSWER_SECONDS)
            connection.connect(str(folder.control))
            say(connection, message)
            answer = Lines(connection).next()
    except (FileNotFoundError, ConnectionError):
        answer = None
    except TimeoutError:
        raise LabError(f"the lab's keeper has not answered for {_ANSWER_SECONDS:g} s") from None
    if answer is None:
        raise LabError(f"lab {folder.path.name} is not up", hint="failover lab up")
    raise_error(answer)
    return answer


def raise_error(answer: dict[str, Any]) -> None:
    """Raise the error that a keeper's answer carries, if it does."""
    if "error" in answer:
        status = ExitStatus(answer.get("exit_status", ExitStatus.LAB_FAILED))
        raise LabError(answer["error"], hint=answer.get("hint"), exit_status=status)
