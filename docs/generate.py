# ruff: noqa: INP001 - a script next to the documents that it writes
"""Generate the tables, the command help and the example responses in the documents.

    python docs/generate.py [--check]

The script replaces the text between `<!-- generated: NAME -->` and `<!-- end -->` in README.md and docs/. With --check,
the script changes no file, and the exit code is 1 if any text is out of date. The text named `answer` is the response
to the request in the code block above it. For each document with an `answer`, the script starts a server with the
demo's two companies. The text named `demo` is an excerpt from the playbook that `octave-mcp demo` writes. If a document
has a code block marked `jsonl`, the script saves the block as claims.jsonl, because a request in the document sends
this file. The script replaces values that change from run to run, such as ids, times and ports, with fixed values.
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
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
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
from markdown_tables import table
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
from octave_mcp.surfaces.mcp.server import make
from octave_mcp.tools import TOOLS

ROOT = Path(__file__).parents[1]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

PART = re.compile(r"(<!-- generated: (?P<name>\S+)(?P<options>[^\n]*) -->\n).*?(<!-- end -->)", re.DOTALL)
CLAIMS = re.compile(r"^```jsonl\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"```(?P<kind>[^\n]*)\n(?P<text>[^`]*)```\s*\Z")
CODE_ROW = re.compile(r"^\| `(?P<code>[a-z_]+)` \| (?P<status>[45]\d\d) \|", re.MULTILINE)

HELP_WIDTH = 100
MAX_TEXT_CHARACTERS, MAX_DATA_CHARACTERS = 200, 400
OBJECT = re.compile(r"\{.*\}")
# A JSON object with more keys than this, such as `evidence`, probably has IDs as its keys, so shorten it like a list.
MAX_KEYS = 30
HEADERS = ("content-type", "location", "allow", "www-authenticate")
# In the documents, the demo's vendor and prospect have these names.
NAMES = ("acme.com", "globex.com")
DAY = "2026-01-31"
LIMITS = {"minimum": "from {:g}", "maximum": "to {:g}", "maxLength": "up to {} characters"}
# The OpenAPI document lists these statuses for every operation, so the table of routes leaves them out.
COMMON_STATUSES = ("403", "413", "421", "500", "503")
# These fixed values replace numbers that change from run to run.
VOLATILE: dict[str, Any] = {"seconds": 1.5, "total_seconds": 1.5, "duration_ms": 1500.0, "timings": 208}
# Show these values for every run in progress, because the real progress depends on the moment of the request.
IN_PROGRESS = {"status": "running", "step": "", "message": "started", "done": 0, "total": 0}
WAITING = {"step": "", "message": "2 questions are open", "done": 13, "total": 13}
UNFINISHED = ("queued", "running", "cancelled")
SHAPES = (
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)"), f"{DAY}T09:00:00Z"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"), f"{DAY} 09:00"),
    (re.compile(r"in \d+\.\d s"), "in 1.5 s"),
    (re.compile(r'"/s/[\w-]{43}"'), '"/s/SECRET"'),
    (re.compile(r"\bq_[0-9a-f]{16}\b"), "q_0000000000000000"),
    (re.compile(rf"(globex\.com-{DAY})-\d+"), r"\1"),
    (re.compile(r"\b1\.\d{6,}e\+09"), "1.769850000e+09"),
    # Always show 6 runs in the metrics, because the real number varies: a run that is cancelled early does not always
    # start.
    (re.compile(r"(octave_runs_\w+_total\S*) \d+\.0"), r"\1 6.0"),
)
IDS = re.compile(r"(?P<kind>run_|sess_|share_)[0-9a-f]{32}|\b[0-9a-f]{64}\b|\be[0-9a-f]{10}\b")


def tools() -> str:
    rows = (
        (f"`{tool.name}`", _first_sentence(tool.function), f"`{tool.method} {tool.path}`") for tool in TOOLS.values()
    )
    return table(("tool", "what it does", "over HTTP"), rows)


def models() -> str:
    rows = ((f"`{model.name}`", _needs(model), _by_auto(model), model.about, model.tested) for model in choices.MODELS)
    return table(("model", "needs", "chosen by `auto`", "who answers", "tested"), rows)


def _by_auto(model: choices.ModelChoice) -> str:
    keyless = {
        choices.BY_CLIENT: "over MCP, if no other model is configured",
        choices.BY_RULES: "outside MCP, if no other model is configured",
    }
    return "yes" if model.in_auto else keyless.get(model.name, "no")


def sources() -> str:
    rows = ((f"`{source.name}`", _needs(source), source.about) for source in choices.SOURCES)
    return table(("source", "needs", "who fetches"), rows)


def _needs(provider: choices.Provider) -> str:
    variables = [f"`{name}`" for name in (provider.needs, provider.or_needs) if name]
    return choices.either(variables) if variables else "nothing"


def formats() -> str:
    rows = (
        (f"`{form.name}`", f"`run://{{run_id}}/playbook.{form.suffix}`", form.media_type, form.about)
        for form in choices.FORMATS
    )
    return table(("format", "URI", "media type", "what it is"), rows)


async def arguments(name: str) -> str:
    """Return a table of a tool's arguments."""
    tool = await make().get_tool(name)
    assert isinstance(tool, FunctionTool)  # noqa: S101 - for the type checker
    schema_of_all = short_input(TypeAdapter(cast("Any", tool.fn)).json_schema(), dropped=LENGTHS)
    required = schema_of_all.get("required", ())
    rows = (
        (
            f"`{argument}`",
            _kind(schema),
            "required" if argument in required else _default(schema.get("default")),
            schema.get("description", ""),
        )
        for argument, schema in schema_of_all["properties"].items()
    )
    return table(("argument", "type", "default", "meaning"), rows)


