"""Who may open what: one row for each address of the house. Whoever adds an address adds its row.

The roles stand here a second time on purpose, beside the permissions in the parts: a slip there
does not agree with this table. ``docs/access.md`` is drawn from it (``make access``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fangkong.core.roles import Role
from fangkong.supplies.daily import rules as daily

from .counties import County

R = Role
EVERYBODY = "everybody"  # also without signing in
STAFF = "staff"  # whoever is signed in, whatever the role
ALL = frozenset(Role)

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """Who passes, and to which record the address leads.

    - ``who``: roles that pass; the others get 403.
    - ``record``: the kind of record that the address names; staff of another county find nothing
      there (404) unless it is ``house``-wide.
    - ``whole``: only an office for the whole prefecture passes; the same office elsewhere gets 403.
    - ``mine``: the roles among ``who`` whose duty such a record is; the others find nothing.
    - ``shows``: kinds of records that staff of the county see, which proves that a list is not
      empty for everybody.
    - ``sends``, ``query``, ``values``: what makes the request understood.
    - ``gets``: False where only POST is answered.
    - ``full``: what may stand there unmasked.
    - ``foreign``: the body, not the address, names a record of Daofu, which staff of another
      county do not find.
    - ``forbids``: whoever may see the record is still refused (403) where another office acts.
    - ``confirms``: the page first asks for the password again (302).
    - ``lacks``: the record may have none of what is asked (404 for everybody).
    """

    who: frozenset[Role] | str
    record: str = ""
    house: bool = False
    whole: bool = False
    mine: frozenset[Role] | None = None
    shows: tuple[str, ...] = ()
    sends: Callable[[County], Fields] | Fields = field(default_factory=dict)
    query: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    gets: bool = True
    full: frozenset[str] = frozenset()
    foreign: bool = False
    forbids: bool = False
    lacks: bool = False
    confirms: bool = False


CASES = frozenset({R.HEADQUARTERS, R.COUNTY_CDC, R.HOSPITAL, R.INSPECTOR, R.AUDITOR})
WATCHERS = frozenset({R.ADMINISTRATOR, R.SECURITY, R.AUDITOR})
GUARDS = frozenset({R.ADMINISTRATOR, R.SECURITY})
BEDSIDE = frozenset({R.HOSPITAL, R.WARD_STAFF, R.COUNTY_CDC})
ANSWERING = frozenset({R.HEADQUARTERS, R.AUDITOR, R.SECURITY, R.ADMINISTRATOR})
TRAIL = frozenset({R.AUDITOR, R.HEADQUARTERS})
REPORTERS = frozenset({R.HEADQUARTERS, R.COUNTY_CDC, R.HOSPITAL})
SIGNALS = frozenset({R.HEADQUARTERS, R.COUNTY_CDC, R.INSPECTOR, R.AUDITOR})
ANSWERERS = frozenset({R.HEADQUARTERS, R.COUNTY_CDC})
PERSONS = frozenset({R.HEADQUARTERS, R.COUNTY_CDC, R.HOSPITAL, R.WARD_STAFF, R.LABORATORY})
REGISTRARS = frozenset({R.HEADQUARTERS, R.COUNTY_CDC, R.HOSPITAL, R.LABORATORY})
REVEALERS = frozenset({R.HEADQUARTERS, R.COUNTY_CDC, R.HOSPITAL, R.WARD_STAFF})
COMMAND = frozenset({R.HEADQUARTERS, R.COUNTY_CDC, R.INSPECTOR})
DIRECTORY = frozenset({R.HEADQUARTERS, R.COUNTY_CDC, R.ADMINISTRATOR})
# Roles of areas know the persons who live there.
OF_AREAS = frozenset({R.HEADQUARTERS, R.COUNTY_CDC})
FINDERS = frozenset({R.HEADQUARTERS})
# So does a hospital the persons whose cases it reported or whom it had tested, and a laboratory
# those whose specimens come to it; wards see neither.
KNOWING = OF_AREAS | {R.HOSPITAL, R.LABORATORY}
SPECIMENS = CASES | {R.LABORATORY}
HANDLERS = REPORTERS | {R.LABORATORY}
BENCH = frozenset({R.LABORATORY})
PLACE_IMPORTERS = frozenset({R.ADMINISTRATOR, R.HEADQUARTERS})
WORKERS = ALL - {R.AUDITOR}
OVERSEERS = frozenset({R.HEADQUARTERS, R.COUNTY_CDC, R.INSPECTOR, R.AUDITOR})


TOLD = frozenset({R.HEADQUARTERS, R.COUNTY_CDC, R.HOSPITAL, R.INSPECTOR, R.EDITOR, R.AUDITOR})


def nil_report(county: County) -> Fields:
    where = str(county.hospital.public_id)
    return {"facility": where, "condition": "covid-19", "day": "2020-02-04"}


CARD = {
    "condition": "covid-19",
    "case_class": "confirmed",
    "diagnosed_at": "2020-02-05T09:00:00+08:00",
    "relation": "same-county",
    "doctor": "王医生",
}


def report_card(county: County) -> Fields:
    patient = {"name": "扎西", "sex": "1", "birth_date": "1970-01-01", "address": "道孚县鲜水镇"}
    patient["occupation"] = "herder"
    return {"patient": patient, "case": CARD, "facility": str(county.hospital.public_id)}


PRODUCT = {
    "level": "low",
    "certainty": "likely",
    "expires_at": "2020-02-19T20:00:00+08:00",
    "basis": "seven linked cases",
    "title_zh": "减少聚集活动",
    "text_zh": "近日出现聚集性病例。",
}


def product_of_county(county: County) -> Fields:
    event = str(county.records["investigation"].public_id)
    about = {"kind": "tip", "area": county.area.code, "condition": "covid-19"}
    return {**PRODUCT, **about, "investigation": event}


def file_of_cards(county: County) -> Fields:
    return {"file": UPLOAD, "facility": str(county.hospital.public_id)}


def file_of_contacts(county: County) -> Fields:
    return {"file": UPLOAD, "county": county.area.code}


def request_of_person(county: County) -> Fields:
    person = str(county.records["person"].public_id)
    return {"person": person, "kind": "erase", "asker": "self", "proof": "card"}


def joining(county: County) -> Fields:
    keep = str(county.records["pair"].one.public_id)
    return {"keep": keep, "state": "0", "reason": "the same card"}


NOBODYS = "01900000-0000-7000-8000-000000000000"
UPLOAD = "姓名,现住址\n扎西,道孚县鲜水镇\n"

# --- Signing in ---------------------------------------------------------------------------------
SIGNING_IN = {
    "account_login": Row(EVERYBODY),
    "account_logout": Row(EVERYBODY),
    "account_signup": Row(EVERYBODY),
    "account_inactive": Row(EVERYBODY),
    "account_reset_password": Row(EVERYBODY),
    "account_change_password": Row(STAFF),
    "account_set_password": Row(STAFF),
    "account_reauthenticate": Row(STAFF),
    "mfa_index": Row(STAFF),
    "mfa_authenticate": Row(EVERYBODY),  # the second step; others are sent back to the first
    "mfa_reauthenticate": Row(STAFF),
    "mfa_activate_totp": Row(STAFF),
    "mfa_deactivate_totp": Row(STAFF, lacks=True),
    "mfa_view_recovery_codes": Row(STAFF, lacks=True),
    "mfa_generate_recovery_codes": Row(STAFF),
    "mfa_download_recovery_codes": Row(STAFF, lacks=True),
    "mfa_list_webauthn": Row(STAFF),
    "mfa_add_webauthn": Row(STAFF),
    "mfa_login_webauthn": Row(EVERYBODY),
    "mfa_reauthenticate_webauthn": Row(STAFF),
    "mfa_remove_webauthn": Row(STAFF, values={"pk": "1"}),
    "mfa_edit_webauthn": Row(STAFF, values={"pk": "1"}),
    "single_sign_on": Row(EVERYBODY, gets=False, lacks=True),
    "single_sign_on_back": Row(EVERYBODY, lacks=True),
    "set_language": Row(EVERYBODY),
}

# --- Registers ----------------------------------------------------------------------------------
PLACES = {
    "places:index": Row(ALL),
    "places:imports": Row(PLACE_IMPORTERS, values={"what": "areas"}),
    "places:import_template": Row(PLACE_IMPORTERS, values={"what": "areas", "kind": "csv"}),
    "places:import_detail": Row(
        PLACE_IMPORTERS, values={"what": "areas", "public_id": NOBODYS}, lacks=True
    ),
    "places:import_columns": Row(
        PLACE_IMPORTERS, values={"what": "areas", "public_id": NOBODYS}, lacks=True
    ),
    "places:import_progress": Row(
        PLACE_IMPORTERS, values={"what": "areas", "public_id": NOBODYS}, lacks=True
    ),
    "places:import_confirm": Row(
        PLACE_IMPORTERS, values={"what": "areas", "public_id": NOBODYS}, lacks=True, gets=False
    ),
    "places:import_cancel": Row(
        PLACE_IMPORTERS, values={"what": "areas", "public_id": NOBODYS}, lacks=True, gets=False
    ),
    "places:import_errors": Row(
        PLACE_IMPORTERS, values={"what": "areas", "public_id": NOBODYS}, lacks=True
    ),
    "places:facilities": Row(ALL, house=True, shows=("facility",)),
    "places:add_facility": Row(DIRECTORY),
    "places:facility": Row(ALL, "facility", house=True),
    "places:change_facility": Row(DIRECTORY, "facility"),
    "places:add_contact": Row(DIRECTORY, "facility"),
    "places:remove_contact": Row(DIRECTORY, "facility", gets=False),
    "places:detail": Row(ALL, "area", house=True),
    "places:density": Row(ALL, "area", house=True, lacks=True),
    "places:people": Row(ALL, "area", house=True),
    "GET /places/areas/": Row(ALL),
    "GET /places/areas/<code>/": Row(ALL, values={"code": "513326"}),
    "GET /places/facilities/": Row(ALL, house=True, shows=("facility",)),
    "POST /places/facilities/": Row(
        DIRECTORY, sends={"name_zh": "新医院", "kind": "hospital", "area": "513326"}, foreign=True
    ),
    "GET /places/facilities/<public_id>/": Row(ALL, "facility", house=True),
    "PUT /places/facilities/<public_id>/": Row(
        DIRECTORY, "facility", sends={"name_zh": "新名字", "kind": "hospital", "area": "513326"}
    ),
}
ACCOUNTS = {
    "accounts:index": Row(WATCHERS, house=True),
    "accounts:new": Row(frozenset({R.ADMINISTRATOR})),
    "accounts:detail": Row(WATCHERS, "staff", house=True),
    "accounts:appoint": Row(frozenset({R.ADMINISTRATOR}), "staff", house=True),
    "accounts:activate": Row(frozenset({R.ADMINISTRATOR}), "staff", house=True, gets=False),
    "accounts:password": Row(frozenset({R.ADMINISTRATOR}), "staff", house=True),
    "accounts:end": Row(frozenset({R.ADMINISTRATOR}), "staff", house=True, gets=False),
    "accounts:roles": Row(STAFF),
    "accounts:sign_in:index": Row(STAFF),
    "accounts:sign_in:session": Row(EVERYBODY),  # nothing left for who has none
    "accounts:sign_in:end_others": Row(STAFF, gets=False),
    "accounts:sign_in:end": Row(STAFF, gets=False, lacks=True),
    "accounts:sign_in:own": Row(STAFF, gets=False, lacks=True),
    "accounts:sign_in:disown": Row(STAFF, gets=False, lacks=True),
    "accounts:sign_in:of": Row(WATCHERS, "staff", house=True),
    "accounts:sign_in:end_all": Row(GUARDS, "staff", house=True, gets=False),
    "accounts:sign_in:unlock": Row(GUARDS, "staff", house=True, gets=False),
    "accounts:sign_in:reset": Row(GUARDS, "staff", house=True, confirms=True),
    "accounts:sign_in:link": Row(GUARDS, "staff", house=True, confirms=True),
    "accounts:sign_in:unlink": Row(GUARDS, "staff", house=True, gets=False),
    "accounts:emergency:index": Row(BEDSIDE),
    "accounts:emergency:close": Row(BEDSIDE, gets=False, lacks=True),
    "accounts:emergency:uses": Row(frozenset({R.AUDITOR}), house=True),
    "accounts:emergency:check": Row(frozenset({R.AUDITOR}), house=True, lacks=True),
    "POST /accounts/emergency/": Row(
        BEDSIDE,
        sends={"kind": "none", "number": "none", "reason": "the patient is unconscious"},
        lacks=True,
    ),
}
PEOPLE = {
    "people:index": Row(PERSONS, mine=KNOWING, shows=("person",)),
    "people:search": Row(PERSONS, gets=False, sends={"text": "泽仁拉姆措"}),
    "people:reveals": Row(TRAIL, house=True, whole=True),
    "people:duplicates:index": Row(OF_AREAS, shows=("pair",)),
    "people:duplicates:detail": Row(OF_AREAS, "pair"),
    "people:duplicates:merge": Row(OF_AREAS, "pair", gets=False),
    "people:duplicates:keep_apart": Row(OF_AREAS, "pair", gets=False),
    "people:duplicates:reconsider": Row(OF_AREAS, "pair", gets=False),
    "people:duplicates:merges": Row(OF_AREAS, shows=("merge",)),
    "people:duplicates:merged": Row(OF_AREAS, "merge"),
    "people:duplicates:undo": Row(OF_AREAS, "merge", gets=False),
    "people:duplicates:runs": Row(FINDERS, house=True, whole=True),
    "people:duplicates:new_run": Row(FINDERS, house=True, whole=True, gets=False),
    "people:duplicates:run": Row(FINDERS, "search", house=True, whole=True),
    "people:duplicates:progress": Row(FINDERS, "search", house=True, whole=True),
    "GET /people/duplicates/": Row(OF_AREAS, shows=("pair",)),
    "GET /people/duplicates/<public_id>/": Row(OF_AREAS, "pair"),
    "POST /people/duplicates/<public_id>/merge/": Row(OF_AREAS, "pair", sends=joining),
    "POST /people/duplicates/<public_id>/apart/": Row(
        OF_AREAS, "pair", sends={"state": "0", "reason": "two persons"}
    ),
    "POST /people/duplicates/<public_id>/reconsider/": Row(
        OF_AREAS, "pair", sends={"reason": "one person after all"}
    ),
    "GET /people/duplicates/merges/": Row(OF_AREAS, shows=("merge",)),
    "GET /people/duplicates/merges/<public_id>/": Row(OF_AREAS, "merge"),
    "POST /people/duplicates/merges/<public_id>/undo/": Row(
        OF_AREAS, "merge", sends={"reason": "two persons"}
    ),
    "GET /people/duplicates/runs/": Row(FINDERS, house=True, whole=True),
    "POST /people/duplicates/runs/": Row(FINDERS, house=True, whole=True),
    "GET /people/duplicates/runs/<public_id>/": Row(FINDERS, "search", house=True, whole=True),
    "people:requests:index": Row(OF_AREAS, shows=("request",)),
    "people:requests:new": Row(OF_AREAS, "person"),
    "people:requests:detail": Row(OF_AREAS, "request"),
    "people:requests:decide": Row(OF_AREAS, "request", gets=False),
    "people:requests:withdraw": Row(OF_AREAS, "request", gets=False),
    "people:requests:give": Row(OF_AREAS, "request", gets=False),
    "people:requests:lift": Row(OF_AREAS, "request"),
    "GET /people/requests/": Row(OF_AREAS, shows=("request",)),
    "POST /people/requests/": Row(OF_AREAS, sends=request_of_person, foreign=True),
    "GET /people/requests/<public_id>/": Row(OF_AREAS, "request"),
    "POST /people/requests/<public_id>/decide/": Row(
        OF_AREAS, "request", sends={"grant": False, "answer": "not the person"}
    ),
    "POST /people/requests/<public_id>/withdraw/": Row(OF_AREAS, "request"),
    "POST /people/requests/<public_id>/lift/ask/": Row(
        OF_AREAS, "request", sends={"reason": "ill again"}
    ),
    "POST /people/requests/<public_id>/lift/": Row(OF_AREAS, "request", sends={"lift": True}),
    "POST /people/requests/<public_id>/give/": Row(OF_AREAS, "request"),
    "people:detail": Row(PERSONS, "person", mine=KNOWING),
    "people:correct": Row(OF_AREAS, "person", full=frozenset({"name"})),
    "people:add_document": Row(OF_AREAS, "person"),
    "people:add_phone": Row(OF_AREAS, "person"),
    "people:remove_number": Row(OF_AREAS, "person", values={"number_id": NOBODYS}, lacks=True),
    "people:reveal": Row(REVEALERS, "person", mine=KNOWING),
    "GET /people/": Row(PERSONS, mine=KNOWING, shows=("person",)),
    "POST /people/search/": Row(PERSONS, sends={"text": "泽仁拉姆措"}),
    "POST /people/": Row(REGISTRARS, sends={"name": "扎西", "sex": "1", "area": "513326"}),
    "GET /people/<public_id>/": Row(PERSONS, "person", mine=KNOWING),
    "POST /people/<public_id>/correct/": Row(OF_AREAS, "person", sends={"occupation": "teacher"}),
    "POST /people/<public_id>/documents/": Row(
        OF_AREAS, "person", sends={"kind": "passport", "number": "E12345678"}
    ),
    "POST /people/<public_id>/phones/": Row(OF_AREAS, "person", sends={"number": "13800002222"}),
    "POST /people/<public_id>/numbers/remove/": Row(
        OF_AREAS, "person", sends={"number": NOBODYS, "reason": "another person's"}
    ),
    "POST /people/<public_id>/reveal/": Row(
        REVEALERS,
        "person",
        mine=KNOWING,
        sends={"reason": "calls the family about the test", "fields": ["phones"]},
        full=frozenset({"phone"}),
    ),
}

# --- Work ---------------------------------------------------------------------------------------
TASKS = {
    "tasks:index": Row(ALL),
    "tasks:new": Row(ANSWERERS),
    "tasks:detail": Row(ALL, "task", mine=OVERSEERS),
    "tasks:accept": Row(WORKERS, "task", mine=OVERSEERS, gets=False, forbids=True),
    "tasks:finish": Row(WORKERS, "task", mine=OVERSEERS, gets=False, forbids=True),
    "tasks:cancel": Row(ALL, "task", mine=OVERSEERS, gets=False, forbids=True),
    "tasks:reassign": Row(frozenset({R.HEADQUARTERS}), "task"),
    "GET /tasks/": Row(ALL),
    "GET /tasks/<public_id>/": Row(ALL, "task", mine=OVERSEERS),
    "POST /tasks/<public_id>/accept/": Row(WORKERS, "task", mine=OVERSEERS, forbids=True),
    "POST /tasks/<public_id>/finish/": Row(
        WORKERS, "task", mine=OVERSEERS, sends={"proof": "done"}, forbids=True
    ),
}

FILES = {
    "core:files:upload": Row(
        STAFF,
        gets=False,
        values={"use": "tasks.proof"},
        sends={"file": "%PDF-1.4\n%%EOF"},
        forbids=True,
    ),
    "core:files:detail": Row(STAFF, "file", mine=OVERSEERS),
    "core:files:discard": Row(STAFF, "file", mine=OVERSEERS, gets=False, forbids=True),
    "GET /core/files/<public_id>/": Row(STAFF, "file", mine=OVERSEERS),
    "POST /core/files/<use>/": Row(
        STAFF, values={"use": "tasks.proof"}, sends={"file": "%PDF-1.4\n%%EOF"}, forbids=True
    ),
}

# --- Surveillance -------------------------------------------------------------------------------
MONITORING = {
    "surveillance:monitoring:index": Row(CASES, shows=("case",)),
    "surveillance:monitoring:find": Row(CASES, gets=False, sends={"text": "泽仁拉姆措"}),
    "surveillance:monitoring:report": Row(REPORTERS),
    "surveillance:monitoring:counts": Row(CASES),
    "surveillance:monitoring:counts_chart": Row(CASES),
    "surveillance:monitoring:counts_map": Row(CASES),
    "surveillance:monitoring:imports": Row(REPORTERS, shows=("import",)),
    "surveillance:monitoring:import_template": Row(REPORTERS, values={"kind": "csv"}),
    "surveillance:monitoring:import_detail": Row(
        REPORTERS, "import", full=frozenset({"imported name"})
    ),
    "surveillance:monitoring:import_columns": Row(
        REPORTERS, "import", full=frozenset({"imported name"})
    ),
    "surveillance:monitoring:import_progress": Row(
        REPORTERS, "import", full=frozenset({"imported name"})
    ),
    "surveillance:monitoring:import_confirm": Row(REPORTERS, "import", gets=False),
    "surveillance:monitoring:import_cancel": Row(REPORTERS, "import", gets=False),
    "surveillance:monitoring:import_errors": Row(
        REPORTERS, "import", full=frozenset({"imported name"})
    ),
    "surveillance:monitoring:overdue": Row(CASES, "area"),
    "surveillance:monitoring:detail": Row(CASES, "case"),
    "surveillance:monitoring:revise": Row(REPORTERS, "case"),
    "surveillance:monitoring:accept": Row(
        frozenset({R.COUNTY_CDC}), "case", gets=False, sends={"card": 1}
    ),
    "surveillance:monitoring:return": Row(
        frozenset({R.COUNTY_CDC}), "case", gets=False, sends={"card": 1}
    ),
    "GET /surveillance/monitoring/choices/": Row(CASES),  # what the law lets a card say
    "GET /surveillance/monitoring/cases/": Row(CASES, shows=("case",)),
    "POST /surveillance/monitoring/cases/": Row(REPORTERS, sends=report_card, foreign=True),
    "GET /surveillance/monitoring/cases/<public_id>/": Row(CASES, "case"),
    "POST /surveillance/monitoring/cases/<public_id>/revise/": Row(
        REPORTERS, "case", sends={"case": CARD, "reason": "typed wrong"}
    ),
    "POST /surveillance/monitoring/cases/<public_id>/review/": Row(
        frozenset({R.COUNTY_CDC}), "case", sends={"accept": True, "card": 1}
    ),
    "GET /surveillance/monitoring/counts/": Row(
        CASES, query="condition=covid-19&first=2020-02-01&last=2020-02-05"
    ),
    "POST /surveillance/monitoring/imports/": Row(REPORTERS, sends=file_of_cards, foreign=True),
    "GET /surveillance/monitoring/imports/<public_id>/": Row(
        REPORTERS, "import", full=frozenset({"imported name"})
    ),
    "POST /surveillance/monitoring/imports/<public_id>/confirm/": Row(REPORTERS, "import"),
    "POST /surveillance/monitoring/imports/<public_id>/match/": Row(
        REPORTERS, "import", sends={"fields": []}
    ),
}
WARNING = {
    "surveillance:warning:index": Row(SIGNALS, shows=("signal",)),
    "surveillance:warning:runs": Row(SIGNALS),
    "surveillance:warning:new_run": Row(ANSWERERS, gets=False),
    "surveillance:warning:run": Row(SIGNALS, "run", house=True),
    "surveillance:warning:progress": Row(SIGNALS, "run", house=True),
    "surveillance:warning:detail": Row(SIGNALS, "signal"),
    "surveillance:warning:curve": Row(SIGNALS, "signal"),
    "surveillance:warning:verify": Row(ANSWERERS, "signal", gets=False),
    "surveillance:warning:answer": Row(ANSWERERS, "signal", gets=False),
    "surveillance:warning:investigate": Row(ANSWERERS, "signal", gets=False),
    "surveillance:warning:response": Row(SIGNALS, query="county="),
    "surveillance:warning:response_chart": Row(SIGNALS),
    "surveillance:warning:replay": Row(SIGNALS),
    "surveillance:warning:investigations": Row(SIGNALS, shows=("investigation",)),
    "surveillance:warning:investigation": Row(SIGNALS, "investigation"),
    "surveillance:warning:set_out": Row(ANSWERERS, "investigation", gets=False),
    "surveillance:warning:findings": Row(ANSWERERS, "investigation"),
    "surveillance:warning:conclude": Row(ANSWERERS, "investigation", gets=False),
    "surveillance:warning:reopen": Row(ANSWERERS, "investigation", gets=False),
    "surveillance:warning:products": Row(SIGNALS, shows=("product",)),
    "surveillance:warning:new_product": Row(ANSWERERS),
    "surveillance:warning:product": Row(SIGNALS, "product"),
    "surveillance:warning:edit_product": Row(ANSWERERS, "product"),
    "surveillance:warning:approve_product": Row(ANSWERERS, "product", gets=False),
    "surveillance:warning:return_product": Row(ANSWERERS, "product", gets=False),
    "surveillance:warning:issue_product": Row(ANSWERERS, "product", gets=False),
    "surveillance:warning:update_product": Row(ANSWERERS, "product", gets=False),
    "surveillance:warning:cancel_product": Row(ANSWERERS, "product", gets=False),
    "surveillance:warning:cap": Row(SIGNALS, "product"),
    "GET /surveillance/warning/products/": Row(SIGNALS, shows=("product",)),
    "POST /surveillance/warning/products/": Row(ANSWERERS, sends=product_of_county, foreign=True),
    "GET /surveillance/warning/products/<public_id>/": Row(SIGNALS, "product"),
    "GET /surveillance/warning/products/<public_id>/cap/": Row(SIGNALS, "product"),
    "POST /surveillance/warning/products/<public_id>/edit/": Row(
        ANSWERERS, "product", sends=PRODUCT
    ),
    "POST /surveillance/warning/products/<public_id>/approve/": Row(ANSWERERS, "product"),
    "POST /surveillance/warning/products/<public_id>/return/": Row(
        ANSWERERS, "product", sends={"reason": "say it better"}
    ),
    "POST /surveillance/warning/products/<public_id>/issue/": Row(ANSWERERS, "product"),
    "POST /surveillance/warning/products/<public_id>/update/": Row(ANSWERERS, "product"),
    "POST /surveillance/warning/products/<public_id>/cancel/": Row(
        ANSWERERS, "product", sends={"reason": "not needed now"}
    ),
    "GET /surveillance/warning/investigations/": Row(SIGNALS, shows=("investigation",)),
    "GET /surveillance/warning/investigations/<public_id>/": Row(SIGNALS, "investigation"),
    "POST /surveillance/warning/investigations/<public_id>/set-out/": Row(
        ANSWERERS, "investigation"
    ),
    "POST /surveillance/warning/investigations/<public_id>/findings/": Row(
        ANSWERERS, "investigation", sends={"cases_found": 7, "measures": "contacts are visited"}
    ),
    "POST /surveillance/warning/investigations/<public_id>/conclude/": Row(
        ANSWERERS, "investigation", sends={"conclusion": "no_event", "reason": "counted twice"}
    ),
    "POST /surveillance/warning/investigations/<public_id>/reopen/": Row(
        ANSWERERS, "investigation", sends={"reason": "two more cases"}
    ),
    "POST /surveillance/warning/signals/<public_id>/investigate/": Row(ANSWERERS, "signal"),
    "GET /surveillance/warning/response/": Row(SIGNALS, query="first=2020-02-01&last=2020-02-06"),
    "GET /surveillance/warning/replay/": Row(
        SIGNALS, query="condition=covid-19&first=2020-02-01&last=2020-02-05"
    ),
    "GET /surveillance/warning/signals/": Row(SIGNALS, shows=("signal",)),
    "GET /surveillance/warning/signals/<public_id>/": Row(SIGNALS, "signal"),
    "POST /surveillance/warning/signals/<public_id>/verify/": Row(ANSWERERS, "signal"),
    "POST /surveillance/warning/signals/<public_id>/answer/": Row(
        ANSWERERS, "signal", sends={"outcome": "false_alarm", "note": "counted twice"}
    ),
    "GET /surveillance/warning/runs/": Row(SIGNALS),
    "POST /surveillance/warning/runs/": Row(ANSWERERS, sends={"day": "2020-02-05"}),
}


def request_of_test(county: County) -> Fields:
    person, hospital = county.records["person"], str(county.hospital.public_id)
    codes = {"condition": "covid-19", "group": "patient", "specimen_type": "sputum"}
    named = {"person": str(person.public_id), "facility": hospital, "laboratory": hospital}
    return {**codes, **named}


def pool_of_many(county: County) -> Fields:
    hospital = str(county.hospital.public_id)
    codes = {"condition": "covid-19", "rule": "five-in-one", "group": "arrival"}
    named = {"facility": hospital, "laboratory": hospital}
    return {**codes, "specimen_type": "oropharyngeal-swab", **named}


def contact_of_case(county: County) -> Fields:
    case = county.records["case"]
    person = case.person  # whom the county knows; that nobody is their own contact is told
    days = {"first_date": "2020-02-05", "last_date": "2020-02-05", "kind": "same-ward"}
    return {"case": str(case.public_id), "person": str(person.public_id), **days}


def visits_of_many(county: County) -> Fields:
    return {"observations": [str(county.records["observation"].public_id)]}


def unit_of_county(county: County) -> Fields:
    return {"unit": str(county.hospital.public_id)}


READ_OF_A_FILE = ("detail", "columns", "progress", "errors")
# Whom a unit visits it sees; this observation is of a county without one.
SCREENING = {
    "surveillance:screening:index": Row(CASES, mine=SIGNALS, shows=("observation",)),
    "surveillance:screening:today": Row(CASES),
    "surveillance:screening:follow_up": Row(CASES),
    "surveillance:screening:follow_up_map": Row(CASES),
    "surveillance:screening:many": Row(REPORTERS, gets=False),
    "surveillance:screening:contacts": Row(SIGNALS, "case"),
    "surveillance:screening:find": Row(ANSWERERS, "case", gets=False, sends={"text": "无此人"}),
    "surveillance:screening:judge_anew": Row(ANSWERERS, "case", gets=False),
    "surveillance:screening:chain": Row(SIGNALS, "case"),
    "surveillance:screening:chain_csv": Row(SIGNALS, "case"),
    "surveillance:screening:chain_svg": Row(SIGNALS, "case"),
    "surveillance:screening:contact": Row(SIGNALS, "exposure"),
    "surveillance:screening:judge": Row(ANSWERERS, "exposure", gets=False),
    "surveillance:screening:withdraw": Row(ANSWERERS, "exposure", gets=False),
    "surveillance:screening:name_source": Row(ANSWERERS, "exposure", gets=False),
    "surveillance:screening:imports": Row(ANSWERERS),
    "surveillance:screening:import_template": Row(ANSWERERS, values={"kind": "csv"}),
    **{
        f"surveillance:screening:import_{page}": Row(
            ANSWERERS, values={"public_id": NOBODYS}, lacks=True, gets=page in READ_OF_A_FILE
        )
        for page in (*READ_OF_A_FILE, "confirm", "cancel")
    },
    "surveillance:screening:detail": Row(CASES, "observation", mine=SIGNALS),
    "surveillance:screening:visit": Row(REPORTERS, "observation", mine=ANSWERERS),
    "surveillance:screening:correct_visit": Row(
        REPORTERS, "observation", values={"visit_id": NOBODYS}, lacks=True
    ),
    "surveillance:screening:release": Row(ANSWERERS, "observation", gets=False),
    "surveillance:screening:end": Row(ANSWERERS, "observation", gets=False),
    "surveillance:screening:hand_over": Row(ANSWERERS, "observation", gets=False),
    "surveillance:screening:assign": Row(ANSWERERS, "observation", gets=False),
    "GET /surveillance/screening/choices/": Row(CASES),  # what the law lets a contact say
    "POST /surveillance/screening/imports/": Row(ANSWERERS, sends=file_of_contacts, foreign=True),
    "GET /surveillance/screening/imports/<public_id>/": Row(
        ANSWERERS, values={"public_id": NOBODYS}, lacks=True
    ),
    "POST /surveillance/screening/imports/<public_id>/confirm/": Row(
        ANSWERERS, values={"public_id": NOBODYS}, lacks=True
    ),
    "POST /surveillance/screening/imports/<public_id>/match/": Row(
        ANSWERERS, values={"public_id": NOBODYS}, lacks=True, sends={"fields": []}
    ),
    "GET /surveillance/screening/contacts/": Row(SIGNALS, shows=("exposure",)),
    "POST /surveillance/screening/contacts/": Row(ANSWERERS, sends=contact_of_case, foreign=True),
    "POST /surveillance/screening/cases/<public_id>/contacts/judge-anew/": Row(ANSWERERS, "case"),
    "GET /surveillance/screening/contacts/<public_id>/": Row(SIGNALS, "exposure"),
    "POST /surveillance/screening/contacts/<public_id>/judge/": Row(
        ANSWERERS, "exposure", sends={"contact_class": "", "reason": "typed wrong"}
    ),
    "POST /surveillance/screening/contacts/<public_id>/withdraw/": Row(
        ANSWERERS, "exposure", sends={"reason": "typed wrong"}
    ),
    "POST /surveillance/screening/contacts/<public_id>/source/": Row(ANSWERERS, "exposure"),
    "GET /surveillance/screening/cases/<public_id>/chain/": Row(SIGNALS, "case"),
    "GET /surveillance/screening/today/": Row(CASES),
    "GET /surveillance/screening/loads/": Row(CASES),
    "GET /surveillance/screening/observations/": Row(CASES, mine=SIGNALS, shows=("observation",)),
    "POST /surveillance/screening/visits/": Row(
        REPORTERS, sends=visits_of_many, foreign=True, lacks=True
    ),
    "GET /surveillance/screening/observations/<public_id>/": Row(
        CASES, "observation", mine=SIGNALS
    ),
    "POST /surveillance/screening/observations/<public_id>/visits/": Row(
        REPORTERS, "observation", mine=ANSWERERS
    ),
    "GET /surveillance/screening/observations/<public_id>/visits/<visit_id>/": Row(
        CASES, "observation", values={"visit_id": NOBODYS}, lacks=True
    ),
    "PUT /surveillance/screening/observations/<public_id>/visits/<visit_id>/": Row(
        REPORTERS, "observation", values={"visit_id": NOBODYS}, lacks=True
    ),
    "POST /surveillance/screening/observations/<public_id>/release/": Row(ANSWERERS, "observation"),
    "POST /surveillance/screening/observations/<public_id>/end/": Row(
        ANSWERERS, "observation", sends={"ending": "error", "reason": "typed wrong"}
    ),
    "POST /surveillance/screening/observations/<public_id>/hand-over/": Row(
        ANSWERERS, "observation", sends={"county": "513328", "reason": "went home"}
    ),
    "POST /surveillance/screening/observations/<public_id>/assign/": Row(
        ANSWERERS, "observation", sends=unit_of_county
    ),
}
DRAFTED = {"condition": "covid-19", "day": "2020-02-03"}
BULLETINS = {
    "surveillance:bulletins:index": Row(TOLD, mine=ANSWERERS, shows=("bulletin",)),
    "surveillance:bulletins:new": Row(ANSWERERS),
    "surveillance:bulletins:daily": Row(TOLD),
    "surveillance:bulletins:daily_map": Row(TOLD),
    "surveillance:bulletins:nil": Row(REPORTERS, gets=False, sends=nil_report, foreign=True),
    "surveillance:bulletins:order": Row(FINDERS, whole=True),
    "surveillance:bulletins:end": Row(FINDERS, "order", whole=True, house=True, gets=False),
    "surveillance:bulletins:detail": Row(TOLD, "bulletin", mine=ANSWERERS),
    "surveillance:bulletins:chart": Row(TOLD, "bulletin", mine=ANSWERERS),
    "surveillance:bulletins:change": Row(ANSWERERS, "bulletin"),
    "surveillance:bulletins:recount": Row(ANSWERERS, "bulletin", gets=False),
    "surveillance:bulletins:issue": Row(ANSWERERS, "bulletin", gets=False),
    "surveillance:bulletins:drop": Row(ANSWERERS, "bulletin", gets=False),
    "surveillance:bulletins:correct": Row(ANSWERERS, "bulletin", gets=False),
    "GET /surveillance/bulletins/": Row(TOLD, mine=ANSWERERS, shows=("bulletin",)),
    "POST /surveillance/bulletins/": Row(
        ANSWERERS, sends=lambda county: {**DRAFTED, "area": county.area.code}
    ),
    "GET /surveillance/bulletins/<public_id>/": Row(TOLD, "bulletin", mine=ANSWERERS),
    "POST /surveillance/bulletins/<public_id>/change/": Row(
        ANSWERERS, "bulletin", sends={"figures": {"cured": 1}, "reason": "told by phone"}
    ),
    "POST /surveillance/bulletins/<public_id>/recount/": Row(ANSWERERS, "bulletin"),
    "POST /surveillance/bulletins/<public_id>/issue/": Row(ANSWERERS, "bulletin"),
    "POST /surveillance/bulletins/<public_id>/drop/": Row(
        ANSWERERS, "bulletin", sends={"reason": "anew"}
    ),
    "POST /surveillance/bulletins/<public_id>/correct/": Row(
        ANSWERERS, "bulletin", sends={"reason": "one more"}
    ),
    "GET /surveillance/bulletins/daily/": Row(TOLD, query="condition=covid-19&day=2020-02-05"),
    "POST /surveillance/bulletins/daily/nil/": Row(REPORTERS, sends=nil_report, foreign=True),
    "GET /surveillance/bulletins/daily/orders/": Row(TOLD),
    "POST /surveillance/bulletins/daily/orders/": Row(
        FINDERS,
        whole=True,
        sends={
            "condition": "influenza",
            "first_day": "2020-02-05",
            "due_hour": 9,
            "basis": "no. 3",
        },
    ),
    "POST /surveillance/bulletins/daily/orders/<public_id>/end/": Row(
        FINDERS, "order", whole=True, house=True, sends={"last_day": "2020-02-05"}
    ),
}
GATES = frozenset({R.HEADQUARTERS, R.COUNTY_CDC, R.HOSPITAL, R.FIELD_WORKER})
COMERS = frozenset({*GATES, R.INSPECTOR, R.AUDITOR})
SEES_COMERS = COMERS - {R.HOSPITAL}  # the arrival is no township's whose health centre is theirs
NOBODY = {"who": "nonsense"}  # a word of a look-up, which nobody else may use
POST = {"road": "G317", "duties": ["register"]}
ARRIVALS = {
    "surveillance:arrivals:index": Row(COMERS, mine=SEES_COMERS, shows=("arrival",)),
    "surveillance:arrivals:find": Row(GATES, sends={"text": "泽仁拉姆措"}),
    # Without the word of a look-up it leads back to it.
    "surveillance:arrivals:ask": Row(GATES, confirms=True),
    "surveillance:arrivals:figures": Row(COMERS),
    "surveillance:arrivals:figures_chart": Row(COMERS),
    "surveillance:arrivals:figures_csv": Row(COMERS),
    "surveillance:arrivals:checkpoints": Row(COMERS, mine=SEES_COMERS, shows=("checkpoint",)),
    "surveillance:arrivals:new_checkpoint": Row(ANSWERERS),
    "surveillance:arrivals:checkpoint": Row(COMERS, "checkpoint", mine=SEES_COMERS),
    "surveillance:arrivals:change_checkpoint": Row(ANSWERERS, "checkpoint"),
    "surveillance:arrivals:close": Row(ANSWERERS, "checkpoint", gets=False),
    "surveillance:arrivals:risk_areas": Row(COMERS),
    "surveillance:arrivals:announce": Row(FINDERS, whole=True),
    "surveillance:arrivals:risk_area": Row(COMERS, "risk area", house=True),
    "surveillance:arrivals:detail": Row(COMERS, "arrival", mine=SEES_COMERS),
    "surveillance:arrivals:reveal": Row(REPORTERS, "arrival", mine=ANSWERERS),
    "surveillance:arrivals:receive": Row(ANSWERERS, "arrival", gets=False),
    "surveillance:arrivals:miss": Row(ANSWERERS, "arrival", gets=False),
    "surveillance:arrivals:judge_again": Row(ANSWERERS, "arrival", gets=False),
    "surveillance:arrivals:withdraw": Row(ANSWERERS, "arrival", gets=False),
    "POST /surveillance/arrivals/search/": Row(GATES, sends={"text": "泽仁拉姆措"}),
    "POST /surveillance/arrivals/ask/": Row(GATES, sends=NOBODY, lacks=True),
    "POST /surveillance/arrivals/registered/": Row(GATES, sends=NOBODY, lacks=True),
    "GET /surveillance/arrivals/registered/": Row(COMERS, mine=SEES_COMERS, shows=("arrival",)),
    "GET /surveillance/arrivals/registered/<public_id>/": Row(COMERS, "arrival", mine=SEES_COMERS),
    "POST /surveillance/arrivals/registered/<public_id>/reveal/": Row(
        REPORTERS, "arrival", mine=ANSWERERS, sends={"reason": "tracing contacts"}
    ),
    "POST /surveillance/arrivals/registered/<public_id>/receive/": Row(ANSWERERS, "arrival"),
    "POST /surveillance/arrivals/registered/<public_id>/miss/": Row(
        ANSWERERS, "arrival", sends={"reason": "not at home"}
    ),
    "POST /surveillance/arrivals/registered/<public_id>/judge/": Row(ANSWERERS, "arrival"),
    "POST /surveillance/arrivals/registered/<public_id>/withdraw/": Row(
        ANSWERERS, "arrival", sends={"reason": "typed wrong"}
    ),
    "GET /surveillance/arrivals/figures/": Row(COMERS),
    "GET /surveillance/arrivals/checkpoints/": Row(COMERS, mine=SEES_COMERS, shows=("checkpoint",)),
    "POST /surveillance/arrivals/checkpoints/": Row(
        ANSWERERS, sends=lambda county: {"facility": NOBODYS}, lacks=True
    ),
    "GET /surveillance/arrivals/checkpoints/<public_id>/": Row(
        COMERS, "checkpoint", mine=SEES_COMERS
    ),
    "PUT /surveillance/arrivals/checkpoints/<public_id>/": Row(ANSWERERS, "checkpoint", sends=POST),
    "POST /surveillance/arrivals/checkpoints/<public_id>/close/": Row(ANSWERERS, "checkpoint"),
    "GET /surveillance/arrivals/announced/": Row(COMERS),
    "POST /surveillance/arrivals/announced/": Row(
        FINDERS,
        whole=True,
        sends={
            "area": "贵阳",
            "tier": "ganzi-4-key-area",
            "valid_from": "2020-02-05",
            "source": "notice",
        },
    ),
    "POST /surveillance/arrivals/announced/<public_id>/end/": Row(
        FINDERS, "risk area", whole=True, house=True, sends={"valid_to": "2020-02-10"}
    ),
}
# A checkpoint's own worker has no cell, a hospital none of its own.
SWEEPERS = SIGNALS
WALKS = frozenset({R.HEADQUARTERS, R.COUNTY_CDC})
NO_DOOR = {"door_id": NOBODYS}
SWEEP = {"title": "again", "first_date": "2020-02-05", "last_date": "2020-02-05"}
DONE_AT_DOOR = {"outcome": "absent"}
SWEEPS = {
    "surveillance:sweeps:index": Row(COMERS, mine=SWEEPERS, shows=("sweep",)),
    "surveillance:sweeps:new": Row(ANSWERERS),
    "surveillance:sweeps:finding": Row(COMERS, "finding of a sweep", mine=SWEEPERS),
    "surveillance:sweeps:detail": Row(COMERS, "sweep", mine=SWEEPERS),
    "surveillance:sweeps:running_map": Row(COMERS),
    "surveillance:sweeps:coverage_map": Row(COMERS, "sweep", mine=SWEEPERS),
    "surveillance:sweeps:coverage_csv": Row(COMERS, "sweep", mine=SWEEPERS),
    "surveillance:sweeps:end": Row(ANSWERERS, "sweep", gets=False),
    "surveillance:sweeps:doors": Row(
        COMERS, "sweep", mine=SWEEPERS, values={"cell_id": NOBODYS}, lacks=True
    ),
    "surveillance:sweeps:door": Row(GATES, "sweep", mine=WALKS, values=NO_DOOR, lacks=True),
    "surveillance:sweeps:ill": Row(GATES, "sweep", mine=WALKS, values=NO_DOOR, lacks=True),
    "surveillance:sweeps:remove": Row(ANSWERERS, "sweep", values=NO_DOOR, gets=False, lacks=True),
    "GET /surveillance/sweeps/": Row(COMERS, mine=SWEEPERS, shows=("sweep",)),
    "POST /surveillance/sweeps/": Row(
        ANSWERERS, sends=lambda county: {**SWEEP, "cells": [NOBODYS]}, lacks=True
    ),
    "GET /surveillance/sweeps/counties/": Row(COMERS),
    "GET /surveillance/sweeps/<public_id>/": Row(COMERS, "sweep", mine=SWEEPERS),
    "POST /surveillance/sweeps/<public_id>/end/": Row(ANSWERERS, "sweep"),
    "GET /surveillance/sweeps/<public_id>/cells/<cell_id>/": Row(
        COMERS, "sweep", mine=SWEEPERS, values={"cell_id": NOBODYS}, lacks=True
    ),
    "POST /surveillance/sweeps/<public_id>/doors/": Row(
        GATES,
        "sweep",
        mine=WALKS,
        lacks=True,
        sends=lambda county: {"cell": NOBODYS, "doors": "1"},
    ),
    "POST /surveillance/sweeps/<public_id>/doors/<door_id>/visit/": Row(
        GATES, "sweep", mine=WALKS, values=NO_DOOR, sends=DONE_AT_DOOR, lacks=True
    ),
    "POST /surveillance/sweeps/<public_id>/doors/<door_id>/ill/": Row(
        GATES,
        "sweep",
        mine=WALKS,
        values=NO_DOOR,
        lacks=True,
        sends={"name": "甲", "symptoms": ["fever"]},
    ),
    "POST /surveillance/sweeps/<public_id>/doors/<door_id>/remove/": Row(
        ANSWERERS, "sweep", values=NO_DOOR, lacks=True
    ),
    "GET /surveillance/sweeps/<public_id>/findings/": Row(COMERS, "sweep", mine=SWEEPERS),
}
STOCK_ROLES = frozenset(
    {
        R.HEADQUARTERS,
        R.COUNTY_CDC,
        R.HOSPITAL,
        R.WARD_STAFF,
        R.STORE_KEEPER,
        R.INSPECTOR,
        R.AUDITOR,
    }
)
KEEPERS = frozenset({R.STORE_KEEPER, R.COUNTY_CDC, R.HOSPITAL})
HOLDERS = frozenset({R.STORE_KEEPER, R.HEADQUARTERS})
CATALOGUE = frozenset({R.HEADQUARTERS, R.ADMINISTRATOR})
WHY_HELD = {"reason": "存疑"}
AN_ITEM = {"code": "new-item", "name_zh": "新品种", "kind": "other", "unit": "piece"}


def into_store(county: County) -> Fields:
    place = str(county.records["stock place"].public_id)
    item = str(county.records["item"].public_id)
    return {"place": place, "lines": [{"item": item, "quantity": 1}]}


def out_of_store(county: County) -> Fields:
    said = dict(into_store(county))
    return {"source": said.pop("place"), **said}


def lost(county: County) -> Fields:
    place = str(county.records["stock place"].public_id)
    lot = str(county.records["lot"].public_id)
    return {"place": place, "lot": lot, "quantity": 1, "reason": "broken", "note": "进水"}


ASKERS = frozenset({R.COUNTY_CDC, R.HOSPITAL})


def goods_asked(county: County) -> Fields:
    days = {"first_day": "2020-02-05", "last_day": "2020-02-11", "reason": "一周用量"}
    return {**into_store(county), **days}


def patients_foreseen(county: County) -> Fields:
    place = str(county.records["stock place"].public_id)
    forecast = {"who": "sampler", "heads": {"0.5": [3]}}
    return {"place": place, "forecasts": [forecast]}


GIVEN = STOCK_ROLES - {R.WARD_STAFF}
PLANNERS = frozenset({R.HEADQUARTERS})
PLANS = frozenset({R.HEADQUARTERS, R.INSPECTOR, R.AUDITOR})


def goods_shared_out(county: County) -> Fields:
    said = {"store": str(county.records["stock place"].public_id), "first_day": "2020-02-05"}
    return {**said, "items": [{"item": str(county.records["item"].public_id)}]}


def line_changed(county: County) -> Fields:
    return {"line": county.records["plan"].shares.first().pk, "quantity": 1, "reason": "疫情加重"}


ALLOCATION = {
    "supplies:allocation:index": Row(PLANS, whole=True),
    "supplies:allocation:given": Row(GIVEN),
    "supplies:allocation:new": Row(PLANNERS, whole=True),
    "supplies:allocation:detail": Row(PLANS, "plan", house=True, whole=True),
    "supplies:allocation:plan_map": Row(PLANS, "plan", house=True, whole=True),
    "supplies:allocation:progress": Row(PLANS, "plan", house=True, whole=True),
    "supplies:allocation:adjust": Row(
        PLANNERS, "plan", house=True, whole=True, values={"line": "0"}, lacks=True
    ),
    "supplies:allocation:approve": Row(PLANNERS, "plan", house=True, whole=True, gets=False),
    "supplies:allocation:drop": Row(PLANNERS, "plan", house=True, whole=True),
    "GET /supplies/allocation/plans/": Row(PLANS, whole=True),
    "GET /supplies/allocation/plans/<public_id>/": Row(PLANS, "plan", house=True, whole=True),
    "GET /supplies/allocation/plans/<public_id>/problem/": Row(
        PLANS, "plan", house=True, whole=True
    ),
    "GET /supplies/allocation/given/": Row(GIVEN),
    "POST /supplies/allocation/plans/": Row(PLANNERS, whole=True, sends=goods_shared_out),
    "POST /supplies/allocation/plans/<public_id>/adjust/": Row(
        PLANNERS, "plan", house=True, whole=True, sends=line_changed
    ),
    "POST /supplies/allocation/plans/<public_id>/approve/": Row(
        PLANNERS, "plan", house=True, whole=True
    ),
    "POST /supplies/allocation/plans/<public_id>/drop/": Row(
        PLANNERS, "plan", house=True, whole=True, sends=WHY_HELD
    ),
}
AT_ITEM = {"code": "surgical-mask"}
DEMAND = {
    "supplies:demand:index": Row(STOCK_ROLES, shows=("stock place",)),
    "supplies:demand:item": Row(STOCK_ROLES, "item", house=True),
    "supplies:demand:item_chart": Row(STOCK_ROLES, "item", house=True),
    "supplies:demand:place": Row(STOCK_ROLES, "stock place"),
    "supplies:demand:cover": Row(STOCK_ROLES, "stock place", values=AT_ITEM),
    "supplies:demand:cover_chart": Row(STOCK_ROLES, "stock place", values=AT_ITEM),
    "supplies:demand:ahead": Row(STOCK_ROLES),
    "supplies:demand:norms": Row(STOCK_ROLES),
    "supplies:demand:needs": Row(STOCK_ROLES, shows=("need",)),
    "supplies:demand:ask": Row(ASKERS),
    "supplies:demand:need": Row(STOCK_ROLES, "need"),
    "supplies:demand:replace": Row(ASKERS, "need"),
    "supplies:demand:withdraw": Row(ASKERS, "need"),
    "GET /supplies/demand/cover/": Row(STOCK_ROLES, shows=("stock place",)),
    "POST /supplies/demand/projection/": Row(STOCK_ROLES, sends=patients_foreseen, foreign=True),
    "GET /supplies/demand/norms/": Row(STOCK_ROLES),
    "GET /supplies/demand/needs/": Row(STOCK_ROLES, shows=("need",)),
    "GET /supplies/demand/needs/<public_id>/": Row(STOCK_ROLES, "need"),
    "POST /supplies/demand/needs/": Row(ASKERS, sends=goods_asked, foreign=True),
    "POST /supplies/demand/needs/<public_id>/replace/": Row(ASKERS, "need", sends=goods_asked),
    "POST /supplies/demand/needs/<public_id>/withdraw/": Row(ASKERS, "need", sends=WHY_HELD),
}
DAILY_ROLES = frozenset({R.HEADQUARTERS, R.COUNTY_CDC, R.INSPECTOR, R.AUDITOR})
DAILY_FILERS = frozenset({R.HEADQUARTERS, R.COUNTY_CDC})
UNFILED = "day=2020-02-01"


def nothing_moved(county: County) -> Fields:
    """The digest of a day on which nothing was there."""
    return {
        "county": str(county.area.public_id),
        "day": "2020-02-01",
        "digest": daily.digest([]),
    }


DAILY = {
    "supplies:daily:index": Row(DAILY_ROLES, shows=("daily report",)),
    "supplies:daily:day": Row(DAILY_ROLES, shows=("daily report",)),
    "supplies:daily:county": Row(DAILY_ROLES, "area", query=UNFILED),
    "supplies:daily:file": Row(DAILY_FILERS, "area", query=UNFILED),
    "supplies:daily:report": Row(DAILY_ROLES, "daily report"),
    "supplies:daily:correct": Row(DAILY_FILERS, "daily report"),
    "GET /supplies/daily/counties/<public_id>/figures/": Row(DAILY_ROLES, "area", query=UNFILED),
    "GET /supplies/daily/own/figures/": Row(
        DAILY_ROLES - {R.COUNTY_CDC}, whole=True, query=UNFILED
    ),
    "GET /supplies/daily/reports/": Row(DAILY_ROLES, shows=("daily report",)),
    "GET /supplies/daily/reports/<public_id>/": Row(DAILY_ROLES, "daily report"),
    "POST /supplies/daily/reports/": Row(DAILY_FILERS, sends=nothing_moved, foreign=True),
    "POST /supplies/daily/reports/<public_id>/correct/": Row(
        DAILY_FILERS,
        "daily report",
        sends=lambda county: {"digest": daily.digest([]), "reason": "补录"},
    ),
}
APPROVERS = frozenset({R.HEADQUARTERS, R.COUNTY_CDC, R.HOSPITAL, R.STORE_KEEPER})


def found_lot(county: County) -> Fields:
    return {"item": str(county.records["item"].public_id), "quantity": 1}


def a_shipment(county: County) -> Fields:
    """From the county's store to whichever other one the user may name: a place of nobody here."""
    said = into_store(county)
    return {"source": said["place"], "target": NOBODYS, "lines": said["lines"]}


