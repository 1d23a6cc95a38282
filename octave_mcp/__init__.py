"""Research a vendor and a prospect on the web and write a sales playbook that cites its sources."""

__version__ = "0.1.0"
