"""The trail in words: kinds of records, and the story of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.apps import apps
from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from fangkong.core.audit import describe, queries
from fangkong.core.audit.describe import Step
from fangkong.core.audit.models import AuditLine

# Tables that have no name for people of their own. A test walks all tables for one without.
_KINDS: Mapping[str, Promise] = {
    "account.emailaddress": gettext_lazy("Mail address of a member of staff"),
    "account.emailconfirmation": gettext_lazy("Confirmation of a mail address"),
    "accounts.appointment": gettext_lazy("Role of a member of staff"),
    "accounts.emergencyaccess": gettext_lazy("Emergency access"),
    "accounts.formerpassword": gettext_lazy("Former password"),
    "accounts.signin": gettext_lazy("Sign-in"),
    "accounts.user": gettext_lazy("Member of staff"),
    "auth.group": gettext_lazy("Group of staff"),
    "auth.group_permissions": gettext_lazy("Permission of a group"),
    "core.auditline": gettext_lazy("Line of the trail"),
    "core.channel": gettext_lazy("Way out for notices"),
    "core.columnchoice": gettext_lazy("Matching of columns"),
    "core.command": gettext_lazy("Command"),
    "core.delivery": gettext_lazy("Event for another system"),
    "core.edition": gettext_lazy("Mark of changes"),
    "core.finding": gettext_lazy("Unusual view"),
    "core.following": gettext_lazy("Notices by a channel"),
    "core.importchunk": gettext_lazy("Rows of an import"),
    "core.importrun": gettext_lazy("Import"),
    "core.job": gettext_lazy("Background job"),
    "core.message": gettext_lazy("Outgoing message"),
    "core.quiet": gettext_lazy("Quiet hours"),
    "core.receiver": gettext_lazy("Receiver of events"),
    "core.review": gettext_lazy("Weekly review"),
    "core.rowchange": gettext_lazy("Change of a row"),
    "core.savedview": gettext_lazy("Saved view"),
    "core.seal": gettext_lazy("Seal of the trail"),
    "core.sight": gettext_lazy("View of a person"),
    "core.tick": gettext_lazy("Minute of a schedule"),
    "core.token": gettext_lazy("Token of a program"),
    "mfa.authenticator": gettext_lazy("Second factor"),
    "people.namepart": gettext_lazy("Part of a name"),
    "places.areaalias": gettext_lazy("Other name of an area"),
    "places.areasuccession": gettext_lazy("Succession of areas"),
    "places.facilitycontact": gettext_lazy("Contact of a facility"),
    "places.population": gettext_lazy("Population"),
    "socialaccount.socialaccount": gettext_lazy("Account of single sign-on"),
    "socialaccount.socialapp": gettext_lazy("Provider of single sign-on"),
    "socialaccount.socialtoken": gettext_lazy("Token of single sign-on"),
    "supplies.balance": gettext_lazy("Balance of a store"),
    "supplies.dailyline": gettext_lazy("Line of a daily stock report"),
    "supplies.dailyreport": gettext_lazy("Daily stock report"),
    "supplies.delivery": gettext_lazy("Check of supplies at the door"),
    "supplies.disclosure": gettext_lazy("Report on gifts"),
    "supplies.count": gettext_lazy("Stocktake"),
    "supplies.countline": gettext_lazy("Line of a stocktake"),
    "supplies.entry": gettext_lazy("Sheet of the ledger of supplies"),
    "supplies.item": gettext_lazy("Item of supplies"),
    "supplies.itemcode": gettext_lazy("Code of a package"),
    "supplies.lot": gettext_lazy("Lot of supplies"),
    "supplies.monthclosing": gettext_lazy("Closed month of a store"),
    "supplies.move": gettext_lazy("Line of the ledger of supplies"),
    "supplies.need": gettext_lazy("Need of supplies"),
    "supplies.needline": gettext_lazy("Line of a need of supplies"),
    "supplies.numbering": gettext_lazy("Last number of a store"),
    "supplies.place": gettext_lazy("Place of stock"),
    "supplies.plan": gettext_lazy("Plan of allocation"),
    "supplies.serial": gettext_lazy("Serial of a package"),
    "supplies.scandraft": gettext_lazy("Sheet that is being scanned"),
    "supplies.serialmove": gettext_lazy("Scanned move of a package"),
    "supplies.share": gettext_lazy("Line of a plan of allocation"),
    "supplies.release": gettext_lazy("Emergency release"),
    "supplies.releasepaper": gettext_lazy("Paper of an emergency release"),
    "supplies.shipment": gettext_lazy("Sheet of a plan of allocation"),
    "supplies.supply": gettext_lazy("Source of supplies"),
    "supplies.supplyline": gettext_lazy("Line of a source of supplies"),
    "supplies.transfer": gettext_lazy("Shipment"),
    "supplies.transferline": gettext_lazy("Line of a shipment"),
    "supplies.transferwish": gettext_lazy("What a shipment is to bring"),
    "surveillance.alarm": gettext_lazy("Verdict of a method"),
    "surveillance.answer": gettext_lazy("Answer of an arrival"),
    "surveillance.arrival": gettext_lazy("Arrival"),
    "surveillance.asked": gettext_lazy("Question put to an arrival"),
    "surveillance.bulletin": gettext_lazy("Bulletin"),
    "surveillance.dailyreporting": gettext_lazy("Order of daily reporting"),
    "surveillance.nilreport": gettext_lazy("Nil report"),
    "surveillance.case": gettext_lazy("Case"),
    "surveillance.casenumbering": gettext_lazy("Numbering of cases"),
    "surveillance.checkpoint": gettext_lazy("Checkpoint"),
    "surveillance.countchange": gettext_lazy("Change of a count"),
    "surveillance.custodystep": gettext_lazy("Step of a specimen"),
    "surveillance.doorvisit": gettext_lazy("Visit of a door"),
    "surveillance.finding": gettext_lazy("Finding of a sweep"),
    "surveillance.household": gettext_lazy("Household"),
    "surveillance.sweep": gettext_lazy("Sweep"),
    "surveillance.sweepcell": gettext_lazy("Cell of a sweep"),
    "surveillance.exposure": gettext_lazy("Contact of a case"),
    "surveillance.observation": gettext_lazy("Medical observation"),
    "surveillance.visit": gettext_lazy("Visit of a watched person"),
    "surveillance.dailycount": gettext_lazy("Daily count"),
    "surveillance.passage": gettext_lazy("Passage through a checkpoint"),
    "surveillance.riskarea": gettext_lazy("Announced area"),
    "surveillance.message": gettext_lazy("Message of a laboratory"),
    "surveillance.sentresult": gettext_lazy("Result that a laboratory sent"),
    "surveillance.pool": gettext_lazy("Pool of specimens"),
    "surveillance.poolresult": gettext_lazy("Result of a pool"),
    "surveillance.poolstep": gettext_lazy("Step of a pool"),
    "surveillance.reportcard": gettext_lazy("Report card"),
    "surveillance.result": gettext_lazy("Result of a specimen"),
    "surveillance.specimen": gettext_lazy("Specimen"),
    "surveillance.tubenumbering": gettext_lazy("Numbering of tubes"),
}


@dataclass(frozen=True)
class Story:
    name: str | Promise
    key: int
    lines: list[AuditLine]
    steps: list[Step]


def kind(label: str) -> str | Promise:
    """What sort of record it is: people.person -> Person."""
    if label in _KINDS:
        return _KINDS[label]
    try:
        return apps.get_model(label)._meta.verbose_name or label
    except (LookupError, ValueError):
        return label


def story(label: str, key: int) -> Story:
    """All that is known of one record; 404 for a kind of record that there is not."""
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        raise Http404 from None
    if key >= 2**63:
        raise Http404
    row = model(pk=key)
    lines = queries.history_of(row, limit=100)
    return Story(kind(label), key, lines, describe.steps(row))