async def routes(stage: Stage) -> str:
    async with httpx2.AsyncClient(trust_env=False) as client:
        paths = (await client.get(f"{stage.origin}/openapi.json")).json()["paths"]
    operations = [
        (f"`{method.upper()} {path}`", operation)
        for path, by_method in paths.items()
        for method, operation in by_method.items()
    ]
    rows = [(route, operation["summary"], _statuses(operation)) for route, operation in operations]
    return table(("route", "what it does", "status codes"), rows)


def settings() -> str:
    """Return a table of the settings, with the environment variable, the default and the description of each."""
    fields = Settings.model_fields.items()
    own = (
        (f"`OCTAVE_{name.upper()}`", _default(field.get_default()), field.description or "") for name, field in fields
    )
    others = ((f"`{key.name}`", "", key.description) for key in keys())
    return table(("variable", "default", "meaning"), (*own, *others))


def kinds() -> str:
    """Return a table with a row for each kind of vendor element. The last column says which pages mention it."""
    rows = ((load(f"vendor/{kind}").title, f"`{kind}`", KINDS[kind].would_fill) for kind in KINDS)
    return table(("asked for", "in `vendor_elements`", "comes from"), rows)


def rules() -> str:
    return table(("rule", "what is wrong"), ((f"`{rule}`", what) for rule, what in RULES.items()))


def claims() -> str:
    """Return tables that show how the rules judge the claims in bench/claims."""
    sys.path.insert(0, str(ROOT / "bench"))
    from claims import tables  # noqa: PLC0415 - needs the path set above

    return tables()


def help_of(command: str) -> str:
    output = io.StringIO()
    console = Console(file=output, width=HELP_WIDTH, color_system=None, force_terminal=False)
    cli.help_print(command.split(), console=console)
    return _fenced("text", "\n".join(map(str.rstrip, output.getvalue().strip("\n").splitlines())))


def wrong_codes(text: str) -> list[str]:
    """Compare a document's table of error codes with the errors in the package, and return the differences."""
    documented = {match["code"]: int(match["status"]) for match in CODE_ROW.finditer(text)}
    actual = {error.code: error.status for error in tree()}
    return [
        f"{code}: documented with {documented.get(code)}, but it has {actual.get(code)}"
        for code in sorted(documented | actual)
        if documented.get(code) != actual.get(code)
    ]


def _kind(schema: dict[str, Any]) -> str:
    limits = " ".join(text.format(schema[limit]) for limit, text in LIMITS.items() if limit in schema)
    kinds = [variant["type"] for variant in schema.get("anyOf", [schema])]
    return ", ".join(filter(None, (" or ".join(kinds), limits)))


def _statuses(operation: dict[str, Any]) -> str:
    return ", ".join(status for status in operation["responses"] if status not in COMMON_STATUSES)


def _default(value: object) -> str:
    if value in {None, (), ""} or value is PydanticUndefined:
        return ""
    return f"`{value}`"


def _first_sentence(function: Callable[..., Any]) -> str:
    paragraph = (inspect.getdoc(function) or "").split("\n\n")[0]
    return " ".join(paragraph.split())


def _fenced(kind: str, text: str) -> str:
    return f"```{kind}\n{text}\n```"


