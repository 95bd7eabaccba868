"""The keeper: one process a lab that holds everything a lab is made of, so that nothing outlives it.

`python -m failover.lab.keeper`, started by `failover.lab.lab`. Its first line of input says what to make; it answers with
one line when the hosts are up. Then the end of its input is the death of its owner, and takes the lab down.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path

from failover.errors import ExitStatus, FailoverError, LabError
from failover.lab.first_process import Lines, say
from failover.lab.machines import NO_NAMESPACES_HINT, Machines
from failover.lab.own_root import needed_places
from failover.lab.state import Folder


def serve(machines: Machines, listener: socket.socket, owner: int | None) -> None:
    """Take orders until one says `down` or the owner is gone. One order at a time, each connection brings one."""
    while not machines.is_over:
        channels = machines.channels()
        waited = [listener.fileno(), *channels, *([] if owner is None else [owner])]
        readable, _, _ = select.select(waited, [], [])
        if owner in readable and not os.read(owner, 4096):
            return
        for descriptor in readable:
            if descriptor in channels and channels[descriptor].lines is not None:
                machines.bury(channels[descriptor])
        if listener.fileno() in readable:
            connection, _ = listener.accept()
            with connection:
                _answer(machines, connection)


def _answer(machines: Machines, connection: socket.socket) -> None:
    connection.settimeout(5)  # whoever connects and says nothing must not stop the lab
    try:
        order = Lines(connection).next()
        if order is None:
            return
        try:
            answer = machines.carry_out(order)
        except FailoverError as error:
            answer = {"error": error.message, "hint": error.hint, "exit_status": int(error.exit_status)}
        except Exception as error:  # noqa: BLE001 - the lab has to outlive a fault of its own
            traceback.print_exc()
            answer = {
                "error": f"{type(error).__name__}: {error}",
                "hint": "see keeper.log in the lab's folder",
            }
        say(connection, answer)
    except (OSError, ValueError):
        traceback.print_exc()


def main() -> int:
    """Keep one lab, from the first line of input to the end."""
    specification = json.loads(_first_line())
    folder = Folder(Path(specification["folder"]))
    held = folder.hold()
    if held is None:
        return _fail(LabError(f"lab {specification['name']} is up already", hint="failover lab down"))
    for path in (folder.state, folder.control, folder.log):
        path.unlink(missing_ok=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    machines = Machines(
        name=specification["name"],
        folder=folder,
        disk_bytes=specification["disk_bytes"],
        is_rootless=specification["is_rootless"],
        shown=needed_places(tuple(Path(path) for path in specification["shown"])),
    )
    try:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            machines.start()
        except (FailoverError, OSError) as error:
            return _fail(error)
        listener.bind(str(folder.control))
        folder.control.chmod(0o600)
        listener.listen(32)
        _let_go_of_output(folder.log)
        serve(machines, listener, 0 if specification["is_owned"] else None)
    finally:
        machines.stop()
        folder.remove()
    return 0


def _first_line() -> bytes:
    """Of the input, and not one byte more: nothing else may be waiting in a buffer when its end is looked for."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            raise SystemExit("no word on what to make")
        line += byte
    return line


def _fail(error: FailoverError | OSError) -> int:
    if isinstance(error, FailoverError):
        message = {"error": error.message, "hint": error.hint, "exit_status": int(error.exit_status)}
    else:
        message = {"error": f"{error.filename or 'the lab'}: {error.strerror}", "hint": NO_NAMESPACES_HINT}
        message["exit_status"] = int(ExitStatus.NO_NAMESPACES)
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
    return 1


def _let_go_of_output(log: Path) -> None:
    """Say that all is up, then keep nobody's terminal or pipe."""
    sys.stdout.write("{}\n")
    sys.stdout.flush()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)


if __name__ == "__main__":
    sys.exit(main())
