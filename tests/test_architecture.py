"""Limits on imports between layers, on the length of files and functions, and on the modules loaded at start-up."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

from conftest import ROOT, command
from fastmcp import Client

from octave_mcp.surfaces.mcp.server import make

ADAPTERS = ("openai", "anthropic", "firecrawl", "dbos", "psycopg", "sqlalchemy")
HEAVY = (
    *ADAPTERS,
    *("selectolax", "lxml", "cyclopts", "playwright", "numpy", "requests", "jinja2", "genai_prices", "stamina"),
    "octave_mcp.surfaces.http",
)
# A server imports these modules when it executes its first run.
OF_RUNS = ("octave_mcp.pipeline.generate", "octave_mcp.runs.finishing", "octave_mcp.copywriting.assembly", "openai")
MAX_TOKENS = 2600

PACKAGE = ROOT / "octave_mcp"
SHARED_BY_ALL = {"__init__", "__main__", "app", "errors", "settings"}
MAX_LINES = 350
# These limits apply to the median and the 99th percentile of the number of lines per function.
MAX_MEDIAN_LENGTH, MAX_P99_LENGTH = 6, 30

LIST_TOOLS = f"""
import asyncio, sys
import server
tools = asyncio.run(server.mcp.list_tools())
print(len(tools), *(name for name in {HEAVY!r} if name in sys.modules))
"""

OPEN_APPLICATION = f"""
import asyncio, sys
from pathlib import Path
from octave_mcp.app import App
from octave_mcp.settings import load
async def opened():
    app = App(load(home=Path.cwd()))
    await app.runs.open()
    await app.runs.close()
asyncio.run(opened())
print(*(name for name in {OF_RUNS!r} if name in sys.modules))
"""

IMPORT_SURFACES = f"""
import pkgutil, sys
from octave_mcp import surfaces
for module in pkgutil.walk_packages(surfaces.__path__, "octave_mcp.surfaces."):
    __import__(module.name)
print(*(name for name in {ADAPTERS!r} if name in sys.modules))
"""


async def test_each_layer_imports_only_layers_below_it(tmp_path: Path) -> None:
    ended = await command(
        "-c",
        "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())",
        f"--config={ROOT / 'pyproject.toml'}",
        "--no-cache",
        cwd=tmp_path,
    )

    assert ended.code == 0, ended.out
    assert "0 broken" in ended.out


def test_only_modules_shared_by_all_packages_are_at_the_top_level() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == SHARED_BY_ALL


def test_a_file_over_the_line_limit_is_justified_in_a_decision() -> None:
    reasons = "".join(path.read_text("utf-8") for path in (ROOT / "docs" / "decisions").glob("*.md"))
    files = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.jinja")]
    long = [path for path in files if len(path.read_text("utf-8").splitlines()) > MAX_LINES]

    assert [path for path in long if path.relative_to(ROOT).as_posix() not in reasons] == []


def test_functions_are_short() -> None:
    lengths = [length for path in PACKAGE.rglob("*.py") for length in function_lengths(path)]

    assert median(lengths) <= MAX_MEDIAN_LENGTH
    assert quantiles(lengths, n=100)[-1] <= MAX_P99_LENGTH


def function_lengths(path: Path) -> Iterator[int]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


async def test_listing_the_tools_loads_no_heavy_module(tmp_path: Path) -> None:
    ended = await command("-c", LIST_TOOLS, cwd=tmp_path)

    assert ended.code == 0, ended.err
    assert ended.out.split() == ["9"]


async def test_importing_every_surface_loads_no_sdk_engine_or_driver(tmp_path: Path) -> None:
    ended = await command("-c", IMPORT_SURFACES, cwd=tmp_path)

    assert ended.code == 0, ended.err
    assert ended.out.split() == []


async def test_a_server_without_runs_does_not_load_the_pipeline(tmp_path: Path) -> None:
    ended = await command("-c", OPEN_APPLICATION, cwd=tmp_path)

    assert ended.code == 0, ended.err
    assert ended.out.split() == []


async def test_the_list_of_tools_stays_within_its_token_budget() -> None:
    async with Client(make()) as client:
        listed = await client.list_tools()

    text = json.dumps([tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed])
    assert len(text) / 4 < MAX_TOKENS
