"""How many inputs are invented: ``--hypothesis-profile=proof`` asks for twenty times as many."""

from hypothesis import settings

settings.register_profile("proof", max_examples=2000, deadline=None)