def a_scan(county: County) -> Fields:
    place = str(county.records["stock place"].public_id)
    return {"text": "(01)09506000134352(10)LOT-1", "place": place}


def a_code(county: County) -> Fields:
    return {"gtin": "09506000134369", "item": str(county.records["item"].public_id)}


def a_correction(county: County) -> Fields:
    return {"item": str(county.records["item"].public_id), "unit": "", "reason": "扫错了箱子"}


def a_call(county: County) -> Fields:
    said = into_store(county)
    (line,) = said["lines"]
    return {"source": said["place"], **line, "to": "县医院", "called_by": "指挥部"}


STOCK = {
    "supplies:stock:scan": Row(STOCK_ROLES),
    "supplies:stock:scan_in": Row(KEEPERS),
    "supplies:stock:scan_out": Row(KEEPERS),
    "supplies:stock:codes": Row(STOCK_ROLES),
    "supplies:stock:code": Row(STOCK_ROLES, "item code", house=True),
    "supplies:stock:correct_code": Row(KEEPERS, "item code", house=True),
    "supplies:stock:serials": Row(STOCK_ROLES, shows=("serial",)),
    "supplies:stock:serial": Row(STOCK_ROLES, "serial"),
    "GET /supplies/stock/serials/": Row(STOCK_ROLES, shows=("serial",)),
    "GET /supplies/stock/serials/<public_id>/": Row(STOCK_ROLES, "serial"),
    "supplies:stock:lot_labels": Row(KEEPERS, "lot"),
    "supplies:stock:place_labels": Row(KEEPERS, "stock place"),
    "POST /supplies/stock/scan/": Row(STOCK_ROLES, sends=a_scan, foreign=True),
    "GET /supplies/stock/codes/": Row(STOCK_ROLES),
    "GET /supplies/stock/codes/<public_id>/": Row(STOCK_ROLES, "item code", house=True),
    "POST /supplies/stock/codes/": Row(KEEPERS, sends=a_code),
    "POST /supplies/stock/codes/<public_id>/correct/": Row(
        KEEPERS, "item code", house=True, sends=a_correction
    ),
    "supplies:stock:releases": Row(STOCK_ROLES, shows=("release",)),
    "supplies:stock:release": Row(KEEPERS),
    "supplies:stock:released": Row(STOCK_ROLES, "release"),
    "supplies:stock:file_paper": Row(KEEPERS, "release", gets=False),
    "supplies:stock:close_month": Row(KEEPERS, "stock place", gets=False),
    "supplies:stock:closing": Row(STOCK_ROLES, "closed month"),
    "supplies:stock:ask_to_open": Row(KEEPERS, "closed month"),
    "supplies:stock:open_month": Row(APPROVERS, "closed month", gets=False),
    "supplies:stock:leave_closed": Row(APPROVERS, "closed month"),
    "GET /supplies/stock/months/": Row(STOCK_ROLES, shows=("closed month",)),
    "GET /supplies/stock/months/<public_id>/": Row(STOCK_ROLES, "closed month"),
    "POST /supplies/stock/months/<public_id>/ask/": Row(KEEPERS, "closed month", sends=WHY_HELD),
    "POST /supplies/stock/months/<public_id>/open/": Row(APPROVERS, "closed month"),
    "POST /supplies/stock/months/<public_id>/leave/": Row(
        APPROVERS, "closed month", sends=WHY_HELD
    ),
    "GET /supplies/stock/releases/": Row(STOCK_ROLES, shows=("release",)),
    "POST /supplies/stock/releases/": Row(KEEPERS, sends=a_call, foreign=True),
    "GET /supplies/stock/releases/<public_id>/": Row(STOCK_ROLES, "release"),
    "POST /supplies/stock/releases/<public_id>/papers/": Row(
        KEEPERS, "release", sends={"kind": "request", "reference": "1"}
    ),
    "POST /supplies/stock/places/<public_id>/close-month/": Row(
        KEEPERS, "stock place", sends={"month": "2020-01-01"}
    ),
    "supplies:stock:shipments": Row(STOCK_ROLES, shows=("transfer",)),
    "supplies:stock:prepare_shipment": Row(KEEPERS),
    "supplies:stock:shipment": Row(STOCK_ROLES, "transfer"),
    "supplies:stock:dispatch": Row(KEEPERS, "transfer", gets=False),
    "supplies:stock:arrive": Row(KEEPERS, "coming transfer"),
    "supplies:stock:settle": Row(KEEPERS, "transfer"),
    "supplies:stock:bring_back": Row(KEEPERS, "transfer"),
    "supplies:stock:tell_way": Row(KEEPERS, "transfer"),
    "supplies:stock:cancel_shipment": Row(KEEPERS, "transfer"),
    "GET /supplies/stock/shipments/": Row(STOCK_ROLES, shows=("transfer",)),
    "POST /supplies/stock/shipments/": Row(KEEPERS, sends=a_shipment, foreign=True),
    "GET /supplies/stock/shipments/<public_id>/": Row(STOCK_ROLES, "transfer"),
    "POST /supplies/stock/shipments/<public_id>/dispatch/": Row(KEEPERS, "transfer"),
    "POST /supplies/stock/shipments/<public_id>/arrive/": Row(
        KEEPERS, "coming transfer", sends={"lines": [{"line": NOBODYS, "good": 1}]}
    ),
    "POST /supplies/stock/shipments/<public_id>/settle/": Row(
        KEEPERS, "transfer", sends={"lines": [{"line": NOBODYS}], "reason": "查清"}
    ),
    "POST /supplies/stock/shipments/<public_id>/bring-back/": Row(
        KEEPERS, "transfer", sends=WHY_HELD
    ),
    "POST /supplies/stock/shipments/<public_id>/cancel/": Row(KEEPERS, "transfer", sends=WHY_HELD),
    "POST /supplies/stock/shipments/<public_id>/way/": Row(
        KEEPERS, "transfer", sends={"carrier": "州邮政"}
    ),
    "supplies:stock:counts": Row(STOCK_ROLES, shows=("count",)),
    "supplies:stock:open_count": Row(KEEPERS),
    "supplies:stock:count": Row(STOCK_ROLES, "count"),
    "supplies:stock:enter_count": Row(KEEPERS, "count", gets=False),
    "supplies:stock:find_lot": Row(KEEPERS, "count"),
    "supplies:stock:submit_count": Row(KEEPERS, "count", gets=False),
    "supplies:stock:approve_count": Row(APPROVERS, "count", gets=False),
    "supplies:stock:give_count_back": Row(APPROVERS, "count"),
    "supplies:stock:cancel_count": Row(KEEPERS, "count"),
    "GET /supplies/stock/counts/": Row(STOCK_ROLES, shows=("count",)),
    "POST /supplies/stock/counts/": Row(
        KEEPERS,
        sends=lambda county: {"place": str(county.records["stock place"].public_id)},
        foreign=True,
    ),
    "GET /supplies/stock/counts/<public_id>/": Row(STOCK_ROLES, "count"),
    "POST /supplies/stock/counts/<public_id>/lines/": Row(
        KEEPERS, "count", sends={"mark": 0, "lines": [{"line": NOBODYS}]}
    ),
    "POST /supplies/stock/counts/<public_id>/found/": Row(KEEPERS, "count", sends=found_lot),
    "POST /supplies/stock/counts/<public_id>/submit/": Row(KEEPERS, "count"),
    "POST /supplies/stock/counts/<public_id>/approve/": Row(APPROVERS, "count"),
    "POST /supplies/stock/counts/<public_id>/give-back/": Row(APPROVERS, "count", sends=WHY_HELD),
    "POST /supplies/stock/counts/<public_id>/cancel/": Row(KEEPERS, "count", sends=WHY_HELD),
    "supplies:stock:index": Row(STOCK_ROLES),
    "supplies:stock:holdings": Row(STOCK_ROLES, shows=("lot",)),
    "supplies:stock:receive": Row(KEEPERS),
    "supplies:stock:issue": Row(KEEPERS),
    "supplies:stock:take_catalogue": Row(CATALOGUE, whole=True, gets=False),
    "supplies:stock:new_item": Row(CATALOGUE, whole=True),
    "supplies:stock:item": Row(STOCK_ROLES, "item", house=True),
    "supplies:stock:change_item": Row(CATALOGUE, "item", house=True, whole=True),
    "supplies:stock:item_curve": Row(STOCK_ROLES, "item", house=True),
    "supplies:stock:ledger": Row(STOCK_ROLES, "item", house=True),
    "supplies:stock:places": Row(STOCK_ROLES, shows=("stock place",)),
    "supplies:stock:open_place": Row(KEEPERS),
    "supplies:stock:place": Row(STOCK_ROLES, "stock place"),
    "supplies:stock:close_place": Row(KEEPERS, "stock place", gets=False),
    "supplies:stock:entries": Row(STOCK_ROLES, shows=("entry",)),
    "supplies:stock:entry": Row(STOCK_ROLES, "entry"),
    "supplies:stock:reverse_entry": Row(KEEPERS, "entry"),
    "supplies:stock:lot": Row(STOCK_ROLES, "lot"),
    "supplies:stock:hold": Row(HOLDERS, "lot"),
    "supplies:stock:let_go": Row(HOLDERS, "lot"),
    "supplies:stock:lose": Row(KEEPERS, "lot"),
    "GET /supplies/stock/items/": Row(STOCK_ROLES),
    "POST /supplies/stock/items/": Row(CATALOGUE, whole=True, sends=AN_ITEM),
    "POST /supplies/stock/catalogue/take/": Row(CATALOGUE, whole=True),
    "GET /supplies/stock/items/<public_id>/": Row(STOCK_ROLES, "item", house=True),
    "PUT /supplies/stock/items/<public_id>/": Row(
        CATALOGUE, "item", house=True, whole=True, sends=AN_ITEM
    ),
    "GET /supplies/stock/holdings/": Row(STOCK_ROLES, shows=("lot",)),
    "GET /supplies/stock/balances/": Row(STOCK_ROLES, shows=("stock place",)),
    "GET /supplies/stock/places/": Row(STOCK_ROLES, shows=("stock place",)),
    "POST /supplies/stock/places/": Row(
        KEEPERS,
        sends=lambda county: {
            "facility": str(county.hospital.public_id),
            "kind": "ward",
            "name": "一病区",
        },
        foreign=True,
    ),
    "POST /supplies/stock/places/<public_id>/close/": Row(KEEPERS, "stock place"),
    "GET /supplies/stock/entries/": Row(STOCK_ROLES, shows=("entry",)),
    "GET /supplies/stock/entries/<public_id>/": Row(STOCK_ROLES, "entry"),
    "POST /supplies/stock/entries/<public_id>/reverse/": Row(KEEPERS, "entry", sends=WHY_HELD),
    "POST /supplies/stock/receipts/": Row(KEEPERS, sends=into_store, foreign=True),
    "POST /supplies/stock/issues/": Row(KEEPERS, sends=out_of_store, foreign=True),
    "POST /supplies/stock/losses/": Row(KEEPERS, sends=lost, foreign=True),
    "GET /supplies/stock/lots/<public_id>/": Row(STOCK_ROLES, "lot"),
    "POST /supplies/stock/lots/<public_id>/hold/": Row(HOLDERS, "lot", sends=WHY_HELD),
    "POST /supplies/stock/lots/<public_id>/let-go/": Row(HOLDERS, "lot", sends=WHY_HELD),
}
SOURCES_SEEN = STOCK_ROLES - {R.WARD_STAFF}
OFFERERS = frozenset({R.HEADQUARTERS, R.COUNTY_CDC, R.HOSPITAL, R.STORE_KEEPER})
TELLERS = frozenset({R.HEADQUARTERS, R.EDITOR})


