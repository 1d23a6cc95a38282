"""What was wrong with a model's answers in a run, and what the user can do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from octave_mcp.domain.asks import Fault
from octave_mcp.domain.notices import Gap
from octave_mcp.errors import BadAnswer, ModelRefuses

# The section of gaps that are about the model, not about what it wrote.
MODEL = "model"
_MODELS = "OCTAVE_FAST_MODEL, OCTAVE_STRONG_MODEL"


class _Words(NamedTuple):
    """What was wrong, and what to do; `on_a_server` is what to do on a server of one's own."""

    of_one: str
    of_several: str
    to_do: str
    on_a_server: str


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
        "turn the model's thinking off on the server, raise its context length, or use a model that does not think",
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
        "was not of the form asked for",
        "were not of the form asked for",
        f"use another model ({_MODELS})",
        "use a server that enforces a JSON schema, or another model (OCTAVE_COMPAT_MODEL)",
    ),
}


class Faults:
    """Counts the asks of a run by what was still wrong with their answers after a correction."""

    def __init__(self, *, on_a_server: bool) -> None:
        self._on_a_server = on_a_server
        self._counts = Counter[Fault]()

    def book(self, fault: Fault) -> None:
        self._counts[fault] += 1

    def __bool__(self) -> bool:
        return any(self._found())

    @property
    def asks(self) -> int:
        """The number of asks, with or without a usable answer."""
        return self._counts.total()

    @property
    def are_most(self) -> bool:
        """Whether at least half of the asks got no complete answer."""
        return bool(self) and self._counts[""] * 2 <= self.asks

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """One for each fault, the most frequent first."""
        code = {"refused": ModelRefuses.code}
        return tuple(
            Gap(
                section=MODEL,
                code=code.get(fault, BadAnswer.code),
                reason=self._counted(fault),
                would_fill=self._to_do(fault),
            )
            for fault in self._found()
        )

    def __str__(self) -> str:
        """Each fault with what to do about it; '' if there is none."""
        return "; ".join(f"{self._counted(fault)}: {self._to_do(fault)}" for fault in self._found())

    def error(self) -> BadAnswer:
        """The error of a run that has no playbook because of them."""
        kind = ModelRefuses if next(self._found(), "") == "refused" else BadAnswer
        return kind(f"no playbook could be written: {self}")

    def _found(self) -> Iterator[Fault]:
        return (fault for fault, _ in self._counts.most_common() if fault)

    def _counted(self, fault: Fault) -> str:
        count, total, words = self._counts[fault], self.asks, _WORDS[fault]
        if count == total:
            return f"all {total} answers {words.of_several}" if total > 1 else f"the only answer {words.of_one}"
        return f"{count} of {total} answers {words.of_one if count == 1 else words.of_several}"

    def _to_do(self, fault: Fault) -> str:
        return _WORDS[fault].on_a_server if self._on_a_server else _WORDS[fault].to_do
