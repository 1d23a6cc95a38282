"""Lines of JSON-RPC: the message in each, or the error that answers it."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterable
from typing import Any, TypeAlias, cast

from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    RequestId,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError
from pydantic_core import from_json

Id: TypeAlias = RequestId | None

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MEMBERS = {"id", "method", "result", "error"}
NOT_JSON = (
    "Parse error: {}; send one JSON-RPC message per line, as JSON in UTF-8, nested less than 200 levels deep and "
    "without half a surrogate pair"
)
NO_MESSAGE = (
    "Invalid request: a message needs jsonrpc '2.0', a method, an id that is a string or integer, and params that are "
    "an object; send one message per line, not an array"
)
# A token of JSON, valid or not. A lone quotation mark starts a string that does not end.
TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[][{}:,"]|[^][{}:,"\s]++', re.DOTALL)


class Undecodable(ValueError):
    """A line that is not a message; `answer` is the error for the client."""

    def __init__(self, request_id: Id, code: int, text: str) -> None:
        super().__init__(text)
        self.answer = JSONRPCError(jsonrpc="2.0", id=request_id, error=ErrorData(code=code, message=text))


def split(chunks: Iterable[bytes]) -> Generator[bytes]:
    """Yield the lines that are not blank; the last one needs no newline."""
    rest = bytearray()
    for chunk in chunks:
        rest += chunk
        if b"\n" in chunk:
            *lines, rest = rest.split(b"\n")
            yield from (bytes(line) for line in lines if line.strip())
    if rest.strip():
        yield bytes(rest)


def decoded(line: bytes) -> JSONRPCMessage:
    """Return the message in a line.

    Raises:
        Undecodable: the line is not a message.
    """
    try:
        found = from_json(line.removeprefix(BYTE_ORDER_MARK), allow_inf_nan=False)
    except ValueError as wrong:
        raise Undecodable(_id_in(line), PARSE_ERROR, NOT_JSON.format(wrong)) from None
    try:
        message = jsonrpc_message_adapter.validate_python(found, by_name=False)
    except ValidationError:
        raise Undecodable(_id_of(found), INVALID_REQUEST, NO_MESSAGE) from None
    if isinstance(message, JSONRPCNotification) and _wants_answer(found):
        raise Undecodable(None, INVALID_REQUEST, NO_MESSAGE)
    return message


def _wants_answer(notification: dict[str, Any]) -> bool:
    """The SDK mistakes a request with an invalid id for a notification; some clients send a real one with a null id."""
    known = notification["method"].startswith("notifications/")
    return "id" in notification and not (known and notification["id"] is None)


def _id_in(line: bytes) -> Id:
    """The id of a request that is not valid JSON, from its outermost object as far as that can be read."""
    return _id_of({name: _value(token) for name, token in _members(line) if name in MEMBERS})


def _id_of(found: object) -> Id:
    """The id of a request. A response carries the id of our request, which the client may also use for its own."""
    if not isinstance(found, dict):
        return None
    members = cast("dict[str, Any]", found)
    is_response = "method" not in members and bool({"result", "error"} & members.keys())
    given = members.get("id")
    return None if is_response or isinstance(given, bool) or not isinstance(given, str | int) else given


def _members(line: bytes) -> Generator[tuple[object, bytes]]:
    """The names in the outermost object, each with the first token of its value."""
    depth, before, name = 0, b"", None
    for match in TOKEN.finditer(line.removeprefix(BYTE_ORDER_MARK)):
        token = match[0]
        if token == b'"':
            return
        if name is not None:
            yield name, token
            name = None
        if depth == 1 and token == b":":
            name = _value(before)
        depth += (token in {b"{", b"["}) - (token in {b"}", b"]"})
        if depth == 0 or (depth == 1 and token == b"["):
            return
        before = token


def _value(token: bytes) -> object:
    """The token as a string or number; None for anything else, and for half a surrogate pair."""
    try:
        found: object = json.loads(token)
        str(found).encode()
    except ValueError:
        return None
    return found
