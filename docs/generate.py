# ruff: noqa: INP001 - a script beside the documents that it writes
"""Writes into the documents what the product itself says: tables, help, and answers to the requests in them.

    python docs/generate.py [--check]

What stands between `<!-- generated: NAME -->` and `<!-- end -->` in README.md and docs/ is generated again; with
--check it is compared instead, and the exit code is 1 where it differs. `answer` is what the request in the code
block above it gets from a server that is started for the document, about the demo's two companies. `demo` is a part
of the playbook that `octave-mcp demo` writes. A block of kind `jsonl` is the document's file claims.jsonl. Whatever
differs from one time to the next is replaced: ids, times, durations, digests, ports and folders.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import os
import re
import shlex
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from difflib import unified_diff
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import httpx2
from excerpts import excerpts
from fastmcp import Client
from fastmcp.exceptions import ToolError
from fastmcp.tools import FunctionTool
from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticUndefined
from rich.console import Console

from octave_mcp.asks.prompts import load
from octave_mcp.concurrency.together import together
from octave_mcp.demo import serve_demo
from octave_mcp.domain import choices
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.vendor import KINDS
from octave_mcp.errors import tree
from octave_mcp.evidence.checks import RULES
from octave_mcp.settings import Settings, keys
from octave_mcp.surfaces.cli.main import cli
from octave_mcp.surfaces.mcp.schemas import LENGTHS, short_input
from octave_mcp.surfaces.mcp.server import mcp
from octave_mcp.tools import TOOLS

ROOT = Path(__file__).parents[1]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

PART = re.compile(r"(<!-- generated: (?P<name>\S+)(?P<options>[^\n]*) -->\n).*?(<!-- end -->)", re.DOTALL)
CLAIMS = re.compile(r"^```jsonl\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"```(?P<kind>[^\n]*)\n(?P<text>[^`]*)```\s*\Z")
CODE_ROW = re.compile(r"^\| `(?P<code>[a-z_]+)` \| (?P<status>\d{3}) \|", re.MULTILINE)

HELP_WIDTH = 100
LONGEST_TEXT, LONGEST_DATA = 200, 400
OBJECT = re.compile(r"\{.*\}")
# An object with more has entries, not fields.
MAX_KEYS = 30
HEADERS = ("content-type", "location", "allow", "www-authenticate")
# What the demo's vendor and prospect are called here.
NAMES = ("acme.com", "globex.com")
DAY = "2026-01-31"
LIMITS = {"minimum": "from {:g}", "maximum": "to {:g}", "maxLength": "up to {} characters"}
EVERYWHERE = ("403", "413", "421", "500", "503")
# By the names of figures.
VOLATILE: dict[str, Any] = {"seconds": 1.5, "total_seconds": 1.5, "duration_ms": 1500.0, "timings": 208}
# How a run that was begun a moment ago is shown: how far it is depends on the moment.
UNDER_WAY = {"status": "running", "step": "", "message": "started", "done": 0, "total": 0}
WAITING = {"step": "", "message": "2 questions are open: call next_question", "done": 13, "total": 13}
UNFINISHED = ("queued", "running", "cancelled")
SHAPES = (
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)"), f"{DAY}T09:00:00Z"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"), f"{DAY} 09:00"),
    (re.compile(r"in \d+\.\d s"), "in 1.5 s"),
    (re.compile(r"\bq_[0-9a-f]{16}\b"), "q_0000000000000000"),
    (re.compile(rf"(globex\.com-{DAY})-\d+"), r"\1"),
    (re.compile(r"\b1\.\d{6,}e\+09"), "1.769850000e+09"),
    (re.compile(r"(octave_runs_\w+_total\S*) \d+\.0"), r"\1 6.0"),  # a cancelled run may never have started
)
IDS = re.compile(r"(?P<kind>run_|sess_)[0-9a-f]{32}|\b[0-9a-f]{64}\b|\be[0-9a-f]{10}\b")


# What is written without asking a server


def tools() -> str:
    rows = (
        (f"`{tool.name}`", _first_sentence(tool.function), f"`{tool.method} {tool.path}`") for tool in TOOLS.values()
    )
    return _table(("tool", "what it does", "over HTTP"), rows)


def models() -> str:
    rows = ((f"`{model.name}`", _needs(model), _by_auto(model), model.about, model.tested) for model in choices.MODELS)
    return _table(("model", "needs", "chosen by `auto`", "who answers", "tested"), rows)


def _by_auto(model: choices.ModelChoice) -> str:
    keyless = {choices.BY_CLIENT: "over MCP, if none is set", choices.BY_RULES: "elsewhere, if none is set"}
    return "yes" if model.in_auto else keyless.get(model.name, "no")


def sources() -> str:
    rows = ((f"`{source.name}`", _needs(source), source.about) for source in choices.SOURCES)
    return _table(("source", "needs", "who fetches"), rows)


def _needs(provider: choices.Provider) -> str:
    variables = [f"`{name}`" for name in (provider.needs, provider.or_needs) if name]
    return choices.either(variables) if variables else "nothing"


def formats() -> str:
    rows = (
        (f"`{form.name}`", f"`run://{{run_id}}/playbook.{form.suffix}`", form.media_type, form.about)
        for form in choices.FORMATS
    )
    return _table(("format", "URI", "media type", "what it is"), rows)


async def arguments(name: str) -> str:
    """What a tool takes."""
    tool = await mcp.get_tool(name)
    assert isinstance(tool, FunctionTool)  # noqa: S101 - it is one of ours
    taken = short_input(TypeAdapter(cast("Any", tool.fn)).json_schema(), dropped=LENGTHS)
    required = taken.get("required", ())
    rows = (
        (
            f"`{argument}`",
            _kind(schema),
            "required" if argument in required else _default(schema.get("default")),
            schema.get("description", ""),
        )
        for argument, schema in taken["properties"].items()
    )
    return _table(("argument", "type", "default", "meaning"), rows)


async def routes(stage: Stage) -> str:
    async with httpx2.AsyncClient(trust_env=False) as client:
        paths = (await client.get(f"{stage.origin}/openapi.json")).json()["paths"]
    operations = [(method.upper(), path, found) for path, of in paths.items() for method, found in of.items()]
    rows = [(f"`{method} {path}`", found["summary"], _statuses(found)) for method, path, found in operations]
    return _table(("route", "what it does", "answers"), rows)


def settings() -> str:
    """Of every field its variable, what it is if not set, and what it says of itself."""
    fields = Settings.model_fields.items()
    own = (
        (f"`OCTAVE_{name.upper()}`", _default(field.get_default()), field.description or "") for name, field in fields
    )
    others = ((f"`{key.name}`", "", key.description) for key in keys())
    return _table(("variable", "default", "meaning"), (*own, *others))


def kinds() -> str:
    """The kinds of elements: the title of its prompt, the section it fills, and the pages that it comes from."""
    rows = ((load(f"vendor/{kind}").title, f"`{kind}`", KINDS[kind].would_fill) for kind in KINDS)
    return _table(("asked for", "in `vendor_elements`", "comes from"), rows)


def rules() -> str:
    return _table(("rule", "what is wrong"), ((f"`{rule}`", what) for rule, what in RULES.items()))


def claims() -> str:
    """What the rules do with the claims of the bench."""
    sys.path.insert(0, str(ROOT / "bench"))
    from claims import tables  # noqa: PLC0415 - found once its folder is on the path

    return tables()


def help_of(command: str) -> str:
    shown = io.StringIO()
    console = Console(file=shown, width=HELP_WIDTH, color_system=None, force_terminal=False)
    cli.help_print(command.split(), console=console)
    return _fenced("text", "\n".join(map(str.rstrip, shown.getvalue().strip("\n").splitlines())))


def wrong_codes(text: str) -> list[str]:
    """What a document with a table of error codes has wrong: each code has one row, with its status."""
    shown = {match["code"]: int(match["status"]) for match in CODE_ROW.finditer(text)}
    there = {error.code: error.status for error in tree()}
    return [
        f"{code}: {shown.get(code)} is shown, {there.get(code)} is true"
        for code in sorted(shown | there)
        if shown.get(code) != there.get(code)
    ]


def _kind(schema: dict[str, Any]) -> str:
    limits = [text.format(schema[limit]) for limit, text in LIMITS.items() if limit in schema]
    kinds = [one["type"] for one in schema.get("anyOf", [schema])]
    return ", ".join((" or ".join(kinds), *limits))


def _statuses(operation: dict[str, Any]) -> str:
    """Those that are an operation's own; what any may answer is said once."""
    return ", ".join(status for status in operation["responses"] if status not in EVERYWHERE)