def a_gift(county: County) -> Fields:
    said = dict(into_store(county))
    return {"channel": "donation", "party": "某商会", **said}


SOURCES = {
    "supplies:sources:index": Row(SOURCES_SEEN, shows=("supply",)),
    "supplies:sources:new": Row(OFFERERS),
    "supplies:sources:compared": Row(SOURCES_SEEN),
    "supplies:sources:compare": Row(SOURCES_SEEN, "item", house=True),
    "supplies:sources:compare_chart": Row(SOURCES_SEEN, "item", house=True),
    "supplies:sources:imports": Row(KEEPERS),
    "supplies:sources:import_template": Row(KEEPERS, values={"kind": "csv"}),
    **{
        f"supplies:sources:import_{page}": Row(
            KEEPERS, values={"public_id": NOBODYS}, lacks=True, gets=page in READ_OF_A_FILE
        )
        for page in (*READ_OF_A_FILE, "confirm", "cancel")
    },
    "supplies:sources:publish": Row(TELLERS, whole=True),
    "supplies:sources:correct_report": Row(TELLERS, "report on gifts", house=True, whole=True),
    "supplies:sources:reports": Row(EVERYBODY, house=True),
    "supplies:sources:report": Row(EVERYBODY, "report on gifts", house=True),
    "supplies:sources:report_csv": Row(EVERYBODY, "report on gifts", house=True),
    "supplies:sources:report_xlsx": Row(EVERYBODY, "report on gifts", house=True),
    "supplies:sources:trace": Row(EVERYBODY),
    "supplies:sources:detail": Row(SOURCES_SEEN, "supply"),
    "supplies:sources:accept": Row(OF_AREAS, "supply"),
    "supplies:sources:decline": Row(OF_AREAS, "supply"),
    "supplies:sources:put_off": Row(OFFERERS, "supply"),
    "supplies:sources:close": Row(OFFERERS, "supply"),
    "supplies:sources:reopen": Row(OFFERERS, "supply"),
    "supplies:sources:money_back": Row(OF_AREAS, "supply"),
    "supplies:sources:receive": Row(KEEPERS, "promised supply"),
    "supplies:sources:certificate": Row(SOURCES_SEEN, "promised supply"),
    "GET /supplies/sources/": Row(SOURCES_SEEN, shows=("supply",)),
    "POST /supplies/sources/": Row(OFFERERS, sends=a_gift, foreign=True),
    "GET /supplies/sources/<public_id>/": Row(SOURCES_SEEN, "supply"),
    "POST /supplies/sources/<public_id>/accept/": Row(OF_AREAS, "supply"),
    "POST /supplies/sources/<public_id>/decline/": Row(OF_AREAS, "supply", sends=WHY_HELD),
    "POST /supplies/sources/<public_id>/put-off/": Row(
        OFFERERS, "supply", sends={"arrives_on": "2020-02-20", **WHY_HELD}
    ),
    "POST /supplies/sources/<public_id>/close/": Row(OFFERERS, "supply", sends=WHY_HELD),
    "POST /supplies/sources/<public_id>/reopen/": Row(OFFERERS, "supply", sends=WHY_HELD),
    "POST /supplies/sources/<public_id>/money-back/": Row(OF_AREAS, "supply", sends=WHY_HELD),
    "POST /supplies/sources/<public_id>/receive/": Row(
        KEEPERS, "promised supply", sends={"lines": [{"line": 0, "quantity": 1}]}
    ),
    "GET /supplies/sources/offers/<public_id>/": Row(
        SOURCES_SEEN, "item", house=True, shows=("supply",)
    ),
    "GET /supplies/sources/reports/": Row(SOURCES_SEEN, house=True),
    "GET /supplies/sources/reports/draft/": Row(TELLERS, whole=True),
    "POST /supplies/sources/reports/": Row(TELLERS, whole=True, sends={"digest": "0"}),
    "GET /supplies/sources/reports/<public_id>/": Row(SOURCES_SEEN, "report on gifts", house=True),
    "GET /supplies/sources/reports/<public_id>/correction/": Row(
        TELLERS, "report on gifts", house=True, whole=True
    ),
    "POST /supplies/sources/reports/<public_id>/correct/": Row(
        TELLERS, "report on gifts", house=True, whole=True, sends={**WHY_HELD, "digest": "0"}
    ),
}
ENDS = {"reason": "leaking"}
FOUND = {"method": "rt-pcr", "outcome": "negative"}
MESSAGES = {"values": {"public_id": NOBODYS}, "lacks": True}
TESTING = {
    "surveillance:exchange:index": Row(BENCH, shows=("sent",)),
    "surveillance:exchange:detail": Row(BENCH, "sent"),
    "surveillance:exchange:match": Row(BENCH, "sent", gets=False),
    "surveillance:exchange:set_aside": Row(BENCH, "sent", gets=False),
    "surveillance:exchange:message": Row(BENCH, "message"),
    "surveillance:exchange:send": Row(BENCH),
    "surveillance:exchange:imports": Row(BENCH),
    "surveillance:exchange:import_template": Row(BENCH, values={"kind": "csv"}),
    "surveillance:exchange:import_detail": Row(BENCH, **MESSAGES),
    "surveillance:exchange:import_columns": Row(BENCH, **MESSAGES),
    "surveillance:exchange:import_progress": Row(BENCH, **MESSAGES),
    "surveillance:exchange:import_confirm": Row(BENCH, **MESSAGES, gets=False),
    "surveillance:exchange:import_cancel": Row(BENCH, **MESSAGES, gets=False),
    "surveillance:exchange:import_errors": Row(BENCH, **MESSAGES),
    "POST /surveillance/exchange/fhir/": Row(BENCH),
    "POST /surveillance/exchange/hl7/": Row(BENCH),
    "surveillance:quality:index": Row(CASES, shows=("case",)),
    "surveillance:quality:chart": Row(CASES),
    "GET /surveillance/quality/": Row(CASES, query="first=2020-01-20&last=2020-02-05"),
    "GET /surveillance/quality/cases/<public_id>/": Row(CASES, "case"),
    "surveillance:testing:index": Row(SPECIMENS, shows=("specimen",)),
    "surveillance:testing:request": Row(REPORTERS),
    "surveillance:testing:scan": Row(HANDLERS),
    "surveillance:testing:board": Row(SPECIMENS),
    "surveillance:testing:board_chart": Row(SPECIMENS),
    "surveillance:testing:detail": Row(SPECIMENS, "specimen"),
    "surveillance:testing:collect": Row(REPORTERS, "specimen", gets=False),
    "surveillance:testing:ship": Row(REPORTERS, "specimen", gets=False),
    "surveillance:testing:receive": Row(BENCH, "specimen", gets=False),
    "surveillance:testing:refuse": Row(BENCH, "specimen", gets=False),
    "surveillance:testing:lose": Row(HANDLERS, "specimen", gets=False),
    "surveillance:testing:cancel": Row(REPORTERS, "specimen", gets=False),
    "surveillance:testing:result": Row(BENCH, "specimen"),
    "surveillance:testing:correct": Row(BENCH, "specimen", lacks=True),
    "surveillance:testing:withdraw": Row(BENCH, "specimen", gets=False, lacks=True),
    "surveillance:testing:print_labels": Row(HANDLERS, lacks=True),
    "surveillance:testing:label": Row(HANDLERS, "specimen"),
    "surveillance:testing:pool_label": Row(HANDLERS, "pool"),
    "surveillance:testing:pools": Row(SPECIMENS, shows=("pool",)),
    "surveillance:testing:open_pool": Row(REPORTERS),
    "surveillance:testing:pool": Row(SPECIMENS, "pool"),
    "surveillance:testing:fill": Row(REPORTERS, "pool"),
    "surveillance:testing:take_out": Row(REPORTERS, "pool", gets=False),
    "surveillance:testing:close_pool": Row(REPORTERS, "pool", gets=False),
    "surveillance:testing:next_pool": Row(REPORTERS, "pool", gets=False),
    "surveillance:testing:ship_pool": Row(REPORTERS, "pool", gets=False),
    "surveillance:testing:receive_pool": Row(BENCH, "pool", gets=False),
    "surveillance:testing:refuse_pool": Row(BENCH, "pool", gets=False),
    "surveillance:testing:lose_pool": Row(HANDLERS, "pool", gets=False),
    "surveillance:testing:cancel_pool": Row(REPORTERS, "pool", gets=False),
    "surveillance:testing:pool_result": Row(BENCH, "pool"),
    "surveillance:testing:correct_pool": Row(BENCH, "pool", lacks=True),
    "surveillance:testing:release": Row(ANSWERERS, "specimen", gets=False, lacks=True),
    "GET /surveillance/testing/choices/": Row(SPECIMENS),  # what the law lets a request say
    "GET /surveillance/testing/specimens/": Row(SPECIMENS, shows=("specimen",)),
    "POST /surveillance/testing/specimens/": Row(REPORTERS, sends=request_of_test, foreign=True),
    "GET /surveillance/testing/specimens/<public_id>/": Row(SPECIMENS, "specimen"),
    "POST /surveillance/testing/specimens/<public_id>/collect/": Row(REPORTERS, "specimen"),
    "POST /surveillance/testing/specimens/<public_id>/ship/": Row(REPORTERS, "specimen"),
    "POST /surveillance/testing/specimens/<public_id>/receive/": Row(BENCH, "specimen"),
    "POST /surveillance/testing/specimens/<public_id>/refuse/": Row(BENCH, "specimen", sends=ENDS),
    "POST /surveillance/testing/specimens/<public_id>/lose/": Row(HANDLERS, "specimen", sends=ENDS),
    "POST /surveillance/testing/specimens/<public_id>/cancel/": Row(
        REPORTERS, "specimen", sends=ENDS
    ),
    "POST /surveillance/testing/specimens/<public_id>/release/": Row(
        ANSWERERS, "specimen", sends=ENDS, lacks=True
    ),
    "GET /surveillance/testing/pools/": Row(SPECIMENS, shows=("pool",)),
    "POST /surveillance/testing/pools/": Row(REPORTERS, sends=pool_of_many, foreign=True),
    "GET /surveillance/testing/pools/<public_id>/": Row(SPECIMENS, "pool"),
    "POST /surveillance/testing/pools/<public_id>/members/": Row(REPORTERS, "pool"),
    "POST /surveillance/testing/pools/<public_id>/take-out/": Row(
        REPORTERS, "pool", sends={**ENDS, "specimen": NOBODYS}, lacks=True
    ),
    "POST /surveillance/testing/pools/<public_id>/close/": Row(REPORTERS, "pool"),
    "POST /surveillance/testing/pools/<public_id>/ship/": Row(REPORTERS, "pool"),
    "POST /surveillance/testing/pools/<public_id>/receive/": Row(BENCH, "pool"),
    "POST /surveillance/testing/pools/<public_id>/refuse/": Row(BENCH, "pool", sends=ENDS),
    "POST /surveillance/testing/pools/<public_id>/lose/": Row(HANDLERS, "pool", sends=ENDS),
    "POST /surveillance/testing/pools/<public_id>/cancel/": Row(REPORTERS, "pool", sends=ENDS),
    "POST /surveillance/testing/pools/<public_id>/results/": Row(BENCH, "pool", sends=FOUND),
    "POST /surveillance/testing/pools/<public_id>/results/correct/": Row(
        BENCH, "pool", sends={**FOUND, **ENDS, "replaces": 1}
    ),
    "POST /surveillance/testing/specimens/<public_id>/results/": Row(
        BENCH, "specimen", sends=FOUND
    ),
    "POST /surveillance/testing/specimens/<public_id>/results/correct/": Row(
        BENCH, "specimen", sends={**FOUND, **ENDS, "replaces": 1}
    ),
    "POST /surveillance/testing/specimens/<public_id>/results/withdraw/": Row(
        BENCH, "specimen", sends={**ENDS, "replaces": 1}
    ),
}

