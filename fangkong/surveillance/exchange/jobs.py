"""Files of results are checked and entered by the queue of imports, which must know their kind."""

from .imports import RESULTS

__all__ = ["RESULTS"]
