"""Contract tests for every model: all adapters, and the scripted model that the tests use."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from doubles import Double, answer_to
from scripted import PROSPECT, VENDOR, Asked, NoNotes, ScriptedModel, Stage, Written

from octave_mcp.concurrency.run_clock import RunClock
from octave_mcp.domain.asks import Usage
from octave_mcp.domain.choices import MODELS, names
from octave_mcp.domain.questions import Question, QuestionRecord
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorAnswer
from octave_mcp.models import remote
from octave_mcp.models.wire import Tokens
from octave_mcp.ports import Model, RunContext
from octave_mcp.settings import Settings

# Leave out recordings, because each recording can only replay one run. tests/test_recordings.py tests recordings.
NAMES = names(model for model in MODELS if not model.replays)


class AnsweredInbox:
    """An inbox in which every question is answered immediately, as if by a connected client."""

    async def questions(self) -> tuple[QuestionRecord, ...]:
        return ()

    async def put(self, question: Question) -> QuestionRecord:
        return QuestionRecord(**dict(question))

    async def answer(self, question: QuestionRecord) -> str:
        return json.dumps(answer_to(question.model_dump()))

    async def record_verdict(self, question_id: str, *, wrong: str | None = None, dropped: str | None = None) -> None:
        """Ignore the verdict."""


def _ignore(*_: object) -> None:
    """Do nothing. This function stands for callbacks of a run that a test does not need."""


def _context(spend: Callable[[Usage], None]) -> RunContext:
    return RunContext(
        "run_0", AnsweredInbox(), NoNotes(), fresh=True, check=_ignore, spend=spend, clock=RunClock(), slow=_ignore
    )


def model_of(name: str, home: Path) -> Model:
    if name == "scripted":
        return ScriptedModel()
    context = _context(_ignore)
    return importlib.import_module(f"octave_mcp.models.{name}").make(Settings.model_validate({"home": home}), context)


@pytest.fixture(params=[*NAMES, "scripted"])
async def model(request: pytest.FixtureRequest, tmp_path: Path, double: Double) -> AsyncIterator[Model]:  # noqa: ARG001 - it answers the calls
    built = model_of(request.param, tmp_path)
    yield built
    await built.close()


@pytest.fixture
def asks(plain: Written) -> list[Asked]:
    """Return one ask for each type of answer."""
    return plain.one_of_each


async def test_an_answer_has_the_requested_type_and_a_usage_and_leaves_the_ask_unchanged(
    model: Model, asks: list[Asked]
) -> None:
    assert len(asks) == 10
    before = [ask.model_copy(deep=True) for ask in asks]
    for ask in asks:
        answer = await model.answer(ask)
        assert type(answer.value) is ask.answer
        assert answer.usage.input_tokens >= 0
        assert answer.usage.output_tokens >= 0
        assert answer.usage.usd is None or answer.usage.usd >= 0
    assert asks == before


async def test_a_correction_is_answered_in_the_same_form(model: Model, asks: list[Asked]) -> None:
    for ask in asks:
        corrected = await model.answer(ask.model_copy(update={"complaint": "D3 the figure 99% is not in the evidence"}))
        assert type(corrected.value) is ask.answer


async def test_an_ask_without_passages_is_answered(model: Model, asks: list[Asked]) -> None:
    page_asks = [ask for ask in asks if ask.answer.__name__.startswith(("Homepage", "Vendor", "ProspectAnswer"))]
    assert len(page_asks) == 3
    for ask in page_asks:
        answer = await model.answer(ask.model_copy(update={"passages": ()}))
        assert type(answer.value) is ask.answer


@pytest.mark.parametrize("name", ["openai", "anthropic", "compat"])
@pytest.mark.usefixtures("double")
async def test_the_usage_of_an_answer_is_recorded_even_if_its_run_is_cancelled_as_it_arrives(
    name: str, asks: list[Asked], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent, loop, price = list[Usage](), asyncio.get_running_loop(), remote.priced
    context = _context(spent.append)
    model = importlib.import_module(f"octave_mcp.models.{name}").make(Settings(home=tmp_path), context)
    answering = asyncio.create_task(model.answer(asks[0]))

    def cancel_and_price(tokens: Tokens, provider: str, model: str) -> Usage:
        loop.call_soon_threadsafe(answering.cancel)
        return price(tokens, provider, model)

    monkeypatch.setattr(remote, "priced", cancel_and_price)
    with pytest.raises(asyncio.CancelledError):
        await answering
    await model.close()

    assert len(spent) == 1


async def test_a_model_has_a_name_and_states_the_languages_it_writes(model: Model) -> None:
    assert model.name
    assert model.languages is None or "en" in model.languages


@pytest.mark.parametrize("name", ["scripted", "extractive"])
async def test_models_that_follow_rules_are_deterministic(name: str, asks: list[Asked], tmp_path: Path) -> None:
    first, second = model_of(name, tmp_path), model_of(name, tmp_path)
    for ask in asks:
        original, repeated, other = await first.answer(ask), await first.answer(ask), await second.answer(ask)
        assert original == repeated == other


def test_a_model_is_found_by_the_name_of_its_module(tmp_path: Path) -> None:
    assert "extractive" in NAMES
    assert Stage(tmp_path).model("extractive").name == "extractive"


def test_the_asks_are_about_two_companies(asks: list[Asked]) -> None:
    shown = {passage.page.url.split("/")[2] for ask in asks for passage in ask.passages}
    assert shown == {VENDOR, PROSPECT}
    forms: list[type[Value]] = [ask.answer for ask in asks]
    assert any(issubclass(form, VendorAnswer) for form in forms)
