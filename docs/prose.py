# ruff: noqa: INP001 - a script beside the documents that it reads
"""Print random sentences from the project's prose, so that a reader can mark the ones that are hard to read.

    python docs/prose.py [COUNT] [SEED]

The prose is README, CHANGELOG, docs/, the docstrings and comments of all Python files, and the texts that the package
shows to its users: errors, help and labels. Prompts are left out. By default, SEED is the current commit, so that the
same commit always gives the same sentences. Each sentence is printed with what its readers see beside it: the heading
or the line of code that it belongs to, and the sentence before it.
"""

from __future__ import annotations

import ast
import io
import random
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
MIN_WORDS = 4

# Skip the string literals in these packages. Most of them are word lists, patterns, prompts and generated copy, not
# texts for users.
NO_TEXTS = ("octave_mcp/evidence", "octave_mcp/models/extractive", "octave_mcp/asks", "octave_mcp/copywriting")

LEFT_OUT = ("prompts",)

NOT_PROSE = re.compile(
    r"```.*?```|<!-- generated: answer.*?<!-- end -->|<!--.*?-->|^ {4}.*?$", re.DOTALL | re.MULTILINE
)
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`'\"(\[*])|\n\s*\n|\n(?=\s*(?:[-*|#>]|\d+\.))| \| ")
HEADING = re.compile(r"^(?=#+ )", re.MULTILINE)
WORD = re.compile(r"\b[A-Z]?[a-z]+\b")
PATTERN_SIGNS = re.compile(r"\\[bdsw]|\(\?|\|\S|\]\*|^[\w-]+$")
DIRECTIVE = re.compile(r"#\s*(?:noqa|pyright|type:|ruff|pragma|!)")


class Sentence(NamedTuple):
    file: str
    line: int
    kind: str
    place: str
    before: str
    text: str


def prose() -> Iterator[Sentence]:
    """Yield every sentence of at least `MIN_WORDS` words."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607
    for name in tracked.splitlines():
        if name.startswith(LEFT_OUT):
            continue
        if name.endswith(".md"):
            yield from _in_document(name)
        elif name.endswith(".py"):
            yield from _in_code(name)


def _in_document(name: str) -> Iterator[Sentence]:
    text = (ROOT / name).read_text("utf-8")
    blank = NOT_PROSE.sub(lambda match: "\n" * match[0].count("\n"), text)
    line = 1
    for section in HEADING.split(blank):
        yield from _sentences(name, line, "document", section.partition("\n")[0].strip("# "), section)
        line += section.count("\n")


def _in_code(name: str) -> Iterator[Sentence]:
    source = (ROOT / name).read_text("utf-8")
    lines = source.splitlines()
    tree = ast.parse(source)
    docstrings = {id(docstring): line for line, docstring in _docstrings(tree)}
    inner = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for value in node.values
        for part in ast.walk(value)
    }
    has_texts = name.startswith("octave_mcp") and not name.startswith(NO_TEXTS)
    for node in ast.walk(tree):
        if id(node) in docstrings and isinstance(node, ast.Constant):
            line = docstrings[id(node)]
            place = lines[line - 1].strip() if line else ""
            yield from _sentences(name, node.lineno, "docstring", place, str(node.value))
        elif has_texts and isinstance(node, (ast.JoinedStr, ast.Constant)) and id(node) not in inner:
            yield from _texts(name, node, lines)
    yield from _comments(name, source, lines)


def _docstrings(tree: ast.AST) -> Iterator[tuple[int, ast.Constant]]:
    """Yield each docstring with the line of its class or function, or with 0 if it belongs to the module."""
    for owner in ast.walk(tree):
        if isinstance(owner, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            match owner.body:
                case [ast.Expr(value=ast.Constant(value=str()) as docstring), *_]:
                    yield 0 if isinstance(owner, ast.Module) else owner.lineno, docstring
                case _:
                    pass


def _texts(name: str, node: ast.Constant | ast.JoinedStr, lines: list[str]) -> Iterator[Sentence]:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    text = "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in parts)
    if isinstance(getattr(node, "value", ""), str) and not PATTERN_SIGNS.search(text):
        yield from _sentences(name, node.lineno, "text", lines[node.lineno - 1].strip(), text)


def _comments(name: str, source: str, lines: list[str]) -> Iterator[Sentence]:
    """Yield the sentences of comments.

    Join comments on consecutive lines, because a sentence can continue on the next line.
    """
    block: list[str] = []
    start = last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or DIRECTIVE.match(token.string):
            continue
        has_own_line = token.line.lstrip().startswith("#")
        if not has_own_line or token.start[0] != last + 1:
            yield from _sentences(name, start, "comment", _code(lines, start), " ".join(block))
            block, start = [], token.start[0]
        block.append(token.string.lstrip("# "))
        last = token.start[0] if has_own_line else 0
    yield from _sentences(name, start, "comment", _code(lines, start), " ".join(block))


def _code(lines: list[str], line: int) -> str:
    """Return the code that a comment belongs to: the code before it on its line, or else the next line of code."""
    codes = (text.strip() for text in lines[max(line - 1, 0) :])
    return next((code.partition("  # ")[0] for code in codes if code and not code.startswith("#")), "")


def _sentences(name: str, line: int, kind: str, place: str, text: str) -> Iterator[Sentence]:
    at = 0
    before = ""
    for piece in SENTENCE_END.split(text):
        found = text.find(piece, at)
        at = found + len(piece)
        shown = " ".join(piece.split())
        if len(WORD.findall(shown)) >= MIN_WORDS and not shown.startswith(("python ", "curl ")):
            yield Sentence(name, line + text.count("\n", 0, found), kind, place, before, shown)
        before = shown or before


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607
    seed = sys.argv[2] if len(sys.argv) > 2 else head.strip()  # noqa: PLR2004
    drawn = random.Random(seed).sample([*prose()], count)  # noqa: S311 - not for secrets
    for number, found in enumerate(drawn, 1):
        sys.stdout.write(f"{number}. {found.text}\n")
        sys.stdout.write(f"    [{found.kind} in {found.file}:{found.line}{found.place and ', at: '}{found.place}]\n")
        if found.before:
            sys.stdout.write(f"    [after: {found.before}]\n")


if __name__ == "__main__":
    main()
