"""A local server that imitates OpenAI and Anthropic, with realistic latency and answers of realistic length.

    python bench/provider.py LATENCY [--without-faults]

LATENCY is a JSON object with fields of `latency.Latency`. The server prints its URL, and runs until stdin is closed. It
builds its answers with the rules of the simulated model in the tests, with lists of findings as long as in recorded
answers. About one answer in `ANSWERS_PER_FAULT` contains an invented figure, so most runs include corrections.

`GET /log` returns all calls, and `DELETE /log` forgets the calls and the prompt cache. `PUT /scale` changes the scale
of the latency model.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from doubles import READ, Request, enveloped, findings_in, good  # noqa: E402 - see above
from findings import findings, touches  # noqa: E402
from latency import Latency  # noqa: E402
from lengths import CHARACTERS_PER_TOKEN, recorded_tokens, tokens  # noqa: E402
from scripted import places_in  # noqa: E402
from websites import listening, serve  # noqa: E402

from octave_mcp.domain.value import Path as Place  # noqa: E402

ANSWERS_PER_FAULT = 12
# Prefixes shorter than this are not cached, as at both providers.
MIN_CACHED_TOKENS = 1024


@dataclass
class Call:
    """A model call, with its start, duration and tokens.

    `sharable_tokens` could be read from the prompt cache if the schema were not part of the prompt. `site` is the host
    of a website that the call is about.
    """

    prompt: str
    model: str
    started_at: float
    seconds: float
    input_tokens: int
    cached_tokens: int
    sharable_tokens: int
    output_tokens: int
    is_correction: bool
    site: str


@dataclass
class Provider:
    """Answers requests, and remembers answers and prompt prefixes."""

    latency: Latency
    has_faults: bool = True
    log: list[Call] = field(default_factory=list[Call])
    _texts: dict[str, asyncio.Task[str]] = field(default_factory=dict[str, "asyncio.Task[str]"])
    _prefixes: set[str] = field(default_factory=set[str])

    async def answer(self, request: HttpRequest) -> JSONResponse:
        started_at, body = time.time(), await request.body()
        asked = Request(request.url.path, {}, json.loads(body))
        prefixes, sharable = list(_prefixes(asked)), list(_prefixes(asked, with_schema=False))
        cached, could_be = self._known(prefixes), self._known(sharable)
        text = await self._text(asked)
        read, written = len(body) // CHARACTERS_PER_TOKEN, _output_tokens(asked, text)
        cached, could_be = min(cached, read), min(could_be, read)
        seconds = self.latency.call(read, cached, written)
        await asyncio.sleep(max(0.0, started_at + seconds - time.time()))
        # Parallel calls with the same prefix all miss the cache, because a prefix is cached only when it has been read.
        self._prefixes.update(key for key, size in (*prefixes, *sharable) if size >= MIN_CACHED_TOKENS)
        prompt = ", ".join(list(asked.schema["properties"])[:3])
        spent = time.time() - started_at
        self.log.append(
            Call(
                prompt,
                asked.body["model"],
                started_at,
                spent,
                read,
                cached,
                could_be,
                written,
                asked.is_second,
                _site(asked),
            )
        )
        return JSONResponse(_with_usage(asked, enveloped(asked, text), read, cached, written))

    def _known(self, prefixes: Sequence[tuple[str, int]]) -> int:
        """Return the tokens of the longest prefix in the prompt cache."""
        return next((size for key, size in reversed(prefixes) if key in self._prefixes), 0)

    async def _text(self, asked: Request) -> str:
        """Return the answer's text. All calls with the same text get the same answer, which is written only once."""
        key = sha256(_without_random_parts(json.dumps(asked.body)).encode()).hexdigest()
        if key not in self._texts:
            self._texts[key] = asyncio.create_task(asyncio.to_thread(_written, asked, key, has_faults=self.has_faults))
        return await self._texts[key]

    async def rescale(self, request: HttpRequest) -> JSONResponse:
        self.latency = replace(self.latency, scale=await request.json())
        return JSONResponse(None)

    async def logged(self, request: HttpRequest) -> JSONResponse:
        if request.method == "DELETE":
            self.log.clear()
            self._prefixes.clear()
        return JSONResponse([asdict(call) for call in self.log])


def _site(asked: Request) -> str:
    found = re.search(r"127\.0\.0\.1:\d+", asked.user)
    return found[0] if found else ""