def _default(value: object) -> str:
    if value in {None, (), ""} or value is PydanticUndefined:
        return ""
    return f"`{value}`"


def _first_sentence(function: Callable[..., Any]) -> str:
    paragraph = (inspect.getdoc(function) or "").split("\n\n")[0]
    return " ".join(paragraph.split())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join((_row(head), "|---" * len(head) + "|", *map(_row, rows)))


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _fenced(kind: str, text: str) -> str:
    return f"```{kind}\n{text}\n```"


# What the server answers


@dataclass
class Stage:
    """A server in a home of its own, and the two companies' sites; `latest` are the ids of the latest answer."""

    origin: str
    hosts: tuple[str, ...]
    home: Path
    environment: Mapping[str, str]
    latest: dict[str, str] = field(default_factory=dict[str, str])
    ids: dict[str, str] = field(default_factory=dict[str, str])
    excerpts: dict[str, str] = field(default_factory=dict[str, str])

    def real(self, text: str) -> str:
        """What a document says, about this server and these companies."""
        text = text.replace("http://127.0.0.1:7777", self.origin)
        for name, host in zip(NAMES, self.hosts, strict=True):
            text = text.replace(name, host)
        for name, value in self.latest.items():
            text = text.replace(f"${name}", value)
        return text

    def shown(self, text: str) -> str:
        """What this server says, as it stands in a document."""
        self._note(text)
        for name, host in zip(NAMES, self.hosts, strict=True):
            text = text.replace(f"http://{host}", f"https://{name}").replace(host, name)
            text = text.replace(host.replace(":", "_"), name)
        text = text.replace(self.origin, "http://127.0.0.1:7777").replace(str(self.home), "OCTAVE_HOME")
        text = text.replace(f"{date.today()}", DAY).replace(f"{datetime.now(UTC):%Y-%m-%d}", DAY)  # noqa: DTZ011 - the user's day
        for shape, placeholder in SHAPES:
            text = shape.sub(placeholder, text)
        return IDS.sub(self._id, text)

    def _note(self, text: str) -> None:
        for name, pattern in (("RUN", r"run_[0-9a-f]{32}"), ("SESSION", r"sess_[0-9a-f]{32}")):
            if found := re.search(pattern, text):
                self.latest[name] = found[0]

    def _id(self, match: re.Match[str]) -> str:
        """One that depends on how many were shown before it alone."""
        number = len(self.ids)
        made = sha256(str(number).encode()).hexdigest()
        kind = match["kind"]
        new = f"{kind}{made[:32]}" if kind else made if len(match[0]) == len(made) else f"e{made[:10]}"
        return self.ids.setdefault(match[0], new)


