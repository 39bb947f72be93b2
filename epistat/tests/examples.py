"""So many inputs are invented for a test."""

from hypothesis import settings


def examples(usual: int) -> int:
    """As many times more as the profile asks for; hypothesis' own number is 100."""
    return max(1, usual * settings().max_examples // 100)
