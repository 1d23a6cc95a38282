"""Two company websites in, a sourced sales playbook out."""

__version__ = "0.1.0"
