"""Tables of the models, sources and export formats that a caller can choose from.

To add a model, source or format, write its module and add an entry to its table. Settings, help, schemas, docs, checks,
file names and content types are derived from these tables. Modules are imported on first use.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from octave_mcp.domain.value import Value
from octave_mcp.errors import UnknownName

AUTO = "auto"
# If no model is configured, 'auto' selects BY_CLIENT over MCP, and BY_RULES everywhere else.
BY_CLIENT, BY_RULES = "host", "extractive"
# Default number of pages to read per company. A model can have another default in `MODELS`, and a caller can request
# another number.
MAX_PAGES = 25


class Choice(Value):
    """An option that a caller can choose by name. `about` is the option's description in the docs."""

    name: str
    module: str
    about: str


class Provider(Choice):
    """A model or a source. `title` is what people call it, if that is not its name.

    The choice 'auto' selects the first configured provider for which `in_auto` is true. `needs` is the environment
    variable that configures the provider. `or_needs` is a variable that can be set instead of `needs`. `along_with`
    is a variable that works only together with `needs`.
    """

    title: str = ""
    needs: str = ""
    or_needs: str = ""
    along_with: str = ""
    in_auto: bool = False

    @property
    def variables(self) -> tuple[str, ...]:
        """Environment variables for the provider. If any of these variables is set, the provider is configured."""
        return tuple(filter(None, (self.needs, self.or_needs, self.along_with)))


class ModelChoice(Provider):
    """A model that can answer asks.

    - `tested`: how this release was tested with the model: with the real model, or only against a test double (a server
      that imitates the model's API).
    - `note`: a short description of what the model does; only for models that need no key.
    - `asks_client`: whether the connected client answers the questions, over MCP or HTTP.
    - `replays`: whether the model replays recorded answers, which exist only for some pairs of companies.
    - `max_pages`: how many pages to read per company by default. A replay reads as many pages as the recorded run.
    """

    tested: str
    note: str = ""
    asks_client: bool = False
    replays: bool = False
    max_pages: int = MAX_PAGES


class SourceChoice(Provider):
    """A source of pages.

    `runs_scripts`: whether the source can read pages that need JavaScript to show their content.
    """

    runs_scripts: bool = False


class Format(Choice):
    """An export format. `suffix` is the file extension without the dot."""

    suffix: str
    media_type: str
    is_binary: bool = False


MODELS = (
    ModelChoice(
        name="openai",
        title="OpenAI",
        module="octave_mcp.models.openai",
        about="OpenAI, through its Responses API",
        tested="only against a test double of its API; no real OpenAI model was called",
        needs="OPENAI_API_KEY",
        in_auto=True,
    ),
    ModelChoice(
        name="anthropic",
        title="Anthropic",
        module="octave_mcp.models.anthropic",
        about="Anthropic, through its Messages API",
        tested="only against a test double of its API; no real Anthropic model was called",
        needs="ANTHROPIC_API_KEY",
        in_auto=True,
    ),
    ModelChoice(
        name="compat",
        title="Other server",
        module="octave_mcp.models.compat",
        about="Any server with a chat.completions API: Ollama, vLLM, LM Studio, llama.cpp, OpenRouter",
        tested="with llama.cpp's server and a random-weight model; other servers only with a test double",
        needs="OCTAVE_COMPAT_MODEL",
        along_with="OCTAVE_COMPAT_BASE_URL",
        in_auto=True,
    ),
    ModelChoice(
        name=BY_CLIENT,
        title="Your own chat",
        module="octave_mcp.models.host",
        about="The model of the connected MCP client: it answers the run's questions",
        tested="with a real language model, on stored copies of real sites",
        note="you answer its questions",
        asks_client=True,
        max_pages=10,
    ),
    ModelChoice(
        name=BY_RULES,
        title="Rules, no model",
        module="octave_mcp.models.extractive",
        about="Rules that collect quotations and arrange them in outlines",
        tested="on stored copies of real sites; it calls no language model",
        note="quotations and outlines",
    ),
    ModelChoice(
        name="recorded",
        title="Recorded answers",
        module="octave_mcp.models.recorded",
        about="Recorded answers of a model about the same two companies, checked against today's pages",
        tested="with recorded answers of a real language model",
        note="only for companies with recorded answers",
        replays=True,
    ),
)

SOURCES = (
    SourceChoice(
        name="crawler-firecrawl",
        title="Crawler and Firecrawl",
        module="octave_mcp.sources.crawler_firecrawl",
        about="The built-in crawler, and Firecrawl for the pages that the crawler cannot read",
        needs="FIRECRAWL_API_KEY",
        or_needs="FIRECRAWL_API_URL",
        in_auto=True,
    ),
    SourceChoice(
        name="firecrawl",
        title="Firecrawl",
        module="octave_mcp.sources.firecrawl",
        about="Firecrawl, in the cloud or on your own server; it runs the JavaScript of pages",
        needs="FIRECRAWL_API_KEY",
        or_needs="FIRECRAWL_API_URL",
        runs_scripts=True,
    ),
    SourceChoice(
        name="crawler",
        title="Crawler",
        module="octave_mcp.sources.crawler",
        about="The built-in crawler",
        in_auto=True,
    ),
)

