"""Give an installation work for its worker; prints the id of the job, as JSON.

Run as a program, in the environment of the installation: ``python -m tests.prove.jobs import``, or
with the name of a job of ``planted.py``.
"""

from __future__ import annotations

import json
import sys

import django

ROWS = 90  # areas of one file; entered in chunks of CHUNK (planted.py) they last for some kills


def areas() -> bytes:
    lines = ["code,level,parent,name_zh"]
    lines += [f"5133261{n:02d},township,513326,第{n}镇" for n in range(10, 10 + ROWS)]
    return "\n".join(lines).encode()


def main(what: str) -> int:
    """Ask for the job and give its id."""
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
