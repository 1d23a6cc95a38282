"""`octave-mcp serve --transport http` prints the address to open, if a person started it in a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from web import new_client

NOTICE = re.compile(
    r"octave-mcp is running: open (http://\S+)/ in a browser \(MCP: (http://\S+)/mcp\)\. Ctrl-C stops it\.\r?\n"
)


async def started(folder: Path, host: str, stderr: int) -> asyncio.subprocess.Process:
    arguments = ("-m", "octave_mcp", "serve", "--transport", "http", "--host", host, "--port", "0")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OCTAVE_TOKENS": "0123456789abcdef"}
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=folder, env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=stderr
    )


async def text_until(file: int, pattern: re.Pattern[str]) -> str:
    text = ""
    while not pattern.search(text):
        text += (await asyncio.to_thread(os.read, file, 4096)).decode()
    return text


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - needs a token
        pytest.param("127.0.0.1", "127.0.0.1", marks=pytest.mark.long),
        pytest.param("::1", r"\[::1\]", marks=pytest.mark.long),
        pytest.param("::", r"\[::1\]", marks=pytest.mark.long),
    ],
)
async def test_a_terminal_shows_the_address_to_open(host: str, shown: str, tmp_path: Path) -> None:
    terminal, stderr = os.openpty()
    server = await started(tmp_path, host, stderr)
    os.close(stderr)
    text = await text_until(terminal, NOTICE)
    server.kill()
    await server.wait()
    os.close(terminal)

    notice = NOTICE.search(text)
    assert notice
    assert notice[1] == notice[2]
    assert re.fullmatch(rf"http://{shown}:\d+", notice[1])


async def test_a_pipe_gets_only_log_lines(tmp_path: Path) -> None:
    piped, stderr = os.pipe()
    server = await started(tmp_path, "127.0.0.1", stderr)
    os.close(stderr)
    text = await text_until(piped, re.compile(r'"listening".*\n'))
    url = next(json.loads(line)["url"] for line in text.splitlines() if '"listening"' in line)
    async with new_client(url) as client:  # the server answers only after it has printed the address
        assert (await client.get("/livez")).is_success
    server.kill()
    await server.wait()
    while more := os.read(piped, 4096):
        text += more.decode()
    os.close(piped)

    assert "octave-mcp is running" not in text
    assert all(line.startswith("{") for line in text.splitlines())
