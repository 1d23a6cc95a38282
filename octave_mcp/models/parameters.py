"""Parameters that a model refuses: which model refuses which, and what a request looks like without them.

Models refuse an effort they do not have, a limit that they know by another name, a response format that they cannot
enforce. No list covers all servers, so this is learned from their errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, cast

from loguru import logger

from octave_mcp.errors import Transient
from octave_mcp.models.error_info import ErrorInfo

# The arguments of an SDK's call.
Request = dict[str, Any]
Change = Callable[[Request], Request]
Path = tuple[str, ...]

REFUSING = {400, 415, 422}
NOT_FOUND = 404
# Statuses that some servers send when they pass on another server's refusal, or cannot build a grammar for a schema.
# 0 is an error that came with status 200 and carries no other.
PASSING_ON = {0, NOT_FOUND, 500, 501}

# A smaller number in an error is not taken for a token limit.
MIN_TOKENS = 256
# Replacements for a low effort: the first of these that the error offers is used.
EFFORTS = ("minimal", "medium", "high", "xhigh", "max", "none")

# What distinguishes a refusal from other failures with the statuses in PASSING_ON.
_FOR_GOOD = re.compile(
    r"support|permitted|unrecogni[sz]ed|unknown|implemented|must be|required for|grammar|schema", re.IGNORECASE
)
# What distinguishes a refusal from a model that is not found, whatever its name.
_OF_ROUTES = re.compile(r"support|parameter", re.IGNORECASE)
_OF_CONTEXT = re.compile(r"context.{0,20}(?:length|window|size|limit)|context_length|prompt is too long", re.IGNORECASE)
_INTEGER = re.compile(r"(?<![\w.-])\d[\d,_]*(?![\w-]|\.\d)")


class Refused(Transient):
    """A model refused a parameter; the request is repeated at once without it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after_seconds=0)


class Remedy(NamedTuple):
    """A change of the request; `instead` is what replaces the parameter, '' if it is left out."""

    parameter: str
    instead: str
    change: Change

    @property
    def words(self) -> str:
        what = f"with {self.instead} in place of {self.parameter}" if self.instead else f"without {self.parameter}"
        return f"this and all later requests go {what}"


class Parameter(NamedTuple):
    """`names` are what servers call it; `words` is a pattern for other ways in which errors mention it.

    `remedy` returns what to change in a request; None if the request does not have it or cannot do without it.
    """

    names: tuple[str, ...]
    words: str
    remedy: Callable[[Request, ErrorInfo], Remedy | None]

    def place_in(self, error: ErrorInfo) -> int | None:
        """Where the error mentions it: -1 among the listed parameters, else an offset in its words; None if nowhere."""
        if any(_is_part(path, name) for path in error.parameters for name in self.names):
            return -1
        patterns = (*map(_written, self.names), *([self.words] if self.words else []))
        found = [match.start() for pattern in patterns if (match := re.search(pattern, error.words, re.IGNORECASE))]
        return min(found, default=None)


def _is_part(path: str, name: str) -> bool:
    """Whether it names the parameter, and not a field of what the model reads that is called like it."""
    root, _, inside = path.partition(".")
    is_about_text = root in {"input", "messages"} and inside
    return path.startswith(name) if is_about_text and name != "cache_control" else f".{name}." in f".{path}."


def _written(name: str) -> str:
    """A pattern that finds the name but not the same word in prose: by its punctuation, or by what surrounds it."""
    exact = re.escape(name)
    if re.search(r"[._]|[a-z][A-Z]", name):
        return rf"(?<![\w-]){exact}(?!\w)"
    return (
        rf"['\"`\[(]{exact}['\"`\])]|(?:^|[\s.'\"`]){exact}:"
        rf"|\b(?:parameters?|arguments?|fields?|property|option)s?:? {exact}\b"
        rf"|\b{exact} (?:parameter|argument|field|option|(?:is|are) (?:not|n't|un))"
    )


class Refusals:
    """What the models at one address refuse. Remembered for the lifetime of the process."""

    def __init__(self, address: str, parameters: tuple[Parameter, ...]) -> None:
        self._known = KNOWN.setdefault(address, {})
        self._parameters = parameters

    def fitted(self, model: str, request: Request) -> Request:
        """Return the request without what the model is known to refuse."""
        for remedy in self._known.get(model, ()):
            request = remedy.change(request)
        return request

    def learn(self, model: str, request: Request, error: ErrorInfo) -> Remedy | None:
        """Remember what to do about the parameter that the error names; None if it names none of the request."""
        remedy = self._remedy(request, error)
        known = self._known.setdefault(model, [])
        if remedy and all(remedy[:2] != other[:2] for other in known):  # another call may have been refused meanwhile
            known.append(remedy)
            fields = {"model": model, "parameter": remedy.parameter, "instead": remedy.instead}
            logger.bind(**fields).warning("the model refuses a parameter: {}", remedy.words)
        return remedy

    def _remedy(self, request: Request, error: ErrorInfo) -> Remedy | None:
        signs = _OF_ROUTES if error.status == NOT_FOUND else _FOR_GOOD
        is_refusal = error.status in REFUSING or (error.status in PASSING_ON and signs.search(error.words))
        if not is_refusal:
            return None
        places = ((parameter.place_in(error), parameter) for parameter in self._parameters)
        named = sorted(((at, parameter) for at, parameter in places if at is not None), key=lambda found: found[0])
        return next((found for _, parameter in named if (found := parameter.remedy(request, error))), None)


# What each model refuses, by address and model.
KNOWN: dict[str, dict[str, list[Remedy]]] = {}


# What can be done


