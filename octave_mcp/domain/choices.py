"""What a caller can choose, models, sources and formats, and what help, schemas and docs say about each.

To add one, write its module and its line here. What 'auto' tries, settings, help, schemas, docs, checks, files and
content types all derive from these tables. A module is imported when it is first used.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from octave_mcp.domain.value import Value
from octave_mcp.errors import UnknownName

AUTO = "auto"
# The models that `auto` is where no provider is configured: the first over MCP, the second elsewhere.
BY_CLIENT, BY_RULES = "host", "extractive"
# Pages of a company that a model reads, unless its line or the caller says otherwise.
MAX_PAGES = 25


class Choice(Value):
    """`about` describes it in the docs."""

    name: str
    module: str
    about: str


class Provider(Choice):
    """A model or a source. `auto` is the first of those `in_auto` that is configured, in the order of the table.

    `needs` is the variable without which it is not set up; `or_needs` is one that can be set instead, and `along_with`
    one that means nothing without `needs`.
    """

    needs: str = ""
    or_needs: str = ""
    along_with: str = ""
    in_auto: bool = False

    @property
    def variables(self) -> tuple[str, ...]:
        """It is configured if one of these is set: `auto` passes over it only if none is."""
        return tuple(filter(None, (self.needs, self.or_needs, self.along_with)))


class ModelChoice(Provider):
    """`note` says in a few words what a model without a key does; `asks_client` ones are answered over MCP or HTTP.

    One that `replays` has answers only for certain pairs of companies.

    `max_pages` of each company are read, unless the caller sets another number; a recording has its own. `tested` says
    how this release was tested with the model: for real, or only against a test double (a server that imitates the
    API).
    """

    tested: str
    note: str = ""
    asks_client: bool = False
    replays: bool = False
    max_pages: int = MAX_PAGES


class SourceChoice(Provider):
    """Where pages come from. One that `runs_scripts` reads pages that are empty until a browser runs theirs."""

    runs_scripts: bool = False


class Format(Choice):
    """`suffix` is the extension of its files, without the dot."""

    suffix: str
    media_type: str
    is_binary: bool = False


MODELS = (
    ModelChoice(
        name="openai",
        module="octave_mcp.models.openai",
        about="OpenAI, by its Responses API",
        tested="only against a test double of its API; no real OpenAI model was called",
        needs="OPENAI_API_KEY",
        in_auto=True,
    ),
    ModelChoice(
        name="anthropic",
        module="octave_mcp.models.anthropic",
        about="Anthropic, by its Messages API",
        tested="only against a test double of its API; no real Anthropic model was called",
        needs="ANTHROPIC_API_KEY",
        in_auto=True,
    ),
    ModelChoice(
        name="compat",
        module="octave_mcp.models.compat",
        about="Any server that speaks chat.completions: Ollama, vLLM, LM Studio, llama.cpp, OpenRouter",
        tested="with llama.cpp's server and a random-weight model; other servers only with a test double",
        needs="OCTAVE_COMPAT_MODEL",
        along_with="OCTAVE_COMPAT_BASE_URL",
        in_auto=True,
    ),
    ModelChoice(
        name=BY_CLIENT,
        module="octave_mcp.models.host",
        about="The model of the connected MCP client: it answers the run's questions",
        tested="with a real language model, on real sites",
        note="you answer its questions",
        asks_client=True,
        max_pages=10,
    ),
    ModelChoice(
        name=BY_RULES,
        module="octave_mcp.models.extractive",
        about="Rules that collect quotations and put them into outlines",
        tested="on real sites; it needs no model",
        note="quotations and outlines",
    ),
    ModelChoice(
        name="recorded",
        module="octave_mcp.models.recorded",
        about="What a named model answered in an earlier run about the same pair, checked on the pages as they are now",
        tested="with what a real language model answered",
        note="only for recorded pairs",
        replays=True,
    ),
)

SOURCES = (
    SourceChoice(
        name="crawler-firecrawl",
        module="octave_mcp.sources.crawler_firecrawl",
        about="Our own crawler, and Firecrawl for the pages that the crawler cannot read",
        needs="FIRECRAWL_API_KEY",
        or_needs="FIRECRAWL_API_URL",
        in_auto=True,
    ),
    SourceChoice(
        name="firecrawl",
        module="octave_mcp.sources.firecrawl",
        about="Firecrawl, in the cloud or on a server of your own; it runs the scripts of pages",
        needs="FIRECRAWL_API_KEY",
        or_needs="FIRECRAWL_API_URL",
        runs_scripts=True,
    ),
    SourceChoice(
        name="crawler",
        module="octave_mcp.sources.crawler",
        about="Our own crawler",
        in_auto=True,
    ),
)

FORMATS = (
    Format(
        name="json",
        module="octave_mcp.exports.json",
        about="The whole playbook, for programs",
        suffix="json",
        media_type="application/json",
    ),
    Format(
        name="markdown",
        module="octave_mcp.exports.markdown",
        about="A document to read or to edit",
        suffix="md",
        media_type="text/markdown",
    ),
    Format(
        name="html",
        module="octave_mcp.exports.html",
        about="A page for a browser, in one file",
        suffix="html",
        media_type="text/html",
    ),
)

C = TypeVar("C", bound=Choice)


def choice(table: tuple[C, ...], name: str, kind: str) -> C:
    """The line of the table with this name; `kind` is the word for it in the error.

    Raises:
        UnknownName: the table has no such name.
    """
    found = next((one for one in table if one.name == name), None)
    if found is None:
        raise UnknownName(f"there is no {kind} {name!r}; choose one of {', '.join(names(table))}")
    return found


def names(table: Iterable[Choice]) -> tuple[str, ...]:
    return tuple(one.name for one in table)


def either(words: Iterable[str]) -> str:
    """'a, b or c'."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