# --- Machines -----------------------------------------------------------------------------------
MACHINES = {
    "api:openapi-json": Row(STAFF),
    "api:api-root": Row(EVERYBODY),
    "api_unknown": Row(EVERYBODY),
    "core:violations:index": Row(EVERYBODY, gets=False),  # browsers report; only counts are kept
    "GET /core/fhir/audit-events/": Row(TRAIL, house=True, whole=True),
    "GET /core/tokens/": Row(STAFF, house=True),
    "POST /core/tokens/": Row(
        STAFF,
        sends={"name": "x", "permissions": ["places.view"], "expires_at": "2020-03-01T00:00:00Z"},
        forbids=True,  # only in a fresh session
    ),
    "POST /core/tokens/<public_id>/revoke/": Row(
        STAFF, "token", house=True, mine=frozenset({R.ADMINISTRATOR})
    ),
}

WEBHOOKS = {
    "GET /core/webhooks/": Row(frozenset({R.ADMINISTRATOR}), house=True),
    "POST /core/webhooks/": Row(
        frozenset({R.ADMINISTRATOR}),
        sends={
            "name": "x",
            "url": "https://192.0.2.1/",
            "events": ["tasks.task_assigned"],
        },
    ),
    "GET /core/webhooks/deliveries/": Row(frozenset({R.ADMINISTRATOR}), house=True),
    "POST /core/webhooks/deliveries/<public_id>/repeat/": Row(
        frozenset({R.ADMINISTRATOR}), lacks=True
    ),
    "POST /core/webhooks/<public_id>/stop/": Row(frozenset({R.ADMINISTRATOR}), lacks=True),
    "POST /core/webhooks/<public_id>/pause/": Row(frozenset({R.ADMINISTRATOR}), lacks=True),
    "POST /core/webhooks/<public_id>/resume/": Row(frozenset({R.ADMINISTRATOR}), lacks=True),
    "POST /core/webhooks/<public_id>/repeat/": Row(frozenset({R.ADMINISTRATOR}), lacks=True),
    "POST /core/webhooks/<public_id>/renew-secret/": Row(frozenset({R.ADMINISTRATOR}), lacks=True),
    "POST /core/webhooks/<public_id>/try/": Row(frozenset({R.ADMINISTRATOR}), lacks=True),
    "core:webhooks:index": Row(frozenset({R.ADMINISTRATOR}), house=True),
    "core:webhooks:new": Row(frozenset({R.ADMINISTRATOR})),
    "core:webhooks:detail": Row(
        frozenset({R.ADMINISTRATOR}), lacks=True, values={"public_id": NOBODYS}
    ),
    "core:webhooks:delivery": Row(
        frozenset({R.ADMINISTRATOR}), lacks=True, values={"public_id": NOBODYS}
    ),
    **{
        f"core:webhooks:{name}": Row(
            frozenset({R.ADMINISTRATOR}), gets=False, lacks=True, values={"public_id": NOBODYS}
        )
        for name in ("try_out", "pause", "resume", "renew_secret", "stop", "repeat", "repeat_all")
    },
}

