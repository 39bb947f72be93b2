"""``fangkong setup``: a new prefecture from nothing, asked step by step or given by options.

It works on the machine itself and only while nobody has an account, so no page of the network ever
stands open for whoever comes first (decision 0021).
"""

from __future__ import annotations

import argparse
import fcntl
import getpass
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from fangkong.config import env
from fangkong.config.problems import CannotGoOn
from fangkong.packs import queries as packs
from fangkong.packs.types import NoPackInForce, UnknownCode

if TYPE_CHECKING:
    from datetime import datetime

    from fangkong.places.models import Area, Facility

SPOKEN = "FANGKONG_SPOKEN"  # the language of the page that runs this command

Call = Callable[[argparse.Namespace], int | None]
Add = Callable[[str, Call, str], argparse.ArgumentParser]


def add_command(command: Add) -> None:
    """Make the subcommand known to ``fangkong``."""
    sub = command("setup", _setup, "Set up a new prefecture in an empty installation.")
    sub.add_argument("--region", default="CN", help="the region pack (CN)")
    sub.add_argument("--area", help="code of the prefecture or county that is served")
    sub.add_argument("--places", type=Path, help="CSV or XLSX with its areas (docs/guide)")
    sub.add_argument("--language", help="first language: zh-hans or en (that of the region)")
    sub.add_argument("--time-zone", help="zone of the tz database (that of the region)")
    sub.add_argument("--admin", help="user name of the first administrator")
    sub.add_argument("--admin-name", help="the administrator's name")
    sub.add_argument("--county", help="code of the first county")
    sub.add_argument("--hospital", help="Chinese name of its hospital, which reports cards")
    sub.add_argument("--clerk", help="user name of the hospital's first reporter")
    sub.add_argument("--clerk-name", help="the reporter's name")


