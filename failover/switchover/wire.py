"""Calling a node's orders over a pipe: one JSON line a call, one JSON line an answer.

The Protocol `NodeOrders` is the only description of what can be called: argument and result types are read from
it on both ends, so an answer is checked before anybody believes it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol, cast, get_type_hints

from pydantic import TypeAdapter, ValidationError

from failover.errors import DeadlineError, ExitStatus, FailoverError, UnreachableError
from failover.switchover.node import NodeOrders

# What an answer may take beyond the order's own time limit: the way there and back on a slow line.
_GRACE_SECONDS = 5.0


class Line(Protocol):
    """A pipe to a node; `failover.system.process.PipeProcess` is one."""

    def write(self, data: bytes, *, timeout_seconds: float) -> None:
        """Send bytes."""
        ...

    def read_line(self, *, timeout_seconds: float) -> bytes:
        """The next line."""
        ...


class RemoteError(FailoverError):
    """An order that failed on a node: the node's own message, hint and exit status, with the node's name."""


@cache
def _adapters(order: str) -> dict[str, TypeAdapter[Any]]:
    """How to read and write each argument of an order, and its result under the name `return`."""
    hints = get_type_hints(getattr(NodeOrders, order))
    return {name: TypeAdapter(hint) for name, hint in hints.items()}


def _is_order(name: object) -> bool:
    return isinstance(name, str) and not name.startswith("_") and callable(getattr(NodeOrders, name, None))


class _Caller:
    """Turns attribute access into calls over the line. Only ever seen as a NodeOrders."""

    def __init__(self, node: str, line: Line) -> None:
        self._node = node
        self._line = line
        self._number = 0

    def __getattr__(self, order: str) -> Callable[..., Any]:
        if not _is_order(order):
            raise AttributeError(order)

        def call(**arguments: Any) -> Any:
            return self._call(order, arguments)

        return call

    def _call(self, order: str, arguments: Mapping[str, Any]) -> Any:
        adapters = _adapters(order)
        self._number += 1
        request = {
            "call": self._number,
            "order": order,
            "arguments": {
                name: adapters[name].dump_python(value, mode="json") for name, value in arguments.items()
            },
        }
        limit = float(arguments.get("timeout_seconds", 0.0)) + _GRACE_SECONDS
        try:
            self._line.write(json.dumps(request).encode() + b"\n", timeout_seconds=_GRACE_SECONDS)
            answer = self._next_answer(limit)
        except (DeadlineError, UnreachableError) as error:
            raise UnreachableError(f"{self._node}: {error.message}", hint=error.hint) from error
        if "error" in answer:
            raise RemoteError(
                f"{self._node}: {answer['error']['message']}",
                hint=answer["error"]["hint"],
                exit_status=ExitStatus(answer["error"]["exit_status"]),
            )
        try:
            return adapters["return"].validate_python(answer["result"])
        except ValidationError as error:
            raise RemoteError(
                f"{self._node}: its answer to {order} makes no sense: {error.errors()[0]['msg']}",
                hint="both hosts need the same version of failover",
            ) from None

    def _next_answer(self, limit: float) -> dict[str, Any]:
        """The answer to the present call. A line that is no answer (a login banner) is passed over."""
        while True:
            line = self._line.read_line(timeout_seconds=limit)
            try:
                answer = json.loads(line)
            except ValueError:
                continue
            if isinstance(answer, dict) and answer.get("call") == self._number:
                return answer


def call_over(node: str, line: Line) -> NodeOrders:
    """A NodeOrders that carries each call over the line to the node's `failover agent`.

    Its methods take keyword arguments only, as NodeOrders has them. Besides what the order itself raises (as
    RemoteError) they raise UnreachableError when the line is broken or silent: then nobody knows whether the
    order was carried out, and the caller has to ask again.
    """
    return cast("NodeOrders", _Caller(node, line))


def answer(orders: NodeOrders, line: bytes) -> bytes:
    """Carry out one call on this node and return the line to send back. Never raises for a bad request."""
    number: object = None
    try:
        request = json.loads(line)
        number, order = request["call"], request["order"]
        if not _is_order(order):
            raise FailoverError(
                f"there is no order {order!r}", hint="both hosts need the same version of failover"
            )
        adapters = _adapters(order)
        arguments = {
            name: adapters[name].validate_python(value) for name, value in request["arguments"].items()
        }
        result = getattr(orders, order)(**arguments)
        reply = {
            "call": number,
            "result": adapters["return"].dump_python(result, mode="json", warnings="error"),
        }
    except FailoverError as error:
        reply = {"call": number, "error": _describe(error.message, error.hint, error.exit_status)}
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        hint = "both hosts need the same version of failover"
        reply = {"call": number, "error": _describe(f"not a request: {error}", hint, ExitStatus.FAILED)}
    except OSError as error:
        reply = {"call": number, "error": _describe(str(error), None, ExitStatus.FAILED)}
    return json.dumps(reply).encode() + b"\n"


def _describe(message: str, hint: str | None, exit_status: ExitStatus) -> dict[str, Any]:
    return {"message": message, "hint": hint, "exit_status": int(exit_status)}