@asynccontextmanager
async def staged() -> AsyncGenerator[Stage]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with serve_demo() as sites:
            hosts = tuple(site.removeprefix("http://") for site in sites)
            environment = _environment(home, hosts)
            async with _served(home, environment) as origin:
                yield Stage(origin, hosts, home, environment)


def _environment(home: Path, hosts: tuple[str, ...]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OCTAVE_", "OPENAI_", "ANTHROPIC_", "FIRECRAWL_"))
    }
    own = {"OCTAVE_HOME": str(home), "OCTAVE_MODEL": "extractive", "OCTAVE_ALLOW_HOSTS": ",".join(hosts)}
    return kept | own | {"PYTHONPATH": str(ROOT), "HOME": str(home), "COLUMNS": str(HELP_WIDTH), "NO_COLOR": "1"}


@asynccontextmanager
async def _served(home: Path, environment: Mapping[str, str]) -> AsyncGenerator[str]:
    """Where a server answers that is a process of its own, on a free port."""
    command = ("-m", "octave_mcp", "serve", "--transport", "http", "--port", "0")
    server = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=home, env=environment, stderr=asyncio.subprocess.PIPE, limit=2**20
    )
    said = cast("asyncio.StreamReader", server.stderr)
    while (line := json.loads(await said.readline()))["message"] != "listening":
        pass
    rest = asyncio.create_task(said.read())
    try:
        yield line["url"]
    finally:
        server.terminate()
        await server.wait()
        await rest


