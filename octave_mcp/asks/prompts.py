"""Loads the prompt files. Each file has a TOML header between `+++` lines, and a body with the question to the model.

The body is a Jinja template that is allowed to use only `raw` blocks and the placeholders in PLACEHOLDERS.
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
from octave_mcp.domain.playbook import SummaryDraft
from octave_mcp.domain.prospect import ProspectFindings
from octave_mcp.domain.value import Value
from octave_mcp.errors import SetupError

PLACEHOLDERS = {
    "company.name": "name of the company whose pages are read, or its domain until the name is known",
    "company.domain": "domain of that company",
    "company.role": f"role of that company in the deal: {' or '.join(ROLES)}",
    "vendor.name": "name of the vendor",
    "prospect.name": "name of the prospect",
    "persona.title": "job title of the buyer persona that the copy is for",
    "language": "code of the language of the answer, e.g. 'en'",
    "context": "the user's context of the deal; may be empty",
    "instruction": "the user's instruction for revising a part of a playbook",
    "limits.findings": "limit on findings from the file's own header",
}

# Several asks can share one of these long prompts: each asks for some fields of this answer.
SHARED_PROMPTS: dict[str, type[Value]] = {
    "playbook/summary": SummaryDraft,
    "prospect/company_profile": ProspectFindings,
}

_PACKAGE = Path(__file__).parents[1]
# The prompts are inside the installed package or, in a checkout, in the top-level folder.
_INSTALLED = _PACKAGE / "prompt_files"
ROOT = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "prompts"
OUTLINES = "outlines"

_FILE = re.compile(r"\+\+\+\n(?P<header>.*?)^\+\+\+\n(?P<body>.*)", re.DOTALL | re.MULTILINE)
_RAW = re.compile(r"\{% raw %\}.*?\{% endraw %\}", re.DOTALL)
# Matches placeholders, and also the Jinja delimiters that prompts must not contain: '{%' would run code, and '{#' would
# hide text.
_TAG = re.compile(r"\{\{\s*(?P<name>[^{}]*?)\s*\}\}|\{[{%#]|[%#}]\}")


def placeholders(body: str) -> Iterator[str]:
    """Yield the names of the placeholders outside `raw` blocks.

    Other Jinja delimiters, such as '{%', are yielded unchanged.
    """
    return (tag["name"] or tag[0] for tag in _TAG.finditer(_RAW.sub("", body)))


def _template(body: str) -> str:
    if unknown := sorted(set(placeholders(body)) - PLACEHOLDERS.keys()):
        raise ValueError(f"unknown placeholders: {', '.join(unknown)}; the valid ones are {', '.join(PLACEHOLDERS)}")
    return body


class AnswerLimits(Value):
    """Limits on an answer.

    `findings` is the maximum number of findings of each kind, or None if the prompt's text states the limits.
    """

    findings: Annotated[int, Field(ge=1)] | None = None
    output_tokens: Annotated[int, Field(ge=1)]


class Prompt(Value):
    """A prompt file. `name` is the file's path without the suffix, such as 'vendor/offerings'.

    `reads`: the kinds of pages that the question is about, the most useful kind first. `reads` is empty if the question
    is not about pages.
    """

    name: str
    version: Annotated[int, Field(ge=1)]
    title: Annotated[str, Field(min_length=1)]
    tier: Tier
    reads: tuple[PageKind, ...] = ()
    limits: AnswerLimits
    body: Annotated[str, Field(min_length=1), AfterValidator(_template)]


@cache
def names(root: Path = ROOT) -> tuple[str, ...]:
    """Return the sorted names of all prompt files."""
    paths = (path.relative_to(root).with_suffix("") for path in root.rglob("*.md"))
    return tuple(sorted(path.as_posix() for path in paths if path.parts[0] != OUTLINES))


@cache
def load(name: str, root: Path = ROOT) -> Prompt:
    """Load a prompt, by default from the prompt files that are installed with the package.

    Raises:
        SetupError: If the file is missing or malformed.
    """
    path = root / f"{name}.md"
    try:
        return _parse(name, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SetupError(f"cannot read prompt file {path}: {error.strerror}; reinstall octave-playbook") from error
    except ValidationError as error:
        raise SetupError(f"invalid prompt file {path}: {_complaints(error)}") from error
    except ValueError as error:
        raise SetupError(f"invalid prompt file {path}: {error}") from error


def ask_for(
    names: Sequence[str], *, language: str, brief: B, passages: tuple[Passage, ...], answer: type[A]
) -> Ask[A, B]:
    """Combine prompts into one ask, which gets the tier of the first prompt.

    If several asks share the first prompt, the ask is only about those of the prompt's fields that `answer` has.
    """
    first, *others = map(load, names)
    fields = shared_fields(first.name)
    asked = tuple(name for name in fields if name in answer.model_fields)
    return Ask[A, B](
        prompt=first.name, version=first.version, beside=tuple(f"{p.name}@{p.version}" for p in others),
        tier=first.tier, language=language, brief=brief, passages=passages, answer=answer,
        asked=() if asked == fields else asked,
    )  # fmt: skip


def shared_fields(prompt: str) -> tuple[str, ...]:
    """Return the fields that several asks can share, or () if the prompt is always asked as a whole."""
    return tuple(SHARED_PROMPTS[prompt].model_fields) if prompt in SHARED_PROMPTS else ()


def prompts_of(ask: Ask[Any, Any]) -> tuple[Prompt, ...]:
    return tuple(load(name.partition("@")[0]) for name in (ask.prompt, *ask.beside))


def _parse(name: str, text: str) -> Prompt:
    parts = _FILE.fullmatch(text)
    if not parts:
        raise ValueError("it must start with a TOML header between two lines of +++")
    return Prompt.model_validate({**tomllib.loads(parts["header"]), "name": name, "body": parts["body"].strip()})


def _complaints(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}" for wrong in error.errors())
