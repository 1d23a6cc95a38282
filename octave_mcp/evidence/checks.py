"""Lists the rules for a model's answers, and defines `Problem`, which reports a broken rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from octave_mcp.domain.value import Path

# Descriptions of the rules and of unusable answers. The playbook's list of gaps shows these texts instead of the
# rejected claims.
RULES = {
    "D1": "a claim without evidence",
    "D3": "a figure that is not in the evidence",
    "D4": "a name that is not in the evidence",
    "D5": "a result whose evidence does not name the customer",
    "D6": "a claim about one company that cites only the other company's page",
    "D7": "an absolute claim, such as 'only' or 'always'",
    "D8": "evidence that is old",
    "D9": "evidence that is mostly from one page",
    "D10": "quotation marks around something that is not a quotation",
    "D11": "an e-mail that is too short or too long",
    "D12": "a subject line that is too long, misleading, in capital letters or unrelated to the e-mail",
    "D13": "no call to action, more than one, or one that asks for too much",
    "D14": "sentences that are hard to read",
    "D15": "a placeholder or a blank",
    "D16": "text that says more about the sender than about the reader",
    "D17": "clichés, flattery, exclamation marks or links",
    "D18": "an e-mail that repeats an earlier one, in words, evidence or structure",
    "D20": "a promise that the evidence does not support",
    "D21": "a last e-mail that offers no way to decline",
    "D22": "a language other than the one requested",
    "D23": "a pitch that is too long",
    "D24": "a call without a reason for calling",
    "D25": "too few or too many questions, or too many yes-or-no questions",
    "D26": "too few or too many objections",
    "D27": "more than one hedge in an e-mail, or a hedge in a fact",
    "D28": "a battle card that is too long",
    "D29": "an e-mail that could just as well be sent to another company",
    "D30": "English that sounds translated, stiff or like a brochure",
    "D31": "a reference to something that the text does not mention",
    "D32": "an opening that has no date, or tells readers what they already know",
    "D35": "an e-mail that lacks what its place in the sequence needs, such as proof, an offer or a short goodbye",
    "D36": "a link or address that is not on the cited site",
    "D37": "a proof point that sounds like a threat to the reader",
    "D40": "a claim that its quotation does not support",
    (DEPENDS := "depends"): "a text that makes no sense without a dropped text",
    (INCOMPLETE := "incomplete"): "an e-mail without its subject, its call to action or enough of its sentences",
    (IGNORED := "ignored"): "a replacement for an entry that was not rejected",
    (UNREAD := "form"): "an entry that is missing or not in the requested format",
    (CUT := "length"): "an answer that was cut off at its length limit",
    (EMPTY := "empty"): "an empty answer",
    (THOUGHTS := "thoughts"): "an answer that contained only the model's thoughts",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A violation of a rule in a model's answer.

    `at` is the path of the affected part of the answer, such as `("facts", 9, "text")`. A soft problem can be a false
    alarm, so it does not cause the part to be dropped. `asks` says whether the model should be asked to correct the
    problem.
    """

    rule: str
    text: str
    at: Path = ()
    is_soft: bool = False
    asks: bool = True

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"there is no rule {self.rule!r}; add it to RULES")

    def __str__(self) -> str:
        return f"{self.rule} {self.text}"


def counted(dropped: Sequence[Problem]) -> str:
    """Return how often each rule was broken, as a text for the playbook's list of gaps.

    The text does not quote the rejected claims, because readers of the playbook must not see them.
    """
    counts = Counter(problem.rule for problem in dropped)
    return ", ".join(f"{count} x {RULES[rule]} ({rule})" for rule, count in counts.items())
