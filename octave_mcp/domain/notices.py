"""What a playbook says of itself: what is missing, and what to beware of."""

from __future__ import annotations

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
