"""What a playbook says of itself: what is missing, what to beware of, and what a person wrote."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.value import Value


class Gap(Value):
    """What could not be found or kept: where, why, and what would fill it."""

    section: str
    code: str
    reason: str
    would_fill: str

    def is_in(self, section: str) -> bool:
        """Whether it is about that key of the playbook, or a path below it."""
        return f"{self.section}.".startswith(f"{section}.")


FlagCode = Literal[
    "default_model",
    "extractive",
    "recorded",
    "low_confidence",
    "existing_customer",
    "vendor_is_customer",
    "reused",
    "stood_in",
    "slow_model",
    "translated",
    "suspicious_page",
]


class Flag(Value):
    code: FlagCode
    reason: str
    companies: tuple[Role, ...] = ()
    evidence: tuple[EvidenceId, ...] = ()


class OwnText(Value):
    """A part that a person wrote: no model changes it.

    `path` is that of the part, as 'email_sequences.persona-1.touches[2]'; `version` is the first that has the text.
    Each warning is a sentence about what a check found in it.
    """

    path: str
    by: str
    at: datetime
    version: int
    warnings: tuple[str, ...] = ()
