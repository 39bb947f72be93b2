"""Bodies that several doors of the stock share."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Schema
from pydantic import StringConstraints

from fangkong.core import api
from fangkong.core.bodies import Text40, Text60, Text100, Text200

from .models import Serial
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


class PackageOut(Schema):
    """A package with a serial; `id`: of `serials/{id}/`, where you may see it."""

    id: UUID
    gtin: str
    serial: str
    lot: UUID


def package_out(one: Serial) -> dict[str, Any]:
    """As ``PackageOut`` tells it."""
    return {
        "id": one.public_id,
        "gtin": one.code.gtin,
        "serial": one.serial,
        "lot": one.lot.public_id,
    }


class StockReasonIn(api.Body):
    reason: Text200
