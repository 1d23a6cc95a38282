"""Remove the parts of an answer that its evidence does not support, as a run does after a failed correction."""

from __future__ import annotations

from typing import TypeVar

from octave_mcp.domain.evidence import Evidence
from octave_mcp.domain.value import Value
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.judge import Judge
from octave_mcp.evidence.pruning import pruned

V = TypeVar("V", bound=Value)


def standing(judge: Judge, answer: Value, into: type[V]) -> tuple[V | None, tuple[Evidence, ...], list[Problem]]:
    """Return the rest of the answer (None if nothing is left), its evidence, and the problems of the removed parts."""
    dropped = [problem for problem in judge.problems(answer) if not problem.is_soft]
    value = pruned(answer, {problem.at for problem in dropped})
    return (None, (), dropped) if value is None else (*judge.resolved(value, into), dropped)