def dropping(*path: str) -> Callable[[Request, ErrorInfo], Remedy | None]:
    """Leave out the parameter at the path."""

    def remedy(request: Request, _: ErrorInfo) -> Remedy | None:
        if at(request, *path) is None:
            return None
        return Remedy(".".join(path), "", partial(without, path=path))

    return remedy


def effort(*path: str) -> Callable[[Request, ErrorInfo], Remedy | None]:
    """Replace the effort by one that the error offers, or leave it out."""

    def remedy(request: Request, error: ErrorInfo) -> Remedy | None:
        asked = at(request, *path)
        if asked is None:
            return None
        other = next((name for name in EFFORTS if re.search(rf"['\"`]{name}['\"`]", error.words)), None)
        if other and asked not in EFFORTS:
            return Remedy(".".join(path), other, partial(put, path=path, value=other))
        return dropping(*(path if len(path) > 1 and len(at(request, path[0])) > 1 else path[:1]))(request, error)

    return remedy


def limit(*names: str, is_needed: bool = False) -> Callable[[Request, ErrorInfo], Remedy | None]:
    """Lower the token limit, give it the next of its names, or leave it out."""

    def remedy(request: Request, error: ErrorInfo) -> Remedy | None:
        name = next((name for name in names if name in request), None)
        if name is None:
            return None
        most = None if _OF_CONTEXT.search(error.words) else _highest_below(request[name], error.words)
        if most:
            return Remedy(name, f"at most {most}", partial(_lowered, name=name, most=most))
        other = next(
            (other for other in names[names.index(name) + 1 :] if re.search(rf"\b{other}\b", error.words)), None
        )
        if other and not _OF_CONTEXT.search(error.words):
            return Remedy(name, other, partial(_renamed, name=name, other=other))
        return None if is_needed else dropping(name)(request, error)

    return remedy


def _highest_below(asked: int, words: str) -> int | None:
    numbers = [int(re.sub(r"\D", "", found)) for found in _INTEGER.findall(words)]
    return max((number for number in numbers if MIN_TOKENS <= number < asked), default=None)


def _lowered(request: Request, name: str, most: int) -> Request:
    return {**request, name: min(request[name], most)} if name in request else request


def _renamed(request: Request, name: str, other: str) -> Request:
    return {(other if key == name else key): value for key, value in request.items()}


def keyword(name: str, *path: str) -> Callable[[Request, ErrorInfo], Remedy | None]:
    """Leave a keyword out of the schema at the path; the decoder still checks the answer."""

    def remedy(request: Request, _: ErrorInfo) -> Remedy | None:
        if not _has(at(request, *path), name):
            return None
        return Remedy(name, "", partial(_without_keyword, name=name, path=path))

    return remedy


def _without_keyword(request: Request, name: str, path: Path) -> Request:
    return put(request, path, _bare(at(request, *path), name))


def _has(schema: object, name: str) -> bool:
    return schema != _bare(schema, name)


def _bare(schema: object, name: str, *, is_schema: bool = True) -> Any:  # noqa: ANN401 - any part of a schema
    """Without the keyword; a field of the same name stays."""
    if isinstance(schema, list):
        return [_bare(part, name) for part in cast("list[object]", schema)]
    if not isinstance(schema, dict):
        return schema
    parts = cast("dict[str, object]", schema)
    return {
        key: _bare(part, name, is_schema=key not in {"properties", "$defs"} or not is_schema)
        for key, part in parts.items()
        if not (is_schema and key == name)
    }


def at(request: Mapping[str, Any], *path: str) -> Any:  # noqa: ANN401 - whatever the SDK takes
    for step in path:
        request = request.get(step, {})
    return None if request == {} else request


def put(request: Request, path: Path, value: object) -> Request:
    """The request with the value at the path; unchanged if the path does not exist."""
    if at(request, *path) is None:
        return request
    first, *rest = path
    return {**request, first: put(request[first], tuple(rest), value) if rest else value}


def without(request: Request, path: Path) -> Request:
    """The request without the path; unchanged if the path does not exist."""
    if at(request, *path) is None:
        return request
    first, *rest = path
    if rest:
        return {**request, first: without(request[first], tuple(rest))}
    return {name: value for name, value in request.items() if name != first}


def begun_with(part: object, request: Request, name: str) -> Request:
    """The request whose first message, under this name, begins with this part."""
    return {**request, name: [{"role": "user", "content": [part, *request[name][0]["content"]]}]}


def schema_prompt(schema: Mapping[str, Any]) -> str:
    """The schema as part of a prompt, for servers that do not enforce it."""
    return f"The JSON schema of your answer:\n{json.dumps(schema, separators=(',', ':'))}"


# How errors mention the token limit of an answer without its name.
TOO_LONG = r"max(?:imum)? (?:output |new |completion )?tokens (?:must|should|is|value)"
# How errors mention the response format.
FORMS = (
    r"json[ _-]?schema|json[ _-]?object|json[ _-]?mode|structured[ _-]?outputs?|response[ _]?schema"
    r"|response[ _]format|output[ _]format|required for format|requested parameters"
    r"|\bgrammar\b|guided[ _]|generation_config|\bschemas?\b"
)
REASONING = r"not support (?:the )?(?:reasoning|thinking|effort)|reasoning(?: effort)? is not (?:supported|available)"
SYSTEM = (
    r"system (?:role|messages?|prompts?|instructions?)|developer (?:role|message|instruction)s?|role[ :=]*['\"`]?system"
    r"|['\"`]system['\"`] role|roles must alternate|only (?:the )?user.{0,30}roles? (?:is|are) supported"
)


def keywords(*path: str) -> Iterator[Parameter]:
    """The keywords that may be left out of the schema at the path."""
    yield Parameter(("additionalProperties", "additional_properties"), "", keyword("additionalProperties", *path))
    yield Parameter(("description",), "", keyword("description", *path))
