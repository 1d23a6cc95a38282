"""Slow model servers that run in the event loop of a test, so that the server and the test use the same clock."""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from typing import Any

from doubles import Request, Sent, enveloped, good


@dataclass(eq=False)
class Job:
    """A call that the server is handling.

    `left`: how many more seconds the call takes if the server handles no other call.
    """

    request: Request
    left: float
    done: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class SlowServer:
    """A server that handles up to `slots` calls at the same time.

    The function `seconds` takes the number of a call and returns the duration of the call. While all slots are taken,
    further calls wait, or immediately get the response `beyond` if it is set. If `shares` is true, concurrent calls
    slow each other down, because they share the server's speed. If `notices` is false, the server continues to handle a
    call after the client has disconnected.
    """

    seconds: Callable[[int], float]
    slots: float = 1
    beyond: Sent | None = None
    shares: bool = False
    notices: bool = False
    newest_first: bool = False
    url: str = ""
    asked: list[Request] = field(default_factory=list[Request])
    abandoned: Counter[str] = field(default_factory=Counter[str])
    waiting: list[Job] = field(default_factory=list[Job])
    working: list[Job] = field(default_factory=list[Job])
    most_at_once: int = 0
    _timer: asyncio.TimerHandle | None = None
    _at: float = 0.0
    _numbers: count[int] = field(default_factory=count)

    async def sent(self, request: Request) -> Sent:
        self.asked.append(request)
        if self.beyond and len(self.working) >= self.slots:
            return self.beyond
        job = Job(request, self.seconds(next(self._numbers)))
        self.waiting.append(job)
        self.most_at_once = max(self.most_at_once, len(self.waiting) + len(self.working))
        self._proceed()
        try:
            await job.done.wait()
        except asyncio.CancelledError:
            self.abandoned[json.dumps(request.body)] += 1
            if self.notices:
                self._drop(job)
            raise
        return Sent(body=enveloped(request, json.dumps(good(request), ensure_ascii=False)))

    def _drop(self, job: Job) -> None:
        for jobs in (self.waiting, self.working):
            if job in jobs:
                jobs.remove(job)
        self._proceed()

    def _proceed(self) -> None:
        """Update the remaining time of the calls in the slots, end finished calls, and start queued calls."""
        now = asyncio.get_running_loop().time()
        speed = 1 / max(1, len(self.working)) if self.shares else 1.0
        for job in tuple(self.working):
            job.left -= (now - self._at) * speed
            if job.left <= 1e-6:
                self.working.remove(job)
                job.done.set()
        self._at = now
        while self.waiting and len(self.working) < self.slots:
            self.working.append(self.waiting.pop(-1 if self.newest_first else 0))
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
        if self.working:
            first = min(job.left for job in self.working) * (len(self.working) if self.shares else 1)
            self._timer = asyncio.get_running_loop().call_later(max(0.0, first), self._proceed)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await _read(reader):
                answering = asyncio.create_task(self.sent(request))
                hung_up = asyncio.create_task(reader.read(1))
                await asyncio.wait((answering, hung_up), return_when=asyncio.FIRST_COMPLETED)
                if not answering.done():
                    answering.cancel()
                    break
                hung_up.cancel()
                await asyncio.wait((hung_up,))
                if answering.result().drops:
                    break
                await _write(writer, answering.result())
        finally:
            writer.close()


@asynccontextmanager
async def serving(server: SlowServer) -> AsyncGenerator[SlowServer]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()


@dataclass
class SilentSite:
    """A company's site that never responds.

    `asked` is set when a request arrives. `left` is set when the client disconnects.
    """

    host: str = ""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(1):
            self.asked.set()
            await reader.read()
            self.left.set()
        writer.close()


@asynccontextmanager
async def silent_site() -> AsyncGenerator[SilentSite]:
    site = SilentSite()
    async with await asyncio.start_server(site, "127.0.0.1", 0) as listening:
        site.host = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield site


def steady(seconds: float) -> Callable[[int], float]:
    return lambda _: seconds


def never(_: int) -> float:
    return math.inf


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.strip().splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body: dict[str, Any] = json.loads(await reader.readexactly(int(headers["content-length"])))
    return Request(first.split()[1], headers, body)


async def _write(writer: asyncio.StreamWriter, sent: Sent) -> None:
    content = json.dumps(sent.body).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(content)), **sent.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {sent.status} {HTTPStatus(sent.status).phrase}\r\n{lines}\r\n".encode() + content)
    await writer.drain()