async def answer(stage: Stage, kind: str, request: str, options: dict[str, int]) -> str:
    """What the request of a code block gets; `options` say how much of it is shown."""
    match kind.split():
        case ["sh"] if request.startswith("curl"):
            return await _over_http(stage, request, options)
        case ["sh"]:
            return await _on_the_command_line(stage, request, options)
        case ["json", method]:
            return await _over_mcp(stage, method, json.loads(stage.real(request)), options)
        case _:
            raise SystemExit(f"a block of kind {kind!r} gets no answer: {request}")


async def _over_http(stage: Stage, request: str, options: dict[str, int]) -> str:
    words = shlex.split(stage.real(request).replace("\\\n", " "))
    raw = await _output(stage, words[0], "--silent", "--include", "--noproxy", "*", *words[1:])
    head, _, body = raw.partition("\r\n\r\n")
    status, *headers = head.split("\r\n")
    told = [line for line in headers if line.partition(":")[0].lower() in HEADERS]
    kind = next((line for line in told if line.lower().startswith("content-type")), "")
    body = _events(stage, body, options) if "event-stream" in kind else _body(stage, body, options)
    return _fenced("http", "\n".join((stage.shown("\n".join((status.strip(), *told))), *(("", body) if body else ()))))


async def _on_the_command_line(stage: Stage, request: str, options: dict[str, int]) -> str:
    """What is printed, and the hints beside it; a log is none of it."""
    words = shlex.split(stage.real(request), comments=True)
    raw = await _output(
        stage, sys.executable, "-m", *("octave_mcp" if word == "octave-mcp" else word for word in words)
    )
    return _fenced("text", _body(stage, raw.strip("\n"), options))


async def _output(stage: Stage, *command: str) -> str:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, cwd=stage.home, env=stage.environment, stdout=pipe, stderr=pipe
    )
    out, err = await process.communicate()
    hints = [line for line in err.decode().splitlines() if not line.startswith("{")]
    return "\n".join((out.decode(), *hints))


async def _from_the_demo(stage: Stage, name: str) -> str:
    if not stage.excerpts:
        alone = replace(stage, environment={**stage.environment, "OCTAVE_HOME": str(stage.home / "demo")})
        await _output(alone, sys.executable, "-m", "octave_mcp", "demo", "--out", "demo-playbook")
        written = (stage.home / "demo-playbook" / "playbook.json").read_text("utf-8")
        stage.excerpts |= excerpts(Playbook.model_validate_json(written))
    return stage.excerpts[name]


async def _over_mcp(stage: Stage, method: str, params: dict[str, Any], options: dict[str, int]) -> str:
    async with Client(f"{stage.origin}/mcp") as client:
        text = await _called(client, method, params)
    kind = "json" if text.startswith("{") and "lines" not in options else "text"
    return _fenced(kind, _body(stage, text, options))


async def _called(client: Client[Any], method: str, params: dict[str, Any]) -> str:
    match method:
        case "tools/call":
            try:
                result = await client.call_tool(params["name"], params["arguments"])
            except ToolError as failed:
                return str(failed)
            return json.dumps(result.structured_content)
        case "resources/read":
            (content,) = await client.read_resource(params["uri"])
            return getattr(content, "text", "")
        case "prompts/get":
            result = await client.get_prompt(params["name"], params["arguments"])
            return _json(result.messages[0])
        case _:
            raise SystemExit(f"{method!r} is no method that a document may show")


def _json(value: BaseModel) -> str:
    return value.model_dump_json(by_alias=True, exclude_none=True)


def _body(stage: Stage, text: str, options: dict[str, int]) -> str:
    """At most so many lines; of JSON, at most so many items of a list."""
    if text.startswith(("{", "[{")):
        text = "\n".join(_json_of(text, options.get("items", 2)))
    lines = [line.rstrip() for line in stage.shown(text).splitlines()]
    most = options.get("lines", len(lines))
    return "\n".join((*lines[:most], *(("...",) if len(lines) > most else ())))


def _json_of(text: str, items: int) -> Iterator[str]:
    """The value on lines of its own; of several values, which come one per line, each on one line."""
    lines = text.splitlines()
    values = [json.loads(line) for line in lines] if all(map(OBJECT.fullmatch, lines)) else [json.loads(text)]
    for value in values:
        yield json.dumps(short(settled(value), items), indent=2 if len(values) == 1 else None, ensure_ascii=False)


