"""Warning products: written, approved by somebody else, issued, updated, cancelled."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from fangkong.accounts import queries as accounts
from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.free_text import refuse_numbers
from fangkong.core.notices import actions as notices
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField
from fangkong.core.roles import Role
from fangkong.core.spelling import shown
from fangkong.core.webhooks import actions as webhooks
from fangkong.packs import queries as packs
from fangkong.packs.types import UnknownCode
from fangkong.places import queries as places
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.tasks.rules import is_proof

from .models import Investigation, WarningProduct
from .types import (
    APPROVERS,
    PRODUCT_ISSUED,
    PRODUCT_RETURNED,
    PRODUCT_TOLD,
    PRODUCT_WAITS,
    WRITE,
    Certainty,
    ProductFacts,
    ProductKind,
    ProductState,
    RiskLevel,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area

LONGEST = timedelta(days=183)
WORDS = ("title_zh", "text_zh", "instruction_zh", "title_en", "text_en", "instruction_en")


class NotYours(Refused):
    """The area or the kind of product is not the user's."""

    status = 403


class SamePerson(Refused):
    """Whoever wrote a product does not approve it."""


class WrongState(Refused):
    """The product is further, or not as far yet."""


class Impossible(WrongField):
    """What a product says cannot be."""


@transaction.atomic
def write(
    *,
    kind: str,
    area: Area,
    condition: str,
    facts: ProductFacts,
    by: User,
    at: datetime,
    investigation: Investigation | None = None,
    synthetic: bool = False,
) -> WarningProduct:
    """Write a draft. Nobody reads it outside the office until it is issued."""
    if kind not in ProductKind.values:
        raise Impossible(_("Choose one of the three products."), "kind")
    if not by.scope(WRITE, at).holds(county_id=area.county_id, area_id=area.pk):
        raise NotYours(_("You may warn only for your own area. Choose another area."))
    told = _checked(facts, at)
    day = clock.day_of(at)
    try:
        name = packs.name(monitoring.pack_on(day), condition, day)
    except UnknownCode:
        raise Impossible(_("Choose one of the diseases."), "condition") from None
    if investigation is not None and investigation.condition != condition:
        raise Impossible(
            _("The investigation is of another disease. Choose its disease, or write without it."),
            "condition",
        )
    product = WarningProduct.objects.create(
        **stamps(by, at),
        kind=kind,
        area=area,
        county_id=area.county_id,
        condition=condition,
        condition_zh=name.zh,
        condition_en=name.en,
        investigation=investigation,
        edited_by=by,
        synthetic=synthetic,
        **asdict(told),
    )
    detail = {"kind": kind, "level": told.level, "condition": condition}
    audit.record("surveillance.warning.write_product", product, by=by, at=at, detail=detail)
    _tell_approvers(product, by, at)
    return product


@transaction.atomic
def edit(*, product: WarningProduct, facts: ProductFacts, by: User, at: datetime) -> WarningProduct:
    """Rewrite a draft. What is approved is sent back first."""
    product = _written(product, by, at, ProductState.DRAFT)
    before, came_back = product.level, bool(product.return_reason)
    for name, value in asdict(_checked(facts, at)).items():
        setattr(product, name, value)
    product.edited_by, product.return_reason = by, ""
    product.touch(by, at)
    product.save()
    detail = {"level": [before, product.level]} if before != product.level else {}
    audit.record("surveillance.warning.edit_product", product, by=by, at=at, detail=detail)
    if came_back:
        _tell_approvers(product, by, at)
    return product


@transaction.atomic
def approve(*, product: WarningProduct, by: User, at: datetime) -> WarningProduct:
    """Approve the words of a draft: whoever wrote them or changed them last may not."""
    product = _locked(product)
    _refuse_judges(product, by, at)
    if by.pk in (product.edited_by_id, product.created_by_id):
        raise SamePerson(_("Whoever wrote a product does not approve it. Ask a colleague."))
    _refuse_state(product, ProductState.DRAFT)
    _refuse_past(product, at)
    product.state = ProductState.APPROVED
    product.approved_at, product.approved_by = at, by
    _save(product, by, at, "state", "approved_at", "approved_by")
    audit.record("surveillance.warning.approve_product", product, by=by, at=at)
    return product