ADMIN = frozenset({R.ADMINISTRATOR})
NOTICES = {
    "core:notices:index": Row(STAFF),
    # A notice is its reader's alone.
    "core:notices:open": Row(STAFF, gets=False, lacks=True, values={"public_id": NOBODYS}),
    "core:notices:read": Row(STAFF, gets=False, lacks=True, values={"public_id": NOBODYS}),
    "core:notices:read_all": Row(STAFF, gets=False),
    "core:notices:choices": Row(STAFF),
    "core:notices:follow": Row(STAFF, lacks=True, values={"public_id": NOBODYS}),
    "core:notices:unfollow": Row(STAFF, gets=False, lacks=True, values={"public_id": NOBODYS}),
    "core:notices:channels": Row(ADMIN, house=True),
    "core:notices:new_channel": Row(ADMIN),
    "core:notices:channel": Row(ADMIN, lacks=True, values={"public_id": NOBODYS}),
    "core:notices:test_channel": Row(ADMIN, gets=False, lacks=True, values={"public_id": NOBODYS}),
    "core:notices:stop_channel": Row(ADMIN, gets=False, lacks=True, values={"public_id": NOBODYS}),
    "core:notices:repeat": Row(ADMIN, gets=False, lacks=True, values={"public_id": NOBODYS}),
}

