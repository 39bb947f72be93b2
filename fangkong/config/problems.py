"""What stops a command with one clear line."""


class CannotGoOn(Exception):
    """The command stops here; the text says what to do."""