@dataclass
class Stage:
    """A running server with its own OCTAVE_HOME.

    `hosts`: the hosts of the demo's two sites.
    `latest`: the latest IDs of a run, a session and a shared link. Requests in the documents call them $RUN, $SESSION
    and $SHARE.
    `ids`: maps each real ID to the placeholder that the documents show.
    """

    origin: str
    hosts: tuple[str, ...]
    home: Path
    environment: Mapping[str, str]
    latest: dict[str, str] = field(default_factory=dict[str, str])
    ids: dict[str, str] = field(default_factory=dict[str, str])
    excerpts: dict[str, str] = field(default_factory=dict[str, str])

    def real(self, text: str) -> str:
        """In a request from a document, replace the placeholders with the hosts and IDs of this server."""
        text = text.replace("http://127.0.0.1:7777", self.origin)
        for name, host in zip(NAMES, self.hosts, strict=True):
            text = text.replace(name, host)
        for name, value in self.latest.items():
            text = text.replace(f"${name}", value)
        return text

    def shown(self, text: str) -> str:
        """In a response, replace hosts, paths, dates and IDs with the placeholders that the documents show."""
        self._remember_ids(text)
        for name, host in zip(NAMES, self.hosts, strict=True):
            text = text.replace(f"http://{host}", f"https://{name}").replace(host, name)
            text = text.replace(host.replace(":", "_"), name)
        text = text.replace(self.origin, "http://127.0.0.1:7777").replace(str(self.home), "OCTAVE_HOME")
        text = text.replace(f"{date.today()}", DAY).replace(f"{datetime.now(UTC):%Y-%m-%d}", DAY)  # noqa: DTZ011 - the user's day
        for shape, placeholder in SHAPES:
            text = shape.sub(placeholder, text)
        return IDS.sub(self._id, text)

    def _remember_ids(self, text: str) -> None:
        for name, kind in (("RUN", "run"), ("SESSION", "sess"), ("SHARE", "share")):
            if match := re.search(rf"{kind}_[0-9a-f]{{32}}", text):
                self.latest[name] = match[0]

    def _id(self, match: re.Match[str]) -> str:
        """Return a placeholder for an ID.

        The placeholder depends only on how many IDs were replaced before, so it does not vary between runs.
        """
        number = len(self.ids)
        digest = sha256(str(number).encode()).hexdigest()
        kind = match["kind"]
        new = f"{kind}{digest[:32]}" if kind else digest if len(match[0]) == len(digest) else f"e{digest[:10]}"
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
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OCTAVE_", "OPENAI_", "ANTHROPIC_", "FIRECRAWL_"))
    }
    own = {"OCTAVE_HOME": str(home), "OCTAVE_MODEL": "extractive", "OCTAVE_ALLOW_HOSTS": ",".join(hosts)}
    return inherited | own | {"PYTHONPATH": str(ROOT), "HOME": str(home), "COLUMNS": str(HELP_WIDTH), "NO_COLOR": "1"}


@asynccontextmanager
async def _served(home: Path, environment: Mapping[str, str]) -> AsyncGenerator[str]:
    """Run a server in a subprocess on a free port, and yield its URL."""
    command = ("-m", "octave_mcp", "serve", "--transport", "http", "--port", "0")
    server = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=home, env=environment, stderr=asyncio.subprocess.PIPE, limit=2**20
    )
    log = cast("asyncio.StreamReader", server.stderr)
    while (line := json.loads(await log.readline()))["message"] != "listening":
        pass
    # Read the rest of the log, because the server would block when the pipe is full.
    rest = asyncio.create_task(log.read())
    try:
        yield line["url"]
    finally:
        server.terminate()
        await server.wait()
        await rest


async def answer(stage: Stage, kind: str, request: str, options: dict[str, int]) -> str:
    """Send the request in a code block, and return the response. `options` limits the length of the response."""
    match kind.split():
        case ["sh"] if request.startswith("curl"):
            return await _over_http(stage, request, options)
        case ["sh"]:
            return await _on_the_command_line(stage, request, options)
        case ["json", method]:
            return await _over_mcp(stage, method, json.loads(stage.real(request)), options)
        case _:
            raise SystemExit(f"a code block of kind {kind!r} is not a request; use sh or json: {request}")


