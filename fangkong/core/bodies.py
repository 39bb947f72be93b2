"""Texts of the bodies of the API: so long at the most, and of signs that every database keeps.

They bound what is sent, not what is right: an empty text is refused by the form or the action.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

NO_NUL = r"^[^\x00]*$"  # which PostgreSQL refuses to keep

Text20 = Annotated[str, StringConstraints(max_length=20, pattern=NO_NUL)]
Text40 = Annotated[str, StringConstraints(max_length=40, pattern=NO_NUL)]
Text60 = Annotated[str, StringConstraints(max_length=60, pattern=NO_NUL)]
Text100 = Annotated[str, StringConstraints(max_length=100, pattern=NO_NUL)]
Text200 = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]
Text400 = Annotated[str, StringConstraints(max_length=400, pattern=NO_NUL)]
Text500 = Annotated[str, StringConstraints(max_length=500, pattern=NO_NUL)]
Text2000 = Annotated[str, StringConstraints(max_length=2000, pattern=NO_NUL)]
