"""Recordings: answers of a model in one run, stored so that a later run can replay them against the current pages."""