async def _over_http(stage: Stage, request: str, options: dict[str, int]) -> str:
    words = shlex.split(stage.real(request).replace("\\\n", " "))
    raw = await _output(stage, words[0], "--silent", "--include", "--noproxy", "*", *words[1:])
    head, _, body = raw.partition("\r\n\r\n")
    status, *headers = head.split("\r\n")
    shown_headers = [line for line in headers if line.partition(":")[0].lower() in HEADERS]
    kind = next((line for line in shown_headers if line.lower().startswith("content-type")), "")
    body = _events(stage, body, options) if "event-stream" in kind else _body(stage, body, options)
    start = stage.shown("\n".join((status.strip(), *shown_headers)))
    return _fenced("http", "\n".join((start, *(("", body) if body else ()))))


async def _on_the_command_line(stage: Stage, request: str, options: dict[str, int]) -> str:
    """Run a command, and return the output and the hints that it prints. Leave out log lines."""
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
    # On stderr, log lines are JSON objects, and all other lines are hints.
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
            raise SystemExit(f"unsupported MCP method {method!r}; add it to _called")


def _json(value: BaseModel) -> str:
    return value.model_dump_json(by_alias=True, exclude_none=True)


def _body(stage: Stage, text: str, options: dict[str, int]) -> str:
    """Shorten a response. `options` limits the number of lines and the number of items in JSON lists."""
    if text.startswith(("{", "[{")):
        text = "\n".join(_json_of(text, options.get("items", 2)))
    lines = [line.rstrip() for line in stage.shown(text).splitlines()]
    max_lines = options.get("lines", len(lines))
    return "\n".join((*lines[:max_lines], *(("...",) if len(lines) > max_lines else ())))


def _json_of(text: str, items: int) -> Iterator[str]:
    lines = text.splitlines()
    values = [json.loads(line) for line in lines] if all(map(OBJECT.fullmatch, lines)) else [json.loads(text)]
    for value in values:
        yield json.dumps(short(settled(value), items), indent=2 if len(values) == 1 else None, ensure_ascii=False)


def _events(stage: Stage, text: str, options: dict[str, int]) -> str:
    """Return the first and the last events of a stream, with the data of each event on one line."""
    events = [event for event in text.split("\n\n") if event.strip() and not event.startswith(":")]
    first, last = options.get("first", 2), options.get("last", 1)
    shown = [
        *events[:first],
        *(("...",) if len(events) > first + last else ()),
        *events[max(first, len(events) - last) :],
    ]
    return "\n\n".join(stage.shown(re.sub(r"(?m)^data: (.*)$", _data, event)) for event in shown)


def _data(match: re.Match[str]) -> str:
    text = json.dumps(short(settled(json.loads(match[1])), 1), ensure_ascii=False)
    return f"data: {text if len(text) <= MAX_DATA_CHARACTERS else text[:MAX_DATA_CHARACTERS] + '...'}"


def settled(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Replace values that vary over time with fixed values."""
    if isinstance(value, list):
        return [settled(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, Any]", value)
    if "next" in fields and fields["status"] in UNFINISHED:
        fields |= IN_PROGRESS if fields["next"] else {"done": 0, "total": 0}
    if fields.get("status") == "waiting" and "message" in fields:
        fields |= WAITING
    return {
        name: VOLATILE[name] if name in VOLATILE and isinstance(item, int | float) else settled(item)
        for name, item in fields.items()
    }


def short(value: Any, max_items: int) -> Any:  # noqa: ANN401 - JSON
    """Shorten long lists and texts, and mark what was left out."""
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT_CHARACTERS else f"{value[:MAX_TEXT_CHARACTERS]}..."
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [
            *(short(item, max_items) for item in items[:max_items]),
            *([f"... {len(items) - max_items} more"] if len(items) > max_items else []),
        ]
    if not isinstance(value, dict):
        return value
    entries = [*cast("dict[str, Any]", value).items()]
    shown = entries if len(entries) <= MAX_KEYS else entries[:max_items]
    more = {"...": f"{len(entries) - len(shown)} more"} if len(shown) < len(entries) else {}
    return {name: short(item, max_items) for name, item in shown} | more


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
    """Return a document with all its generated parts updated."""
    # Start a server only for documents that need one, because starting a server takes seconds.
    if not re.search("<!-- generated: (answer|demo|routes)", text):
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
            raise SystemExit(f"a generated answer needs a code block with its request above it: ...{before[-200:]}")
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
    # The table of claims takes seconds to compute. In this thread, that would block the servers of the demo's sites.
    return await asyncio.to_thread(TABLES[name])


async def _all() -> dict[Path, tuple[str, str]]:
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
    lines = [*unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)]
    return "\n".join(("out of date; run `make docs`", *lines[2:12]))


if __name__ == "__main__":
    sys.exit(main())
