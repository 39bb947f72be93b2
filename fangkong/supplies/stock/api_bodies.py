"""Bodies that several doors of the stock share."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from ninja import Field
from pydantic import StringConstraints

from fangkong.core import api
from fangkong.core.bodies import Text40, Text60, Text100, Text200

from .rules import MOST

Serial20 = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,20}$")]  # GS1's own signs
Quantity = Annotated[int, Field(ge=1, le=MOST, strict=True)]  # JSON's true is no number


class LabelIn(api.Body):
    number: Text40 = ""
    made_on: date | None = None
    expires_on: date | None = None
    standard: Text60 = ""
    owner: Text100 = ""
    earmark: Text100 = ""


class StockReasonIn(api.Body):
    reason: Text200
