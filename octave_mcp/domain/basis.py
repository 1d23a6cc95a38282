"""The basis of a playbook: the research and verdicts that its run stores, from which a refresh starts."""

from __future__ import annotations

from octave_mcp.domain.evidence import Verdict
from octave_mcp.domain.research import Research
from octave_mcp.domain.value import Value


class StoredOpinion(Value):
    """A model's opinion on a claim.

    - `verdict`: None if the model gave none; `why` then gives the cause.
    - `reason`: why the claim is not supported. `better`: a corrected text, '' if there is none.
    - `judge`: the name of the model.
    """

    verdict: Verdict | None
    reason: str = ""
    better: str = ""
    judge: str = ""
    why: str = ""


class Basis(Value):
    """What a playbook was written from.

    - `model`: identifies the model that answered.
    - `research`: the research on each company, before claims were verified.
    - `verdicts`: opinions on claims, by the digest of the question about each.
    """

    model: str
    research: tuple[Research, ...]
    verdicts: dict[str, StoredOpinion]