FORMATS = (
    Format(
        name="json",
        module="octave_mcp.exports.json",
        about="The complete playbook, for programs",
        suffix="json",
        media_type="application/json",
    ),
    Format(
        name="markdown",
        module="octave_mcp.exports.markdown",
        about="A document to read or edit",
        suffix="md",
        media_type="text/markdown",
    ),
    Format(
        name="html",
        module="octave_mcp.exports.html",
        about="A web page in a single file",
        suffix="html",
        media_type="text/html",
    ),
)

C = TypeVar("C", bound=Choice)


def choice(table: tuple[C, ...], name: str, kind: str) -> C:
    """Return the entry of `table` with the given name.

    `kind` is the argument that chooses from the table, such as 'model' or 'source'.

    Raises:
        UnknownName: If the table has no entry with this name.
    """
    found = next((entry for entry in table if entry.name == name), None)
    if found is None:
        raise UnknownName(f"there is no {kind} {name!r}; choose one of {', '.join(names(table))}", kind)
    return found


def names(table: Iterable[Choice]) -> tuple[str, ...]:
    return tuple(entry.name for entry in table)


def either(words: Iterable[str]) -> str:
    """Join words as 'a, b or c'."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


# Models that need no setting and work for any two companies. `compat` needs no key, but it needs OCTAVE_COMPAT_MODEL.
KEYLESS_MODELS = tuple(model for model in MODELS if not (model.needs or model.replays))


def _who_writes(models: Iterable[ModelChoice], default: str) -> str:
    keyed = names(model for model in MODELS if model.needs)
    keyless = either(f"{model.name} ({model.note})" for model in models)
    return f"Who writes: {', '.join(keyed)} (need a key or your own server), {keyless}; {default}"


AUTO_HELP = f"if no model is configured, {AUTO} means {BY_CLIENT} over MCP, {BY_RULES} elsewhere"
MODEL_HELP = _who_writes(KEYLESS_MODELS, AUTO_HELP)
# The help of the command line omits models that need a connected MCP client, because the command line has none.
_KEYED = either(model.name for model in MODELS if model.needs)
_UNKEYED = either(f"{model.name} ({model.note})" for model in MODELS if not (model.needs or model.asks_client))
TERMINAL_MODEL_HELP = (
    f"Model that writes: {_KEYED} (need an API key or your own server), {_UNKEYED}; "
    f"{AUTO} picks the first configured model, or {BY_RULES} if there is none"
)
SOURCE_HELP = f"Who fetches pages: {', '.join((AUTO, *names(SOURCES)))}"
NONE_CONFIGURED = "no model is configured"
SET_UP_A_MODEL = f"set {either(' with '.join(model.variables) for model in MODELS if model.in_auto)}"
WITHOUT_KEY = (
    "without a key, set "
    f"{either(f'OCTAVE_MODEL={model.name} ({model.note})' for model in KEYLESS_MODELS)}, or pass the name as "
    "'model' in the call (on the command line: --model)"
)
# Advice for sites whose pages contain no text until their JavaScript runs.
SET_UP_SCRIPTS = either(
    f"set {source.needs}, or pass source={source.name!r}" for source in SOURCES if source.runs_scripts
)


def _pages_of(models: Iterable[ModelChoice]) -> str:
    others = "".join(f", or {model.max_pages} for {model.name!r}" for model in models if model.max_pages != MAX_PAGES)
    return f"Pages to read per company; default: {MAX_PAGES}{others}"


PAGES_HELP = _pages_of(MODELS)
TERMINAL_PAGES_HELP = _pages_of(model for model in MODELS if not model.asks_client)


def finished_copy(*, has_client: bool | None = None) -> str:
    """List the models that write finished e-mails and call scripts, and what each model needs, in one phrase.

    `has_client`: whether a client that could answer questions is connected; None if readers can be on any surface.
    """
    where = " in an MCP client or the web app" if has_client is None else ""
    asking = [model for model in MODELS if model.asks_client and has_client is not False]
    asked = [f"{model.name!r}{where} ({model.note})" for model in asking]
    keyed = either(model.needs for model in MODELS if model.needs)
    return either((*asked, f"{'another model' if asked else 'a model'}, with {keyed} set"))


# This text also says which model answers, because the words 'no model is configured' would look like an error.
CLIENT_ANSWERS = f"{NONE_CONFIGURED}; your own model answers the questions instead (call next_question)"


def taken_by_default(model: str) -> str:
    """Return a notice for the caller of a run: why the run uses `model`, and what the alternatives are.

    The notice mentions tools by their MCP names; `Calls.with_local_names` rewrites these names for other surfaces.
    """
    if model == BY_CLIENT:
        return (
            f"{CLIENT_ANSWERS}; to get {_note(BY_RULES)} without answering questions, "
            f"call generate_playbook with model={BY_RULES!r}"
        )
    return f"{NONE_CONFIGURED}, so rules collect {_note(BY_RULES)}; {_more()}"


def written_by_default(model: str) -> str:
    """Return a notice for the reader of a playbook: why `model` wrote the playbook."""
    if model == BY_CLIENT:
        return f"{NONE_CONFIGURED}; the connected client's model wrote the playbook instead"
    return f"{NONE_CONFIGURED}, so rules collected {_note(BY_RULES)}; {_more()}"


def _note(model: str) -> str:
    return choice(MODELS, model, "model").note


def _more() -> str:
    return (
        f"for finished copy, {SET_UP_A_MODEL}, or ask for the playbook over MCP or in the web app, "
        "so that a model of your own writes it"
    )
