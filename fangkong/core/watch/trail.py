"""The audit trail as backups and the doctor see it: its head is noted, its seals must hold."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fangkong.core import clock
from fangkong.core.audit import queries, seal_keys
from fangkong.core.audit.verifying import verify
from fangkong.core.backup import hooks

from .doctor import probe
from .figures import figure
from .types import Line, ok, warn

LATE = timedelta(minutes=15)


@hooks.mark("core.audit.head")
def head() -> str:
    """The number and digest of the newest seal, kept in each backup."""
    newest = queries.newest_seal()
    return f"{newest.number} {newest.digest}" if newest else ""


@hooks.mark("core.audit.signer")
def signer() -> str:
    """The public key that signs the seals; nothing where none is sealed yet."""
    return seal_keys.public_key() if queries.newest_seal() else ""


@hooks.needed("core.audit.signer")
def signed_by_us(mark: str) -> str:
    """The key that signed the trail is made of secret.key, which is in no backup."""
    if mark == seal_keys.public_key():
        return ""
    return (
        "the secret key of the place that was backed up is not here: its seals of the trail would "
        f"not be ours, and second factors would not open. Put its secret.key into "
        f"{settings.FANGKONG_DATA}, or set FANGKONG_SECRET_KEY, and its keys.json too; then "
        "restore again. If it is lost for good: --keys-are-lost."
    )


@hooks.invariant("core.audit.seals")
def seals_hold() -> list[str]:
    """What is wrong with the sealed trail after a restore."""
    return verify().problems


@figure("audit_unsealed_seconds", "Age of the oldest audit line that is not sealed yet")
def unsealed_seconds() -> float:
    """How far sealing lags behind."""
    oldest = queries.oldest_unsealed_line()
    return max(0, round((clock.now() - oldest).total_seconds())) if oldest else 0


@probe(gettext_lazy("Audit seals"))
def _seals() -> Line:
    lag, newest = unsealed_seconds(), queries.newest_seal()
    if lag and lag > LATE.total_seconds():
        return warn(
            _("the trail has not been sealed for %(minutes)d minutes") % {"minutes": lag // 60},
            _("Start one: fangkong worker"),
        )
    return ok(_("%(number)d seals") % {"number": newest.number if newest else 0})


@probe(gettext_lazy("Weekly review of the trail"))
def _reviews() -> Line:
    overdue = queries.overdue_weeks(clock.day_of(clock.now()))
    if overdue:
        return warn(
            _("%(weeks)d weeks are not signed off, the oldest from %(day)s")
            % {"weeks": len(overdue), "day": overdue[-1].isoformat()},
            _("An auditor signs them off under Audit trail, Weekly review."),
        )
    return ok(_("signed off"))