def _without_random_parts(text: str) -> str:
    """Remove the names of fences and the ports of sites, which differ between processes."""
    return re.sub(r"-[0-9a-f]{16}\b", "", re.sub(r"127\.0\.0\.1:\d+", "site", text))


def _written(asked: Request, key: str, *, has_faults: bool) -> str:
    answer = _of_pages(asked) if asked.form in READ else good(asked)
    if "touches" in answer and asked.passages:
        answer["touches"] = touches(asked.passages)
    is_faulty = has_faults and not asked.is_patch and int(key[:8], 16) % ANSWERS_PER_FAULT == 0
    if is_faulty and (finding := next(findings_in(answer), None)):
        finding["text"] += " That is 7431.5 times."
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def _of_pages(asked: Request) -> dict[str, Any]:
    if not asked.is_patch:
        return findings(list(asked.schema["properties"]), asked.passages)
    places = places_in(asked.user, asked.form)
    found = findings([str(place[0]) for place in places.values()], asked.passages)
    return {name: _replacement(found, place) for name, place in places.items()}


def _replacement(found: dict[str, list[Any]], place: Place) -> Any:  # noqa: ANN401 - JSON
    """Return the finding for a place such as ('facts', 3), or the part of the finding that the place names."""
    kind, at, *inner = place
    part: Any = found[str(kind)][int(at) % len(found[str(kind)])] if found[str(kind)] else None
    for name in inner:
        part = part[name] if part is not None else None
    return part


def _output_tokens(asked: Request, text: str) -> int:
    """Return the number of output tokens. Drafts count as long as recorded drafts, even if the rules write less."""
    if asked.is_patch or asked.form in READ:
        return len(text) // CHARACTERS_PER_TOKEN
    return sum(_length(name, value) for name, value in json.loads(text).items())


def _length(name: str, value: object) -> int:
    """Return the tokens of a field: as many as in a recorded answer, or more if its value is longer."""
    recorded = recorded_tokens().get(name)
    if recorded is None and isinstance(value, dict):  # a draft within an answer with several drafts
        return sum(_length(inner, part) for inner, part in cast("dict[str, object]", value).items())
    return max(tokens(value), recorded or 0)


def _prefixes(asked: Request, *, with_schema: bool = True) -> Iterator[tuple[str, int]]:
    """Yield the digest and the tokens of each prefix that ends at a part of the request, the shortest first.

    The schema precedes the text, so calls with different schemas never share a prefix.
    """
    text = (json.dumps(asked.schema) if with_schema else "") + asked.body["model"] + asked.system
    yield sha256(text.encode()).hexdigest(), len(text) // CHARACTERS_PER_TOKEN
    content = (asked.body.get("input") or asked.body["messages"])[-1]["content"]
    for part in [{"text": content}] if isinstance(content, str) else content:
        text += part["text"]
        yield sha256(text.encode()).hexdigest(), len(text) // CHARACTERS_PER_TOKEN


def _with_usage(asked: Request, body: dict[str, Any], read: int, cached: int, written: int) -> dict[str, Any]:
    if asked.path.endswith("/responses"):
        body["usage"] |= {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}
        body["usage"]["input_tokens_details"] = {"cached_tokens": cached}
    elif asked.path.endswith("/chat/completions"):
        body["usage"] |= {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        body["usage"]["prompt_tokens_details"] = {"cached_tokens": cached}
    else:  # Anthropic does not count cached tokens as input tokens
        body["usage"] = {"input_tokens": read - cached, "output_tokens": written, "cache_read_input_tokens": cached}
    return body


def _as_proxy(application: ASGIApp) -> ASGIApp:
    """Accept requests to a proxy, whose path is a whole URL."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await application({**scope, "path": urlsplit(str(scope["path"])).path}, receive, send)

    return answer


def main() -> None:
    latency, *options = sys.argv[1:]
    provider = Provider(Latency(**json.loads(latency)), has_faults="--without-faults" not in options)
    bound = listening()
    routes = [
        Route("/scale", provider.rescale, methods=["PUT"]),
        Route("/log", provider.logged, methods=["GET", "DELETE"]),
        Route("/{path:path}", provider.answer, methods=["POST"]),
    ]
    serve(_as_proxy(Starlette(routes=routes)), [bound], f"http://127.0.0.1:{bound.getsockname()[1]}")


if __name__ == "__main__":
    main()
