"""Regular expressions must match in linear time, because a page can be crafted to cause excessive backtracking."""

from __future__ import annotations

import ast
import importlib
import math
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache, partial
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, cast

import pytest
from backtracking import growth
from matrix import sampled

import octave_mcp

METHODS = frozenset({"search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn", "compile"})
# The patterns in these modules are allowed to be slow, because they are applied only to the package's own files and to
# settings.
TRUSTED = frozenset({"octave_mcp.asks.prompts", "octave_mcp.domain.database_url", "octave_mcp.domain.masking"})
# This pattern is slow only if many strings have no end. This is harmless, because the caller stops at the first one.
STOPS = frozenset({"octave_mcp.surfaces.mcp.lines:TOKEN"})
# The test cannot find all uses of these patterns, for example because the package uses them through a loop variable.
# Maps each pattern to the only method that the package calls.
TABLES = {
    "octave_mcp.evidence.dates:_AT_START": "match",
    "octave_mcp.evidence.support.quantities:_BOUNDS_AFTER": "match",
    "octave_mcp.sources.boards.personio:HOST": "fullmatch",
    "octave_mcp.sources.boards.recruitee:HOST": "fullmatch",
    "octave_mcp.sources.boards.workable:HOST": "fullmatch",
    "octave_mcp.sources.html.styles:CLASSES": "fullmatch",
    "octave_mcp.sources.html.paint:HIDING_PATTERNS": "match",
    "octave_mcp.sources.html.paint:ZERO_FONT_SHORTHAND": "match",
    "octave_mcp.sources.html.pictures:AFTER_SEAM": "fullmatch",
    "octave_mcp.sources.html.pictures:BEFORE_SEAM": "fullmatch",
}
EXTRACTIVE = "octave_mcp.models.extractive."
# The extractive model skips lines above a maximum length, so its patterns are allowed to take quadratic time.
MAX_EXTRACTIVE_POWER = 2


class Used(NamedTuple):
    where: str
    pattern: re.Pattern[Any]
    method: str


def modules(package: str) -> Iterator[ModuleType]:
    path = getattr(importlib.import_module(package), "__path__", [])
    names = [module.name for module in pkgutil.walk_packages(path, f"{package}.")]
    yield from (importlib.import_module(name) for name in (package, *names) if not name.endswith("__main__"))


@cache
def parsed(module: ModuleType) -> ast.Module:
    return ast.parse(Path(module.__file__ or "").read_text("utf-8"))


