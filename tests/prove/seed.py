"""Fill an empty installation with what the harnesses need; prints who may come in, as JSON.

Run as a program, in the environment of the installation: ``python -m tests.prove.seed``.
"""

from __future__ import annotations

import json
from datetime import timedelta

import django

PASSWORD = "yak-butter-and-barley"


def seed() -> dict[str, str]:
    """Ganzi around Daofu, a hospital that reports by a token, and an administrator."""
    from fangkong.accounts.tests.factories import staff
    from fangkong.config import serve
    from fangkong.core import clock
    from fangkong.core.roles import Role
    from fangkong.core.tokens import actions as tokens
    from fangkong.places.tests.factories import facility, world

    serve.prepare_database()
    areas = world()
    hospital = facility(areas["513326"], "道孚县人民医院")
    machine = staff(Role.HOSPITAL, facility=hospital, username="his")
    staff(Role.ADMINISTRATOR, area=areas["513300"], username="admin", password=PASSWORD)
    at = clock.now()
    token = tokens.make(
        user=machine,
        label="HIS",
        permissions=[p.name for p in tokens.queries.grantable(machine, at)],
        may_write=True,
        expires_at=at + timedelta(days=30),
        by=machine,
        at=at,
    )
    return {"token": token.secret, "facility": str(hospital.public_id)}


if __name__ == "__main__":
    django.setup()
    print(json.dumps(seed()))
