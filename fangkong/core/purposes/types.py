"""For what personal data are processed (处理目的): each purpose names its ground and its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.core import permissions
from fangkong.core.audit.types import name_verbs
from fangkong.core.roles import Role

SEE_PRIVACY = permissions.declare(
    "core.purposes.view",
    _("See the register of processing, terms and what was destroyed"),
    roles=[Role.HEADQUARTERS, Role.AUDITOR, Role.SECURITY, Role.ADMINISTRATOR],
    whole=True,
)
ASSESS = permissions.declare(
    "core.purposes.assess",
    _("Note an assessment of the impact on persons"),
    roles=[Role.HEADQUARTERS, Role.SECURITY],
    whole=True,
)
name_verbs({"core.purposes.assess": _("Impact on persons assessed")})


@dataclass(frozen=True)
class Purpose:
    """One purpose of processing. ``ground`` is the clause that allows it without consent.

    ``tables``: each with what it is called where people read of it.
    """

    name: str
    label: str | Promise
    ground: str | Promise
    tables: Mapping[str, str | Promise]


_declared: dict[str, Purpose] = {}


def declare(
    name: str, label: str | Promise, ground: str | Promise, tables: Mapping[str, str | Promise]
) -> Purpose:
    """Make a purpose known, in a part's ``types.py``; no table serves two."""
    if name in _declared:
        raise ValueError(f"purpose {name} is declared twice")
    _declared[name] = Purpose(name, label, ground, dict(tables))
    return _declared[name]


def declared() -> list[Purpose]:
    """Every purpose of the house, by name."""
    return [_declared[name] for name in sorted(_declared)]


def called(model: type[Model]) -> str:
    """What a table is called where people read of it."""
    label = model._meta.label
    named = (one.tables[label] for one in declared() if label in one.tables)
    return str(next(named, model._meta.verbose_name))


INTAKE = declare(
    "core.intake",
    _("Take in files that staff send, until their rows are entered"),
    _("PIPL 13 (3)"),
    {"core.ImportChunk": _("Rows of imports"), "core.StoredFile": _("Files of staff")},
)
NOTICES = declare(
    "core.notices",
    _("Tell staff what waits for their office"),
    _("PIPL 13 (2)"),
    {"core.Following": _("Addresses for notices")},
)
