"""Starts and stops the lab's site on this host: what the hooks of a role change call.

`python -m failover.lab.site_control start|stop`. Both can be called again.
"""

from __future__ import annotations

import fcntl
import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from failover.lab.site_server import LOCK, PORT

LOG = Path("/var/log/site.log")
_START_SECONDS = 10.0
_STOP_SECONDS = 20.0
_PAUSE_SECONDS = 0.02


def running_site() -> int | None:
    """The process number of the site, or None if it does not run. It holds a lock, so a stale file misleads nobody."""
    try:
        descriptor = os.open(LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        number = os.read(descriptor, 32).strip()
        return int(number) if number.isdigit() else None
    finally:
        os.close(descriptor)
    return None


def start() -> str | None:
    """Start it unless it runs, and wait until it answers. Why not, or None."""
    process = None
    if running_site() is None:
        with LOG.open("ab") as log:
            process = subprocess.Popen(
                (sys.executable, "-P", "-m", "failover.lab.site_server"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )
    end = time.monotonic() + _START_SECONDS
    while not _answers():
        if process is not None and process.poll() is not None:
            return f"the site ended with status {process.returncode}; see {LOG}"
        if time.monotonic() > end:
            return f"the site does not answer; see {LOG}"
        time.sleep(_PAUSE_SECONDS)
    if process is not None:
        process.returncode = 0  # it outlives us, and that is no reason for a warning
    return None


def stop() -> str | None:
    """Tell it to end and wait until it has answered all it had begun. Why not, or None."""
    number = running_site()
    if number is None:
        return None
    descriptor = os.pidfd_open(number)
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
    except ProcessLookupError:
        pass
    finally:
        os.close(descriptor)
    end = time.monotonic() + _STOP_SECONDS
    while running_site() is not None:
        if time.monotonic() > end:
            return f"the site (process {number}) has not ended in {_STOP_SECONDS:g} s"
        time.sleep(_PAUSE_SECONDS)
    return None


def _answers() -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=3)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> int:
    """Do what the one argument says."""
    acts = {"start": start, "stop": stop}
    if len(sys.argv) != 2 or sys.argv[1] not in acts:
        sys.stderr.write("usage: site_control start|stop\n")
        return 2
    reason = acts[sys.argv[1]]()
    if reason is not None:
        sys.stderr.write(f"{reason}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
