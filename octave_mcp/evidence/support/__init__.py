"""Rules that judge, without a model, whether quotations support a claim."""

from octave_mcp.evidence.support.containment import has_line, is_sentence_of
from octave_mcp.evidence.support.rules import problems, support
from octave_mcp.evidence.support.statement import Kind, Quoted, Statement, quoted

__all__ = ["Kind", "Quoted", "Statement", "has_line", "is_sentence_of", "problems", "quoted", "support"]