def _events(stage: Stage, text: str, options: dict[str, int]) -> str:
    """The first of a stream and its last, each with its data on one line."""
    events = [event for event in text.split("\n\n") if event.strip() and not event.startswith(":")]
    first, last = options.get("first", 2), options.get("last", 1)
    told = [
        *events[:first],
        *(("...",) if len(events) > first + last else ()),
        *events[max(first, len(events) - last) :],
    ]
    return "\n\n".join(stage.shown(re.sub(r"(?m)^data: (.*)$", _data, event)) for event in told)


def _data(match: re.Match[str]) -> str:
    text = json.dumps(short(settled(json.loads(match[1])), 1), ensure_ascii=False)
    return f"data: {text if len(text) <= LONGEST_DATA else text[:LONGEST_DATA] + '...'}"


def settled(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The value with what depends on the moment replaced."""
    if isinstance(value, list):
        return [settled(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    found = cast("dict[str, Any]", value)
    if "next" in found and found["status"] in UNFINISHED:
        found |= UNDER_WAY if found["next"] else {"done": 0, "total": 0}
    if found.get("status") == "waiting" and "message" in found:
        found |= WAITING
    return {
        name: VOLATILE[name] if name in VOLATILE and isinstance(item, int | float) else settled(item)
        for name, item in found.items()
    }


def short(value: Any, most: int) -> Any:  # noqa: ANN401 - JSON
    """The value with long lists and texts cut, and marked where they are."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}..."
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [
            *(short(item, most) for item in items[:most]),
            *([f"... {len(items) - most} more"] if len(items) > most else []),
        ]
    if not isinstance(value, dict):
        return value
    entries = [*cast("dict[str, Any]", value).items()]
    kept = entries if len(entries) <= MAX_KEYS else entries[:most]
    more = {"...": f"{len(entries) - len(kept)} more"} if len(kept) < len(entries) else {}
    return {name: short(item, most) for name, item in kept} | more


# The documents


TABLES = {
    "tools": tools,
    "models": models,
    "sources": sources,
    "formats": formats,
    "settings": settings,
    "kinds": kinds,
    "rules": rules,
    "claims": claims,
}


async def made(text: str) -> str:
    """The document with each part generated again."""
    if not re.search("<!-- generated: answer", text):
        return await _made(text, None)
    async with staged() as stage:
        if claims := CLAIMS.search(text):
            (stage.home / "claims.jsonl").write_text(claims["text"], "utf-8")
        return await _made(text, stage)


async def _made(text: str, stage: Stage | None) -> str:
    parts: list[str] = []
    at = 0
    for match in PART.finditer(text):
        parts += [text[at : match.start()], match[1], await _part(text[: match.start()], match, stage), "\n", match[4]]
        at = match.end()
    return "".join((*parts, text[at:]))


async def _part(before: str, match: re.Match[str], stage: Stage | None) -> str:
    name, options = match["name"], match["options"].strip()
    if name == "answer" and stage:
        block = BLOCK.search(before)
        if not block:
            raise SystemExit(f"an answer without a request before it: ...{before[-200:]}")
        numbers = {key: int(value) for key, value in (option.split("=") for option in options.split())}
        return await answer(stage, block["kind"], block["text"].strip(), numbers)
    if name == "demo" and stage:
        return await _from_the_demo(stage, options)
    if name == "help":
        return help_of(options)
    if name == "arguments":
        return await arguments(options)
    if name == "routes" and stage:
        return await routes(stage)
    return TABLES[name]()


async def _all() -> dict[Path, tuple[str, str]]:
    """Each document as it is, and as it should be."""
    old = [file.read_text("utf-8") for file in DOCUMENTS]
    return dict(zip(DOCUMENTS, zip(old, await together(*map(made, old)), strict=True), strict=True))


def main() -> int:
    check = sys.argv[1:] == ["--check"]
    found: list[str] = []
    for file, (old, new) in asyncio.run(_all()).items():
        if new != old:
            found.append(f"{file.relative_to(ROOT)}: {_difference(old, new)}")
        if not check:
            file.write_text(new, "utf-8")
        if CODE_ROW.search(old):
            found += wrong_codes(old)
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return 1 if found and check else 0


def _difference(old: str, new: str) -> str:
    """The first lines that are others, for whoever has to find out why."""
    lines = [*unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)]
    return "\n".join(("not what the product says; run `make docs`", *lines[2:12]))


if __name__ == "__main__":
    sys.exit(main())