@transaction.atomic
def send_back(*, product: WarningProduct, reason: str, by: User, at: datetime) -> WarningProduct:
    """Send a product that is not issued yet back to be rewritten, with the reason."""
    product = _locked(product)
    _refuse_judges(product, by, at)
    _refuse_state(product, ProductState.DRAFT, ProductState.APPROVED)
    product.return_reason = _reason(reason)
    product.state = ProductState.DRAFT
    product.approved_at, product.approved_by = None, None
    _save(product, by, at, "state", "return_reason", "approved_at", "approved_by")
    audit.record("surveillance.warning.return_product", product, by=by, at=at)
    _tell_writers(product, by, at)
    return product


@transaction.atomic
def issue(*, product: WarningProduct, by: User, at: datetime) -> WarningProduct:
    """Put an approved product before its audience; what it updates is replaced thereby."""
    product = _written(product, by, at, ProductState.APPROVED)
    _refuse_past(product, at)
    old = product.replaces
    if old is not None:
        old = _locked(old)
        _refuse_state(old, ProductState.ISSUED)  # cancelled meanwhile: there is nothing to update
        old.state, old.ended_at = ProductState.UPDATED, at
        _save(old, by, at, "state", "ended_at")
        audit.record("surveillance.warning.replace_product", old, by=by, at=at)
    product.state = ProductState.ISSUED
    product.issued_at, product.issued_by = at, by
    _save(product, by, at, "state", "issued_at", "issued_by")
    detail = {"kind": product.kind, "level": product.level}
    audit.record("surveillance.warning.issue_product", product, by=by, at=at, detail=detail)
    _tell_readers(product, by, at)
    return product


@transaction.atomic
def renew(*, product: WarningProduct, by: User, at: datetime) -> WarningProduct:
    """Begin an update of an issued product: a draft with its words, approved anew."""
    product = _written(product, by, at, ProductState.ISSUED)
    standing = product.updates.exclude(state=ProductState.CANCELLED).first()
    if standing is not None:
        raise WrongState(_("An update of this product is written already. Go on with that one."))
    copied = ("kind", "level", "certainty", "condition", "condition_zh", "condition_en", "basis")
    until = max(product.expires_at, at + timedelta(days=1))
    draft = WarningProduct.objects.create(
        **stamps(by, at),
        **{name: getattr(product, name) for name in (*copied, *WORDS)},
        area=product.area,
        county_id=product.county_id,
        investigation=product.investigation,
        expires_at=until,
        edited_by=by,
        replaces=product,
        synthetic=product.synthetic,
    )
    detail = {"replaces": str(product.public_id)}
    audit.record("surveillance.warning.update_product", draft, by=by, at=at, detail=detail)
    _tell_approvers(draft, by, at)
    return draft


@transaction.atomic
def cancel(*, product: WarningProduct, reason: str, by: User, at: datetime) -> WarningProduct:
    """Withdraw a product: an issued one is cancelled before its readers, a draft is dropped."""
    product = _locked(product)
    _refuse_writers(product, by, at)
    _refuse_state(product, ProductState.DRAFT, ProductState.APPROVED, ProductState.ISSUED)
    product.end_reason, product.ended_at = _reason(reason), at
    was_told = product.state == ProductState.ISSUED
    product.state = ProductState.CANCELLED
    _save(product, by, at, "state", "end_reason", "ended_at")
    detail = {"issued": was_told}
    audit.record("surveillance.warning.cancel_product", product, by=by, at=at, detail=detail)
    if was_told:
        _tell_readers(product, by, at)
    return product


# --- Checks ---------------------------------------------------------------------------------------


