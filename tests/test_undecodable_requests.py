"""Tests that each invalid line on stdio causes one error response.

If the line contains a request id, the response must contain it too.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Literal

import pytest
from conftest import CLIENT, ROOT
from matrix import sampled

from octave_mcp.surfaces.cli.terminal import INTERRUPTED

Era = Literal["handshake", "modern"]
Answer = dict[str, Any]

ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
PARSE_ERROR, INVALID_REQUEST = -32700, -32600
MAX_LINE_BYTES = 1 << 25
MAX_MESSAGE_LENGTH = 300

TOOL = b'{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":{"name":"get_run","arguments":{"run_id":VALUE}}}'
PROMPT = b'{"jsonrpc":"2.0","id":ID,"method":"prompts/get","params":{"name":"emails","arguments":{"run_id":VALUE}}}'
PING = b'{"jsonrpc":"2.0","method":"ping","params":{"_meta":{"of":VALUE}},"id":ID}'


def asking(template: bytes, id_: bytes, value: bytes) -> bytes:
    return template.replace(b"ID", id_).replace(b"VALUE", value)


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * depth + b"1" + closing * depth


# Invalid lines, each with the id and the error code that the response must contain.
UNDECODABLE: list[tuple[bytes, int | str | None, int]] = [
    (asking(TOOL, b"10", rb'"\ud83d"'), 10, PARSE_ERROR),
    (asking(TOOL, b'"a-1"', rb'"\udc00 and more"'), "a-1", PARSE_ERROR),
    (asking(PROMPT, b"11", rb'"\ud83d\ud83d"'), 11, PARSE_ERROR),
    (asking(PING, b"12", rb'{"\ud83d":1}'), 12, PARSE_ERROR),
    (rb'{"jsonrpc":"2.0","id":13,"method":"ping\ud83d"}', 13, PARSE_ERROR),
    (rb'{"jsonrpc":"2.0","id":14,"meth\ud83dod":"ping"}', 14, PARSE_ERROR),
    (rb'{"jsonrpc":"2.0","id":"\ud83d","method":"ping"}', None, PARSE_ERROR),
    (asking(TOOL, b"20", nested(3000)), 20, PARSE_ERROR),
    (asking(PROMPT, b'"\\u0061\\"b"', nested(3000, b'{"id":')), 'a"b', PARSE_ERROR),
    (asking(PING, b"22", nested(100_000, b'{"id":', b"}")), 22, PARSE_ERROR),
    (asking(TOOL, b"23", b"[" * 3000)[:2000], 23, PARSE_ERROR),
    (asking(TOOL, b"30", b'"\xff\xfe"'), 30, PARSE_ERROR),
    (asking(TOOL, b"31", b'"\xed\xa0\xbd"'), 31, PARSE_ERROR),
    (b'{"jsonrpc":"2.0","id":"\xff","method":"ping"}', None, PARSE_ERROR),
    (asking(TOOL, b"40", b"NaN"), 40, PARSE_ERROR),
    (asking(PING, b"41", b"-Infinity"), 41, PARSE_ERROR),
    (asking(PING, b"42", b"9" * 5000), 42, PARSE_ERROR),
    (asking(PING, b"9" * 5000, b"1"), None, PARSE_ERROR),
    (asking(TOOL, b"43", b'"a\tb"'), 43, PARSE_ERROR),
    (asking(TOOL, b"44", b"'a'"), 44, PARSE_ERROR),
    (asking(TOOL, b"45", b'"a"') + b" and more", 45, PARSE_ERROR),
    (asking(TOOL, b"46", b'"' + b"x" * 10_000_000), 46, PARSE_ERROR),
    (b'{"jsonrpc":"2.0","id":47,"id":48,"method":"ping",}', 48, PARSE_ERROR),
    (rb'{"jsonrpc":"2.0","method":"ping","params":{"id":7,"a":"\ud83d"}}', None, PARSE_ERROR),
    (rb'{"jsonrpc":"2.0","id":1,"result":{"a":"\ud83d"}}', None, PARSE_ERROR),
    (b"hello", None, PARSE_ERROR),
    (b"\x00\x01\x02", None, PARSE_ERROR),
    (b'"' + b"\\" * 100_000, None, PARSE_ERROR),
    (b'[{"jsonrpc":"2.0","id":50,"method":"ping"}]', None, INVALID_REQUEST),
    (rb'[{"jsonrpc":"2.0","id":51,"method":"\ud83d"}]', None, PARSE_ERROR),
    (b"[]", None, INVALID_REQUEST),
    (b"5", None, INVALID_REQUEST),
    (b"null", None, INVALID_REQUEST),
    (b"{}", None, INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":52}', 52, INVALID_REQUEST),
    (b'{"jsonrpc":"1.0","id":53,"method":"ping"}', 53, INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":"54","method":"ping","params":[1]}', "54", INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', None, INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', None, INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', None, INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', None, INVALID_REQUEST),
]

# Blank lines and valid messages, each with the ids of the responses that it must cause.
DECODABLE: list[tuple[bytes, list[int | str]]] = [
    (b"", []),
    (b" \t\r", []),
    (b'{"jsonrpc":"2.0","method":"notifications/of-mine","params":{"a":1}}', []),
    (b'{"jsonrpc":"2.0","id":null,"method":"notifications/initialized"}', []),
    (b'{"jsonrpc":"2.0","id":70,"result":{}}', []),
    (b'\xef\xbb\xbf{"jsonrpc":"2.0","id":71,"method":"no/such"}\r', [71]),
    (rb'{"jsonrpc":"2.0","id":"\ud83d\ude00","method":"no/such"}', ["\U0001f600"]),
    (b'{"jsonrpc":"2.0","id":72,"method":"no/such","params":{"a":' + nested(150) + b"}}", [72]),
    (b'{"jsonrpc":"2.0","id":73,"method":"no/such","params":{"a":"\xe2\x80\xa8\xef\xbf\xbd"}}', [73]),
    (b'{"jsonrpc":"2.0","id":74,"method":"no/such","params":{"a":"' + b"x" * 10_000_000 + b'"}}', [74]),
    (b'{"jsonrpc":"2.0","id":' + b"9" * 30 + b',"method":"no/such"}', [int("9" * 30)]),
]


class StdioServer:
    """A server process on stdio, and a client that writes raw bytes to it."""

    def __init__(self, process: asyncio.subprocess.Process, era: Era) -> None:
        assert process.stdin
        assert process.stdout
        self.process, self._in, self._out = process, process.stdin, process.stdout
        self._params = {"_meta": ENVELOPE} if era == "modern" else {}
        self._ids = (f"after-{number}" for number in count())

    async def answers_to(self, line: bytes) -> list[Answer]:
        """Send the line and then a valid request.

        Return the responses that arrive before the response to the valid request.
        """
        id_ = next(self._ids)
        self._in.write(line + b"\n" + self.request(id_))
        found: list[Answer] = []
        while (answer := json.loads(await self._out.readline())).get("id") != id_:
            found.append(answer)
        assert "prompts" in answer["result"]
        return found

    def request(self, id_: str) -> bytes:
        message: Answer = {"jsonrpc": "2.0", "id": id_, "method": "prompts/list", "params": self._params}
        return json.dumps(message).encode() + b"\n"

    async def start(self, *, introduced: bool) -> None:
        """Send an invalid line, and then initialize the session if `introduced` is true.

        The invalid line must not decide whether the session uses the old MCP protocol, which starts with `initialize`,
        or the new protocol.
        """
        self._in.write(rb'{"jsonrpc":"2.0","id":1,"method":"\ud83d"}' + b"\n")
        assert json.loads(await self._out.readline())["id"] == 1
        if introduced:
            await self._introduce()

    async def _introduce(self) -> None:
        for message in ({"id": 0, "method": "initialize", "params": CLIENT}, {"method": "notifications/initialized"}):
            self._in.write(json.dumps({"jsonrpc": "2.0"} | message).encode() + b"\n")
        assert json.loads(await self._out.readline())["id"] == 0

    async def end(self, *, last: bytes = b"") -> list[Answer]:
        self._in.write(last)
        self._in.close()
        rest = await self._out.read()
        assert await self.process.wait() == 0
        return [json.loads(line) for line in rest.splitlines()]


@asynccontextmanager
async def stdio_server(era: Era, folder: Path) -> AsyncGenerator[StdioServer]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "server.py"),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=MAX_LINE_BYTES,
    )
    server = StdioServer(process, era)
    await server.start(introduced=era == "handshake")
    yield server


@pytest.mark.long
@pytest.mark.parametrize("era", sampled(("handshake", "modern"), lambda era: era == "handshake"))
async def test_a_line_that_is_not_a_message_is_answered_with_one_error_and_the_session_continues(
    era: Era, tmp_path: Path
) -> None:
    async with stdio_server(era, tmp_path) as server:
        for line, id_, code in UNDECODABLE:
            answers = await server.answers_to(line)
            assert [(answer["id"], answer["error"]["code"]) for answer in answers] == [(id_, code)], line[:100]
            assert len(answers[0]["error"]["message"]) < MAX_MESSAGE_LENGTH
        for line, ids in DECODABLE:
            assert [answer["id"] for answer in await server.answers_to(line)] == ids, line[:100]
        unended = rb'{"jsonrpc":"2.0","id":99,"method":"ping","params":{"a":"\ud83d'
        (last,) = await server.end(last=unended)

    assert (last["id"], last["error"]["code"]) == (99, PARSE_ERROR)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
@pytest.mark.long
async def test_one_interrupt_ends_a_server_whose_client_is_idle(tmp_path: Path) -> None:
    async with stdio_server("handshake", tmp_path) as server:
        server.process.send_signal(signal.SIGINT)

        assert await server.process.wait() == INTERRUPTED
