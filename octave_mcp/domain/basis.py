"""The research and verdicts behind a playbook, which are stored so that a later refresh can reuse them."""

from __future__ import annotations

from octave_mcp.domain.evidence import Verdict
from octave_mcp.domain.research import Research
from octave_mcp.domain.value import Value


class StoredOpinion(Value):
    """A model's opinion on a claim.

    - `verdict`: None if the model gave no verdict.
    - `why`: why there is no verdict, such as an exhausted token limit; '' if there is a verdict.
    - `reason`: why the claim is not supported.
    - `better`: a corrected claim; '' if there is none.
    - `judge`: the name of the model.
    """

    verdict: Verdict | None
    reason: str = ""
    better: str = ""
    judge: str = ""
    why: str = ""


class Basis(Value):
    """The research and verdicts that a playbook is based on.

    - `model`: the identity of the model that answered the asks.
    - `research`: the research on each company, as it was before claims were verified.
    - `verdicts`: the model's opinions on claims. Each key is a digest of the claim and its quotations.
    """

    model: str
    research: tuple[Research, ...]
    verdicts: dict[str, StoredOpinion]