# Those that write for any two companies.
KEYLESS_MODELS = tuple(model for model in MODELS if not (model.needs or model.replays))


def _who_writes(models: Iterable[ModelChoice], default: str) -> str:
    keyed = names(model for model in MODELS if model.needs)
    keyless = either(f"{model.name} ({model.note})" for model in models)
    return f"Who writes: {', '.join((AUTO, *keyed))} (need a key or your own server), {keyless}; {default}"


AUTO_HELP = f"{AUTO} with none configured: {BY_CLIENT} over MCP, else {BY_RULES}"
MODEL_HELP = _who_writes(KEYLESS_MODELS, AUTO_HELP)
# On the command line no client is connected.
TERMINAL_MODEL_HELP = _who_writes(
    (model for model in KEYLESS_MODELS if not model.asks_client), f"{AUTO} with none configured: {BY_RULES}"
)
SOURCE_HELP = f"Who fetches pages: {', '.join((AUTO, *names(SOURCES)))}"
NONE_CONFIGURED = "no model is configured"
SET_UP_A_MODEL = f"set {either(' with '.join(model.variables) for model in MODELS if model.in_auto)}"
WITHOUT_KEY = (
    "without a key, set "
    f"{either(f'OCTAVE_MODEL={model.name} ({model.note})' for model in KEYLESS_MODELS)}, or give it in the call as "
    "'model' (on the command line, --model)"
)
# How to have the scripts of pages run.
SET_UP_SCRIPTS = either(
    f"set {source.needs}, or give source={source.name!r}" for source in SOURCES if source.runs_scripts
)


def _pages_of(models: Iterable[ModelChoice]) -> str:
    others = "".join(f", or {one.max_pages} for {one.name!r}" for one in models if one.max_pages != MAX_PAGES)
    return f"Pages to read of each company; else {MAX_PAGES}{others}"


PAGES_HELP = _pages_of(MODELS)
TERMINAL_PAGES_HELP = _pages_of(model for model in MODELS if not model.asks_client)


def finished_copy(*, has_client: bool = True) -> str:
    """Which models write copy, and what each needs. One that asks a connected client is no choice without one."""
    asked = [f"{model.name!r} ({model.note})" for model in MODELS if model.asks_client and has_client]
    keyed = either(model.needs for model in MODELS if model.needs)
    return either((*asked, f"{'another model' if asked else 'a model'}, with {keyed} set"))


CLIENT_ANSWERS = f"{NONE_CONFIGURED}, and nothing is missing: your own model answers the questions (call next_question)"


def taken_by_default(model: str) -> str:
    """For the caller of a run that this model does because no provider is configured; also says what would give more.

    The tools are named as over MCP.
    """
    if model == BY_CLIENT:
        return (
            f"{CLIENT_ANSWERS}; for {_note(BY_RULES)} without questions, call generate_playbook with model={BY_RULES!r}"
        )
    return f"{NONE_CONFIGURED}, so rules collect {_note(BY_RULES)}; {_more()}"


def written_by_default(model: str) -> str:
    """The same for a reader of the playbook."""
    if model == BY_CLIENT:
        return f"{NONE_CONFIGURED}, and nothing is missing: the model of the connected client wrote it"
    return f"{NONE_CONFIGURED}, so rules collected {_note(BY_RULES)}; {_more()}"


def _note(model: str) -> str:
    return choice(MODELS, model, "model").note


def _more() -> str:
    return (
        f"for finished copy, {SET_UP_A_MODEL}, or ask for the playbook over MCP, where your client's own model writes"
    )
