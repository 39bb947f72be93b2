"""Give an installation work for its worker, or let somebody in; prints what was made, as JSON.

Run as a program, in the environment of the installation: ``python -m tests.prove.jobs import``, or
with the name of a job of ``planted.py`` (the id of the job), or ``token``, ``session`` (a secret).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django
from django.conf import settings

from tests.prove.installation import ROOT, Installation

CARDS = 12
ROWS = 90  # areas of one file; entered in chunks of CHUNK (planted.py) they last for some kills


def areas() -> bytes:
    lines = ["code,level,parent,name_zh"]
    lines += [f"5133261{n:02d},township,513326,第{n}镇" for n in range(10, 10 + ROWS)]
    return "\n".join(lines).encode()


def token() -> str:
    """A token that lives for eight hours."""
    from fangkong.accounts.models import User
    from fangkong.core import clock
    from fangkong.core.tokens import actions as tokens

    machine, at = User.objects.get(username="his"), clock.now()
    made = tokens.make(
        user=machine,
        label="short",
        permissions=[p.name for p in tokens.queries.grantable(machine, at)],
        may_write=False,
        expires_at=at + timedelta(hours=8),
        by=machine,
        at=at,
    )
    return made.secret


def session() -> str:
    """A session of the administrator with a second factor, as a sign-in would leave it."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from fangkong.accounts.models import User

    user, made, now = User.objects.get(username="admin"), SessionStore(), time.time()
    made[SESSION_KEY] = str(user.pk)
    made[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    made[HASH_SESSION_KEY] = user.get_session_auth_hash()
    made["sign_in"] = {"at": now, "seen": now, "factor": "totp"}
    made.create()
    return str(made.session_key)


def cards() -> int:
    """Some cards of the hospital, for there to be work in the database; how many."""
    from fangkong.accounts.models import User
    from fangkong.core import clock
    from fangkong.places.models import Area, Facility
    from fangkong.surveillance.monitoring import actions as monitoring
    from fangkong.surveillance.monitoring.tests.factories import facts, person

    for number in range(1, CARDS + 1):
        monitoring.report(
            person=person(number),
            case=facts(remark=f"card-{number}", diagnosed_at=clock.now() - timedelta(days=1)),
            facility=Facility.objects.get(name_zh="道孚县人民医院"),
            area=Area.objects.get(code="513326100"),
            by=User.objects.get(username="his"),
            at=clock.now(),
        )
    return CARDS


def asked(here: Installation, what: str) -> Any:
    """From a harness: have an installation do it."""
    here = here.having(FANGKONG_AREA="513300")
    done = subprocess.run(
        [sys.executable, "-m", "tests.prove.jobs", what],
        env={"DJANGO_SETTINGS_MODULE": "fangkong.config.settings", **here.environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


OTHERS: dict[str, Callable[[], int | str]] = {"token": token, "session": session, "cards": cards}


def main(what: str) -> int | str:
    """Do it and say what was made."""
    if what in OTHERS:
        return OTHERS[what]()
    from fangkong.core import clock
    from fangkong.core.imports import actions as imports
    from fangkong.core.imports.types import Place
    from fangkong.core.queue import actions as queue
    from fangkong.core.queue.models import Job
    from fangkong.places.imports import AREAS
    from fangkong.places.models import Area
    from fangkong.places.tests.factories import member

    at = clock.now()
    if what != "import":
        return queue.enqueue(what, 1, by=None, at=at).pk
    by = member("headquarters", where=Area.objects.get(code="513300"))
    run = imports.upload(
        kind=AREAS.name,
        content=imports.FileContent(areas()),
        file_name="areas.csv",
        place=Place(),
        by=by,
        at=at,
    )
    run = imports.confirm(run=run, by=by, at=at)
    return Job.objects.get(subject_id=run.pk, name=imports.ENTER).pk


if __name__ == "__main__":
    django.setup()
    print(json.dumps(main(sys.argv[1])))