# --- The shell ----------------------------------------------------------------------------------
WEB = {
    "desk": Row(STAFF),
    "desk_work": Row(STAFF),
    "command_screen": Row(COMMAND),
    "command_panels": Row(COMMAND),
    "command_map": Row(COMMAND),
    "command_curve": Row(COMMAND),
    "packs": Row(STAFF),
    "pack_differences": Row(STAFF),
    "pack": Row(STAFF, values={"pack_id": "cn-2020-01"}),
    "audit": Row(TRAIL, house=True, whole=True),
    "trail_record": Row(TRAIL, house=True, whole=True, values={"kind": "core.job", "key": "1"}),
    "trail_find": Row(TRAIL, sends={"text": "泽仁拉姆措"}, house=True, whole=True, gets=False),
    "trail_sights": Row(TRAIL, house=True, whole=True),
    "trail_review": Row(TRAIL, house=True, whole=True),
    "trail_sign_off": Row(
        frozenset({R.AUDITOR}), sends={"note": "looked through"}, house=True, whole=True, gets=False
    ),
    "trail_settle": Row(
        frozenset({R.AUDITOR}), "finding", sends={"note": "looked into"}, house=True, whole=True
    ),
    "privacy": Row(ANSWERING, house=True, whole=True),
    "privacy_terms": Row(ANSWERING, house=True, whole=True),
    "privacy_assess": Row(frozenset({R.HEADQUARTERS, R.SECURITY}), house=True, whole=True),
    "jobs": Row(frozenset({R.ADMINISTRATOR}), house=True),
    "job": Row(frozenset({R.ADMINISTRATOR}), "job", house=True),
    "job_repeat": Row(frozenset({R.ADMINISTRATOR}), "job", house=True, gets=False),
    "style_guide": Row(STAFF),
    "kit_steps": Row(STAFF),
    "tokens": Row(STAFF, house=True),
    "token_new": Row(STAFF),
    "token_revoke": Row(STAFF, "token", house=True, mine=frozenset({R.ADMINISTRATOR}), gets=False),
    "demo:index": Row(STAFF),
    "demo:file": Row(STAFF, values={"name": "none"}, lacks=True),
    "demo:message": Row(BENCH, values={"name": "none"}, lacks=True),
    "alive": Row(EVERYBODY),
    "ready": Row(EVERYBODY),
    "healthz": Row(EVERYBODY),
    "readyz": Row(EVERYBODY),
    "metrics": Row(frozenset()),  # opened by a token of the settings, not by signing in
    "doctor": Row(frozenset({R.ADMINISTRATOR}), house=True),
    "slow": Row(frozenset({R.ADMINISTRATOR}), house=True),
    "find": Row(STAFF, sends={"text": "dao"}),
    # A view is its owner's alone: nobody else finds it.
    "core:pages:open_with": Row(STAFF, gets=False, lacks=True, values={"public_id": NOBODYS}),
    "core:pages:drop": Row(STAFF, gets=False, lacks=True, values={"public_id": NOBODYS}),
    "core:pages:save": Row(STAFF, sends={"name": "x", "path": "/tasks/"}, gets=False),
    "badges": Row(STAFF),
}

TABLE: dict[str, Row] = {
    **SIGNING_IN,
    **PLACES,
    **ACCOUNTS,
    **PEOPLE,
    **TASKS,
    **FILES,
    **MONITORING,
    **SCREENING,
    **BULLETINS,
    **ARRIVALS,
    **SWEEPS,
    **ALLOCATION,
    **DAILY,
    **DEMAND,
    **STOCK,
    **SOURCES,
    **TESTING,
    **WARNING,
    **MACHINES,
    **WEBHOOKS,
    **NOTICES,
    **WEB,
}
