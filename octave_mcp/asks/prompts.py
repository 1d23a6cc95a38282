"""The prompt files: one for each question we ask a model, as prose with a TOML header between `+++` lines.

A body is a Jinja template of the names in PLACEHOLDERS and `raw` blocks, and of nothing else.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from octave_mcp.domain.asks import A, Ask, B, Tier
from octave_mcp.domain.company import ROLES
from octave_mcp.domain.evidence import Passage
from octave_mcp.domain.page import PageKind
from octave_mcp.domain.value import Value
from octave_mcp.errors import SetupError

PLACEHOLDERS = {
    "company.name": "what the company whose pages are read calls itself; its domain before that is known",
    "company.domain": "the domain of that company",
    "company.role": f"what it is in the deal: {' or '.join(ROLES)}",
    "vendor.name": "the name of the vendor",
    "prospect.name": "the name of the prospect",
    "persona.title": "the job of the buyer persona that is written for",
    "language": "the code of the language to answer in, as 'en'",
    "context": "what the user says of the deal; may be empty",
    "instruction": "what the user wants a part of a playbook to become",
    "limits.findings": "the file's own limit on findings",
}

_PACKAGE = Path(__file__).parents[1]
_INSTALLED = _PACKAGE / "prompt_files"
ROOT = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "prompts"
# The folder of the templates that rules fill; they are not prompts, and no model reads them.
OUTLINES = "outlines"

_FILE = re.compile(r"\+\+\+\n(?P<header>.*?)^\+\+\+\n(?P<body>.*)", re.DOTALL | re.MULTILINE)
_RAW = re.compile(r"\{% raw %\}.*?\{% endraw %\}", re.DOTALL)
_TAG = re.compile(r"\{\{\s*(?P<name>[^{}]*?)\s*\}\}|\{[{%#]|[%#}]\}")


def placeholders(body: str) -> Iterator[str]:
    """The names in double braces, raw blocks aside; a tag that is no placeholder is given as it stands."""
    return (tag["name"] or tag[0] for tag in _TAG.finditer(_RAW.sub("", body)))


def _template(body: str) -> str:
    if unknown := sorted(set(placeholders(body)) - PLACEHOLDERS.keys()):
        raise ValueError(f"unknown placeholders: {', '.join(unknown)}; there are {', '.join(PLACEHOLDERS)}")
    return body


class Limits(Value):
    """The most findings of one kind in an answer, None where the body says it all; and the longest answer."""

    findings: Annotated[int, Field(ge=1)] | None = None
    output_tokens: Annotated[int, Field(ge=1)]


class Prompt(Value):
    """`name` is the file's path without its suffix ('vendor/offerings').

    `reads` are the kinds of pages it learns most from, the best first; empty where it reads no pages.
    """

    name: str
    version: Annotated[int, Field(ge=1)]
    title: Annotated[str, Field(min_length=1)]
    tier: Tier
    reads: tuple[PageKind, ...] = ()
    limits: Limits
    body: Annotated[str, Field(min_length=1), AfterValidator(_template)]


@cache
def names(root: Path = ROOT) -> tuple[str, ...]:
    """The name of every prompt file, sorted."""
    found = (path.relative_to(root).with_suffix("") for path in root.rglob("*.md"))
    return tuple(sorted(path.as_posix() for path in found if path.parts[0] != OUTLINES))


@cache
def load(name: str, root: Path = ROOT) -> Prompt:
    """The prompt of this name, from the files that came with the package unless `root` says where.

    Raises:
        SetupError: its file is missing or malformed.
    """
    path = root / f"{name}.md"
    try:
        return _parse(name, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SetupError(f"cannot read prompt file {path}: {error.strerror}; reinstall octave-playbook") from error
    except ValidationError as error:
        raise SetupError(f"correct prompt file {path}: {_complaints(error)}") from error
    except ValueError as error:
        raise SetupError(f"correct prompt file {path}: {error}") from error


def ask_for(
    names: Sequence[str], *, language: str, brief: B, passages: tuple[Passage, ...], answer: type[A]
) -> Ask[A, B]:
    """What these prompts ask together, by the tier of the first."""
    first, *others = map(load, names)
    return Ask[A, B](
        prompt=first.name, version=first.version, beside=tuple(f"{p.name}@{p.version}" for p in others),
        tier=first.tier, language=language, brief=brief, passages=passages, answer=answer,
    )  # fmt: skip


def prompts_of(ask: Ask[Any, Any]) -> tuple[Prompt, ...]:
    return tuple(load(name.partition("@")[0]) for name in (ask.prompt, *ask.beside))


def _parse(name: str, text: str) -> Prompt:
    parts = _FILE.fullmatch(text)
    if not parts:
        raise ValueError("it does not begin with a header between two lines of +++")
    return Prompt.model_validate({**tomllib.loads(parts["header"]), "name": name, "body": parts["body"].strip()})


def _complaints(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}" for wrong in error.errors())
