"""Notices in a playbook: gaps, flags, and texts written by people."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.value import Value


class Gap(Value):
    """Something that the playbook lacks.

    `code` is a stable identifier. `would_fill` says what would fill the gap, such as 'product pages'.
    """

    section: str
    code: str
    reason: str
    would_fill: str

    def is_in(self, section: str) -> bool:
        """Whether the gap is about the given section of the playbook or about a part of that section."""
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
    """A warning to readers of the playbook."""

    code: FlagCode
    reason: str
    companies: tuple[Role, ...] = ()
    evidence: tuple[EvidenceId, ...] = ()


class OwnText(Value):
    """A part of a playbook that a person wrote. Models do not change this part.

    `path` is the path of the part, such as 'email_sequences.persona-1.touches[2]'. `version` is the first version that
    contains the text. `warnings` are sentences that describe problems in the text.
    """

    path: str
    by: str
    at: datetime
    version: int
    warnings: tuple[str, ...] = ()
