"""Compares a run with two other plans under the same latency model: one with barriers, and the classic plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from latency import Latency
from lengths import recorded_tokens

from octave_mcp.domain.cards import CompetitivePositioning, ObjectionHandling, WhyWeWin
from octave_mcp.domain.playbook import SequenceDraft, SummaryDraft, TalkTrackDraft
from octave_mcp.domain.prospect import MAX_PERSONAS, SIGNAL_KINDS
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import KINDS

CORRECTION = "/correction"
# The stages of a run, and a part of the names of their recorded steps. The first match counts.
STAGES = {
    "open": "/open", "home page": "/home", "map": "/map", "analysis": "analyse_homepage",
    "addresses": "prioritise_urls",
    "scraping": "/scrape", "verification": "/verify", "understanding": "/understand", "writing": "write_playbook",
    "extraction": "/ask",
}  # fmt: skip
BEFORE_READING = frozenset({"open", "home page", "map", "analysis", "addresses", "scraping"})
# Tokens of the instructions and the schema of one specialist, measured in the requests of a run.
INSTRUCTION_TOKENS = 1_400
WRITER_TOKENS = 8_600


class Step(NamedTuple):
    """A recorded step of a run. Times are in seconds since the start of the run."""

    name: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def stage(self) -> str:
        return next((stage for stage, part in STAGES.items() if part in self.name), "")


def with_barriers(steps: Iterable[Step]) -> float:
    """Return how long the calls of a run would take if each stage waited for all calls of the stage before it."""
    chains: Mapping[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for step in steps:
        # A correction follows its ask within the same stage.
        chains[step.stage][step.name.removesuffix(CORRECTION)] += step.seconds
    return sum(max(chains[stage].values()) for stage in STAGES if stage in chains)


def classic(steps: Sequence[Step], page_tokens: Mapping[str, int], latency: Latency) -> float:
    """Return how long the classic plan takes.

    Eight specialists for the vendor, three for the prospect and four writers: each specialist reads all pages of its
    company in one call, each writer writes one of four parts for all personas, and each stage waits for the one before.
    `page_tokens`: the tokens of all pages of each company.
    """
    before = with_barriers(step for step in steps if step.stage in BEFORE_READING)
    stages = (
        (page_tokens["vendor"] + INSTRUCTION_TOKENS, _of_vendor()),
        (page_tokens["prospect"] + INSTRUCTION_TOKENS, _of_prospect()),
        (WRITER_TOKENS, _written()),
    )
    return before + sum(max(latency.call(read, 0, tokens) for tokens in answers) for read, answers in stages)


def _of_vendor() -> list[int]:
    return [recorded_tokens()[kind] for kind in KINDS]


def _of_prospect() -> list[int]:
    """Return the output tokens of the three specialists for the prospect: profile, pain points and buyers."""
    recorded = recorded_tokens()
    return [sum(recorded[kind] for kind in SIGNAL_KINDS), recorded["summary"] + recorded["pains"], recorded["buyers"]]


def _written() -> list[int]:
    """Return the output tokens of the four writers: summary, e-mails, talk tracks and battle cards."""
    drafts = (SummaryDraft, SequenceDraft, TalkTrackDraft)
    summary, sequence, track = (_length(draft) for draft in drafts)
    cards = sum(map(_length, (WhyWeWin, ObjectionHandling, CompetitivePositioning)))
    return [summary, MAX_PERSONAS * sequence, MAX_PERSONAS * track, cards]


def _length(draft: type[Value]) -> int:
    return sum(recorded_tokens()[name] for name in draft.model_fields)
