"""Recordings: what a model answered in one run, in a form that another run can replay on the pages as they are then."""
