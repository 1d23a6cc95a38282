"""Whether quotations say what a claim says, judged by rules, without a model."""

from octave_mcp.evidence.support.rules import problems, support
from octave_mcp.evidence.support.statement import Kind, Quoted, Statement, quoted

__all__ = ["Kind", "Quoted", "Statement", "problems", "quoted", "support"]
