"""Decode newline-delimited JSON-RPC. A valid line becomes a message, and an invalid line becomes an error response."""

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

# Remove a byte order mark from the start of a line. JSON must not start with a byte order mark, but RFC 8259 allows
# parsers to ignore it.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MEMBERS = {"id", "method", "result", "error"}
NOT_JSON = (
    "Parse error: {}; send one JSON-RPC message per line, as JSON in UTF-8, nested less than 200 levels deep and "
    "without lone surrogates"
)
NO_MESSAGE = (
    "Invalid request: a message needs jsonrpc '2.0', a method, an id that is a string or integer, and params that are "
    "an object; send one message per line, not an array"
)
# Matches a JSON token, such as a string, a number or a bracket, even if the token is invalid. If a string has no
# closing quotation mark, only the opening quotation mark matches. The quantifiers are possessive (`*+`), so that a long
# unterminated string fails without backtracking.
TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[][{}:,"]|[^][{}:,"\s]++', re.DOTALL)


class Undecodable(ValueError):
    """The line is not a JSON-RPC message, and `answer` is the error response for the client."""

    def __init__(self, request_id: Id, code: int, text: str) -> None:
        super().__init__(text)
        self.answer = JSONRPCError(jsonrpc="2.0", id=request_id, error=ErrorData(code=code, message=text))


def split(chunks: Iterable[bytes]) -> Generator[bytes]:
    """Split a stream of chunks into lines, and leave out blank lines. The last line does not need a newline."""
    rest = bytearray()
    for chunk in chunks:
        rest += chunk
        # Look for a line break only in the new chunk, because searching all of `rest` for each chunk would take
        # quadratic time.
        if b"\n" in chunk:
            *lines, rest = rest.split(b"\n")
            yield from (bytes(line) for line in lines if line.strip())
    if rest.strip():
        yield bytes(rest)


def decoded(line: bytes) -> JSONRPCMessage:
    """Decode one line.

    Raises:
        Undecodable: If the line is not a message.
    """
    try:
        value = from_json(line.removeprefix(BYTE_ORDER_MARK), allow_inf_nan=False)
    except ValueError as error:
        raise Undecodable(_id_in(line), PARSE_ERROR, NOT_JSON.format(error)) from None
    try:
        message = jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError:
        raise Undecodable(_id_of(value), INVALID_REQUEST, NO_MESSAGE) from None
    if isinstance(message, JSONRPCNotification) and _wants_answer(value):
        raise Undecodable(None, INVALID_REQUEST, NO_MESSAGE)
    return message


def _wants_answer(notification: dict[str, Any]) -> bool:
    """Whether this notification is really a request, so that its sender waits for a response.

    The SDK parses a request with an invalid id as a notification. A real notification has no id, or it has
    `"id": null` (which some clients send) and a method that starts with "notifications/".
    """
    known = notification["method"].startswith("notifications/")
    return "id" in notification and not (known and notification["id"] is None)


def _id_in(line: bytes) -> Id:
    """Return the id in a line that is not valid JSON. Return None if no valid id can be found."""
    return _id_of({name: _value(token) for name, token in _members(line) if name in MEMBERS})


def _id_of(value: object) -> Id:
    if not isinstance(value, dict):
        return None
    members = cast("dict[str, Any]", value)
    # Ignore the id of a response, which refers to a request from our server. A request from the client can
    # have the same id. If our error had this id, the client would take it for the answer to its own request.
    is_response = "method" not in members and bool({"result", "error"} & members.keys())
    request_id = members.get("id")
    if is_response or isinstance(request_id, bool) or not isinstance(request_id, str | int):
        return None
    return request_id


def _members(line: bytes) -> Generator[tuple[object, bytes]]:
    """Yield the name of each member of the outermost object, and the first token of the member's value."""
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
    """Parse a token, such as a string or a number. Return None if it is not valid JSON or contains a lone surrogate."""
    try:
        value: object = json.loads(token)
        str(value).encode()
    except ValueError:
        return None
    return value
