"""Whether quotations say what a claim says, judged by rules, without a model."""

from octave_mcp.evidence.support.rules import problems, support
from octave_mcp.evidence.support.statement import Kind, Quoted, Statement, has_line, is_sentence_of, quoted

__all__ = ["Kind", "Quoted", "Statement", "has_line", "is_sentence_of", "problems", "quoted", "support"]
