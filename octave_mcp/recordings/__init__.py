"""Records the answers of a model in one run, so that a later run can replay them against the current pages."""
