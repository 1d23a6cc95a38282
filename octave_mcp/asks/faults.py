"""Counts the faulty answers of a run by kind of fault, and suggests a remedy for each fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from octave_mcp.domain.asks import Fault
from octave_mcp.domain.notices import Gap
from octave_mcp.errors import BadAnswer, ModelRefuses

# The value of `Gap.section` for gaps about the model or a limit of the run, which belong to no section of the playbook.
MODEL = "model"
_MODELS = "OCTAVE_FAST_MODEL, OCTAVE_STRONG_MODEL"


class _Words(NamedTuple):
    """The texts that describe a fault and its remedy.

    `self_hosted` is the remedy for a model on the user's own server.
    """

    singular: str
    plural: str
    remedy: str
    self_hosted: str


_WORDS: Mapping[Fault, _Words] = {
    "cut_off": _Words(
        "was cut off",
        "were cut off",
        "use a model that can give longer answers, or lower max_pages",
        "raise the server's context length (Ollama: OLLAMA_CONTEXT_LENGTH, llama.cpp: --ctx-size, vLLM: "
        "--max-model-len, LM Studio: the context length of the model), or lower max_pages",
    ),
    "thoughts": _Words(
        "contained only the model's thoughts",
        "contained only the model's thoughts",
        f"use a model that thinks less ({_MODELS})",
        "turn the model's thinking off on the server, raise its context length, or use a model without thinking",
    ),
    "empty": _Words(
        "was empty",
        "were empty",
        f"use another model ({_MODELS})",
        "check the server's log (the model or its chat template may not work), or use another model",
    ),
    "refused": _Words(
        "was refused by the model",
        "were refused by the model",
        f"use another model ({_MODELS})",
        "use another model (OCTAVE_COMPAT_MODEL)",
    ),
    "unreadable": _Words(
        "did not have the required format",
        "did not have the required format",
        f"use another model ({_MODELS})",
        "use a server that enforces a JSON schema, or another model (OCTAVE_COMPAT_MODEL)",
    ),
}


class Faults:
    """Counts asks by the fault of their answer. If an ask was corrected, the better of its two answers counts.

    The fault is '' if the answer is complete.
    """

    def __init__(self, *, on_a_server: bool) -> None:
        self._on_a_server = on_a_server
        self._counts = Counter[Fault]()

    def book(self, fault: Fault) -> None:
        self._counts[fault] += 1

    def __bool__(self) -> bool:
        return any(self._found())

    @property
    def asks(self) -> int:
        """The number of all asks, with or without a fault."""
        return self._counts.total()

    @property
    def are_most(self) -> bool:
        """Whether at least half of the answers had a fault."""
        return bool(self) and self._counts[""] * 2 <= self.asks

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """One `Gap` for each kind of fault, with the most frequent kind first."""
        code = {"refused": ModelRefuses.code}
        return tuple(
            Gap(
                section=MODEL,
                code=code.get(fault, BadAnswer.code),
                reason=self._counted(fault),
                would_fill=self._remedy(fault),
            )
            for fault in self._found()
        )

    def __str__(self) -> str:
        """Return a description of each fault and its remedy, or '' if there were no faults."""
        return "; ".join(f"{self._counted(fault)}: {self._remedy(fault)}" for fault in self._found())

    def error(self) -> BadAnswer:
        """Return the error for a run that ends without a playbook because of these faults."""
        kind = ModelRefuses if next(self._found(), "") == "refused" else BadAnswer
        return kind(f"no playbook could be written: {self}")

    def _found(self) -> Iterator[Fault]:
        return (fault for fault, _ in self._counts.most_common() if fault)

    def _counted(self, fault: Fault) -> str:
        count, total, words = self._counts[fault], self.asks, _WORDS[fault]
        if count == total:
            return f"all {total} answers {words.plural}" if total > 1 else f"the only answer {words.singular}"
        return f"{count} of {total} answers {words.singular if count == 1 else words.plural}"

    def _remedy(self, fault: Fault) -> str:
        return _WORDS[fault].self_hosted if self._on_a_server else _WORDS[fault].remedy