def _setup(options: argparse.Namespace) -> int:
    try:
        region = packs.region(options.region)
    except UnknownCode as problem:
        raise CannotGoOn(f"{problem}. Known: {', '.join(r.code for r in packs.regions())}.") from (
            None
        )
    data = env.read().data
    if (data / env.PREFECTURE).exists():
        raise CannotGoOn(f"{data} is set up already. Set FANGKONG_DATA to an empty folder.")
    chosen = {
        "FANGKONG_AREA": _answer(options.area, "--area", "Code of the prefecture", r"[0-9]{6}"),
        "FANGKONG_TIME_ZONE": options.time_zone or region.time_zone,
        "FANGKONG_LANGUAGE": options.language or region.language,
    }
    os.environ.update(chosen)
    env.read()  # refuses what cannot be used before anything is written
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fangkong.config.settings")
    import django

    django.setup()
    from django.utils import translation

    from fangkong.core.refusals import Refused

    if spoken := os.environ.get(SPOKEN):
        translation.activate(spoken)

    kept = data / env.PREFECTURE
    with _alone(data):
        if kept.exists():
            raise CannotGoOn(f"{data} is set up already. Set FANGKONG_DATA to an empty folder.")
        try:
            _carry_out(options, kept, chosen)
        except BaseException as problem:
            kept.unlink(missing_ok=True)  # the transaction was taken back too
            if isinstance(problem, Refused):
                raise CannotGoOn(str(problem)) from None
            raise
    return 0


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """One set-up at a time: a page sent twice must not take away what its twin has made."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(data / "setup.lock", os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotGoOn("it is being set up at this moment. Wait, then reload.") from None
        yield


def _carry_out(options: argparse.Namespace, kept: Path, chosen: dict[str, str]) -> None:
    """All or nothing: the file that keeps the choice comes last, within the transaction."""
    from django.core.management import call_command
    from django.db import transaction

    from fangkong.accounts import queries as accounts
    from fangkong.config import serve
    from fangkong.core import clock
    from fangkong.core.roles import Role

    serve.prepare_database()
    if accounts.any_users():
        raise CannotGoOn("there are accounts already: this installation is set up.")
    at, read = clock.now(), StringIO()
    with transaction.atomic():
        call_command("places", verbosity=0)
        if options.places:
            call_command("import_places", str(options.places), stdout=read)
        home, county = _areas(options, chosen["FANGKONG_AREA"], at)
        hospital = _hospital(options, county, at)
        admin = _account(options, "admin", "administrator", Role.ADMINISTRATOR, home, None, at)
        clerk = _account(options, "clerk", "reporter", Role.HOSPITAL, None, hospital, at)
        kept.write_text(json.dumps(chosen, indent=1), "utf-8")
    print(read.getvalue(), end="")  # only now: what was refused has written nothing
    print(f"{home.name_zh} ({home.code}) is set up: administrator {admin}, reporter {clerk}.")
    print("Start it with `fangkong run` and sign in.")


def _areas(options: argparse.Namespace, code: str, at: datetime) -> tuple[Area, Area]:
    from fangkong.core import clock
    from fangkong.places import queries as places

    day = clock.day_of(at)
    try:
        packs.in_force(code, day)
    except NoPackInForce as problem:
        raise CannotGoOn(f"{problem}. Put a rule pack in the folder of FANGKONG_PACKS.") from None
    home = places.home(day)
    if home is None:
        raise CannotGoOn(f"no area has the code {code}. Give its areas with --places FILE.")
    counties = {county.code: county for county in places.counties_of_home(day)}
    if not counties:
        raise CannotGoOn(f"{home.name_zh} has no counties yet. Give them with --places FILE.")
    for known in counties.values():
        if not options.county:
            print(f"    {known.code} {known.name_zh}")
    asked = _answer(options.county, "--county", "Code of the first county", r"[0-9]{6}")
    if asked not in counties:
        raise CannotGoOn(f"{asked} is none of its counties: {', '.join(counties)}.")
    return home, counties[asked]


def _hospital(options: argparse.Namespace, county: Area, at: datetime) -> Facility:
    from fangkong.places import actions
    from fangkong.places.types import FacilityFacts, FacilityKind

    name = _answer(options.hospital, "--hospital", "Chinese name of its hospital", r".{2,100}")
    there = county.facilities.filter(name_zh=name, kind=FacilityKind.HOSPITAL).first()
    if there is not None:
        return there
    facts = FacilityFacts(name_zh=name, kind=FacilityKind.HOSPITAL, area_id=county.pk)
    return actions.add_facility(facts=facts, by=None, at=at)


def _account(
    options: argparse.Namespace,
    which: str,
    title: str,
    role: str,
    area: Area | None,
    facility: Facility | None,
    at: datetime,
) -> str:
    from fangkong.accounts import actions
    from fangkong.core import clock

    username = _answer(
        getattr(options, which), f"--{which}", f"User name of the {title}", r"[\w.@+-]{1,150}"
    )
    name = _answer(
        getattr(options, f"{which}_name"), f"--{which}-name", f"The {title}'s name", r".{1,60}"
    )
    user = actions.add_staff(
        username=username, name=name, password=_password(title), by=None, at=at
    )
    actions.appoint(
        user=user,
        role=role,
        area=area,
        facility=facility,
        valid_from=clock.day_of(at),
        valid_to=None,
        by=None,
        at=at,
    )
    return user.username


def _answer(given: str | None, option: str, question: str, form: str) -> str:
    """What was given, or what is typed; asked again until it has the form."""
    if given is not None or not sys.stdin.isatty():
        if given is None or not re.fullmatch(form, given.strip()):
            raise CannotGoOn(f"{option} is missing or cannot be used. See `fangkong setup --help`.")
        return given.strip()
    while not re.fullmatch(form, typed := input(f"{question}: ").strip()):
        print("    This cannot be used. Try again.")
    return typed


def _password(title: str) -> str:
    """Typed twice at a terminal, or the next line of standard input; never an option."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass(f"Password of the {title}: ")
    if first != getpass.getpass("Again: "):
        raise CannotGoOn("the two passwords differ. Nothing was made.")
    return first