def patterns_in(found: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(found, re.Pattern):
        yield cast("re.Pattern[Any]", found)
        return
    for part in parts_of(found):
        yield from patterns_in(part)


def parts_of(found: object) -> Iterable[object]:
    if isinstance(found, dict):
        return cast("dict[object, object]", found).values()
    if isinstance(found, tuple | list | set | frozenset):
        return cast("Iterable[object]", found)
    if isinstance(found, partial):
        return cast("partial[object]", found).args
    if is_dataclass(found) and not isinstance(found, type):
        return [getattr(found, field.name) for field in fields(found)]
    owner: object = getattr(found, "__self__", None)
    return (cast("object", owner),) if isinstance(owner, re.Pattern) else ()


def compiled(package: str) -> Iterator[Used]:
    """Yield the patterns in module-level constants and in classes.

    If the package calls several methods of a pattern, yield the pattern once for each method.
    """
    for module in modules(package):
        classes = [
            owner for owner in vars(module).values() if isinstance(owner, type) and owner.__module__ == module.__name__
        ]
        names = {name: found for owner in (*classes, module) for name, found in vars(owner).items()}
        for name in names.keys() - imports(parsed(module)).keys():
            for pattern in patterns_in(names[name]):
                where = f"{module.__name__}:{name}"
                methods = {TABLES[where]} if where in TABLES else uses()[module.__name__, name] or {"search"}
                yield from (Used(where, pattern, method) for method in methods)


def inline(package: str) -> Iterator[Used]:
    """Yield the patterns that are written as literals in calls of `re` functions."""
    for module in modules(package):
        for name, method, call in calls(module):
            if name == "re" and (pattern := written(call.args[0], module)):
                flags = {
                    node.attr for node in ast.walk(call) if isinstance(node, ast.Attribute) and node.attr.isupper()
                }
                found = re.compile(pattern, sum(getattr(re, flag) for flag in flags))
                yield Used(f"{module.__name__}:{call.lineno}", found, method)


def written(node: ast.expr | None, module: ModuleType) -> str:
    """Return the text of a pattern as written in the source code, with 'Acme' in place of computed parts."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Name(id=name):
            return found if isinstance(found := vars(module).get(name), str) else ""
        case ast.Attribute(value=ast.Name(id=name), attr="pattern"):
            return str(getattr(vars(module).get(name), "pattern", ""))
        case ast.JoinedStr(values=values):
            return "".join(written(value, module) or "Acme" for value in values)
        case ast.FormattedValue(value=value):
            return written(value, module)
        case _:
            return ""


def calls(module: ModuleType) -> Iterator[tuple[str, str, ast.Call]]:
    """Yield the two names in each method call, such as 'PATTERN' and 'match' in `PATTERN.match(...)`, and the call."""
    functions = [node for node in ast.walk(parsed(module)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for node in chain.from_iterable(map(ast.walk, functions)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)) if method in METHODS:
                yield name, method, node
            case _:
                pass


def imports(tree: ast.Module) -> dict[str, tuple[str, str]]:
    """For each `from` import, map the imported name to the module and the original name."""
    return {
        alias.asname or alias.name: (str(node.module), alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@cache
def uses() -> dict[tuple[str, str], set[str]]:
    """Map the module and name of each pattern to the methods that are called on the pattern.

    Leave out patterns that the package also uses without a method call, for example as an entry of a table.
    """
    found = defaultdict[tuple[str, str], set[str]](set)
    others = set[tuple[str, str]]()
    for module in modules("octave_mcp"):
        tree = parsed(module)
        imported = imports(tree)
        owners = {id(node.value): node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                place = imported.get(node.id, (module.__name__, node.id))
                method = owners.get(id(node))
                found[place].add(method) if method in METHODS else others.add(place)
    return defaultdict(set, {place: methods for place, methods in found.items() if place not in others})


def slow(package: str) -> dict[str, str]:
    """Return the patterns that take too long.

    The value for each pattern says how its time grows ('2' means quadratic), and which repeated text makes it slow.
    """
    found: dict[str, str] = {}
    for where, pattern, method in {*compiled(package), *inline(package)}:
        if where.partition(":")[0] not in TRUSTED and where not in STOPS:
            grown = growth(pattern, method)
            if grown.power > (MAX_EXTRACTIVE_POWER if where.startswith(EXTRACTIVE) else 1):
                found[f"{where} {method} {pattern.pattern!r}"] = f"{grown.power}: {grown.copied!r}"
    return found


@pytest.mark.parametrize(
    "package",
    sampled(
        [module.name for module in pkgutil.iter_modules(octave_mcp.__path__, "octave_mcp.")],
        "octave_mcp.sources".__eq__,
    ),
)
def test_the_time_of_patterns_does_not_grow_too_fast_with_the_text(package: str) -> None:
    assert slow(package) == {}


def test_the_patterns_of_the_package_are_found() -> None:
    assert sum(1 for _ in compiled("octave_mcp")) > 900
    assert sum(1 for _ in inline("octave_mcp")) > 200


@pytest.mark.parametrize(
    ("pattern", "method", "power"),
    [
        (r"(a+)+$", "match", math.inf),
        (r"(?:a|aa)+$", "match", math.inf),
        (r"(?:\w+\s?)+:", "match", math.inf),
        (r"(a+)+", "fullmatch", math.inf),
        (r"(a+)+", "match", 1),
        (r"(?>a+|b)*c", "match", 1),
        (r"a*a*a*a*b", "match", 4),
        (r"\w+:", "search", 2),
        (r"\w+:", "match", 1),
        (r"\b\w+:", "search", 1),
        (r"(?<!\w)\w++:", "search", 1),
        (r"\w+", "findall", 1),
        (r"<[^>]*>", "search", 2),
        (r"<[^<>]*>", "search", 1),
        (r"a(?:.*b)?", "findall", 2),
        (r"(?=.*b)a", "search", 2),
        (r"\s+$", "search", 2),
        (r"(?:\w{1,9} ){0,3}:", "search", 1),
    ],
)
def test_the_growth_of_a_backtracking_pattern_is_measured(pattern: str, method: str, power: float) -> None:
    assert growth(re.compile(pattern), method).power == power
