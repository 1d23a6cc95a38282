"""The web pages: start a deal, follow its run, read, change and share its playbook.

This package loads nothing before the first request for a page: `paths` and `lazy` are imported when the server starts,
and import the rest on demand.
"""
