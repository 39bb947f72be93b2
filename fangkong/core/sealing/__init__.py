"""Personal fields encrypted at rest, each bound to its row (decision 0013).

A model says ``number = SealedTextField(max_length=40)`` and, where the value is searched for or
unique, ``number_index = BlindIndexField(of="number")``. Everybody reads and sets plain text.
"""

from .fields import BlindIndexField, SealedTextField

__all__ = ["BlindIndexField", "SealedTextField"]