def _checked(facts: ProductFacts, at: datetime) -> ProductFacts:
    """The words as they are kept, or why they cannot be."""
    if facts.level not in RiskLevel.values:
        raise Impossible(_("Choose one of the four levels."), "level")
    if facts.level == RiskLevel.VERY_LOW:
        raise Impossible(
            _("A very low risk has no product: monitoring goes on. Choose a level from low on."),
            "level",
        )
    if facts.certainty not in Certainty.values:
        raise Impossible(_("Choose how sure the event is."), "certainty")
    if not at < facts.expires_at <= at + LONGEST:
        raise Impossible(_("Choose an end within half a year from now."), "expires_at")
    said = {name: shown(getattr(facts, name)) for name in (*WORDS, "basis")}
    for name in ("title_zh", "text_zh", "basis"):
        if not is_proof(said[name]):
            raise Impossible(_("Say it in a few words at least."), name)
    if bool(said["title_en"]) != bool(said["text_en"]):
        missing = "text_en" if said["title_en"] else "title_en"
        raise Impossible(_("English needs both a title and a text, or neither."), missing)
    refuse_numbers(**said)
    return ProductFacts(
        level=facts.level, certainty=facts.certainty, expires_at=facts.expires_at, **said
    )


def _reason(text: str) -> str:
    if not is_proof(text):
        raise Impossible(_("Say why in a few words."), "reason")
    refuse_numbers(reason=text)
    return shown(text)[:400]


def _written(
    product: WarningProduct, by: User, at: datetime, *states: ProductState
) -> WarningProduct:
    product = _locked(product)
    _refuse_writers(product, by, at)
    _refuse_state(product, *states)
    return product


def _locked(product: WarningProduct) -> WarningProduct:
    rows = WarningProduct.objects.select_for_update(of=("self",))
    return rows.select_related("area", "replaces", "created_by", "edited_by").get(pk=product.pk)


def _refuse_writers(product: WarningProduct, by: User, at: datetime) -> None:
    scope = by.scope(WRITE, at)
    if not scope.holds(county_id=product.county_id, area_id=product.area_id):
        raise NotYours(_("Only the office that wrote this product and the one above may do this."))


def _refuse_judges(product: WarningProduct, by: User, at: datetime) -> None:
    scope = by.scope(APPROVERS[product.kind], at)
    if not scope.holds(county_id=product.county_id, area_id=product.area_id):
        raise NotYours(_("This product is approved by another office."))


def _refuse_state(product: WarningProduct, *states: ProductState) -> None:
    if product.state not in states:
        raise WrongState(
            _("This product is %(state)s. Nothing was changed.")
            % {"state": product.get_state_display()}
        )


def _refuse_past(product: WarningProduct, at: datetime) -> None:
    if product.expires_at <= at:
        raise WrongState(_("This product is no longer valid. Give it a later end first."))


def _tell_approvers(product: WarningProduct, by: User, at: datetime) -> None:
    """Those who may approve it hear of a draft; whoever wrote it knows."""
    roles = sorted(APPROVERS[product.kind].roles)
    found = [user for role in roles for user in accounts.holding(role, at, area=product.area)]
    readers = {user.pk: user for user in found if user.pk != by.pk}
    notices.notify(users=list(readers.values()), kind=PRODUCT_WAITS, subject=product, at=at)


def _tell_writers(product: WarningProduct, by: User, at: datetime) -> None:
    """Whoever wrote it, and changed it last, hears that it came back."""
    writers = {user.pk: user for user in (product.created_by, product.edited_by) if user}
    writers.pop(by.pk, None)
    readers = [user for user in writers.values() if user.is_active]
    notices.notify(users=readers, kind=PRODUCT_RETURNED, subject=product, at=at)


def _tell_readers(product: WarningProduct, by: User, at: datetime) -> None:
    """The counties and the headquarters hear of what was issued, and machines that asked to.

    Advice stays above, and goes to no machine.
    """
    if product.kind != ProductKind.ADVICE:
        webhooks.announce(PRODUCT_TOLD, product, at=at)
    areas = [product.area]
    if product.kind != ProductKind.ADVICE:
        areas += places.counties_of_home(clock.day_of(at))
    found = [
        user
        for area in areas
        for role in (Role.HEADQUARTERS, Role.COUNTY_CDC)
        for user in accounts.holding(role, at, area=area)
        if product.kind != ProductKind.ADVICE or role == Role.HEADQUARTERS
    ]
    readers = {user.pk: user for user in found if user.pk != by.pk}
    notices.notify(users=list(readers.values()), kind=PRODUCT_ISSUED, subject=product, at=at)


def _save(product: WarningProduct, by: User, at: datetime, *fields: str) -> None:
    product.touch(by, at)
    product.save(update_fields=[*fields, "changed_by", "changed_at"])
