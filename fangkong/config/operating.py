"""The subcommands of those who run the server: backup, restore, doctor."""

from __future__ import annotations

import argparse
import base64
import binascii
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fangkong.config import env
from fangkong.config.problems import CannotGoOn
from fangkong.core import spelling

if TYPE_CHECKING:
    from fangkong.core.backup.sealing import Lock

Call = Callable[[argparse.Namespace], int | None]
Add = Callable[[str, Call, str], argparse.ArgumentParser]


def add_commands(command: Add) -> None:
    """Make the subcommands known to ``fangkong``."""
    backup = command("backup", _backup, "Back up the running system, encrypted, and prove it.")
    backup.add_argument("--to", type=Path, help="folder for the backup (FANGKONG_BACKUP_TO)")
    backup.add_argument("--key", type=Path, help="file with the key (FANGKONG_BACKUP_KEY)")
    backup.add_argument(
        "--no-proof", action="store_true", help="do not restore it elsewhere to prove it"
    )
    key = command("backup-key", _backup_key, "Make a pair of keys for backups.")
    key.add_argument("file", type=Path, help="the private key is written here, the public to .pub")
    restore = command("restore", _restore, "Restore a backup into an empty place.")
    restore.add_argument("file", type=Path)
    restore.add_argument("--key", type=Path, help="file with the key (FANGKONG_BACKUP_KEY)")
    restore.add_argument("--check", action="store_true", help="only read the backup to its end")
    restore.add_argument(
        "--keys-are-lost",
        action="store_true",
        help="also where the secret key of that place is lost for good",
    )
    serve = command("serve", _serve, "Serve pages and API by several processes (production).")
    serve.add_argument("--host", help="address to listen on (FANGKONG_HOST, 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (FANGKONG_PORT, 8000)")
    serve.add_argument("--workers", type=int, default=2, help="processes (2)")
    doctor = command(
        "doctor", _doctor, "Look at everything and say what to do; exit code 0, 1 or 2."
    )
    doctor.add_argument("--json", action="store_true", help="for programs")


def _share_counters() -> None:
    """Let the processes share their counters through files; those of the last run mean nothing.

    The client library looks at the variable once, when it is loaded.
    """
    shared = env.read().data / "watch" / "metrics"
    try:
        shutil.rmtree(shared, ignore_errors=True)
        shared.mkdir(parents=True)
    except OSError as problem:
        raise CannotGoOn(f"{shared} cannot be made ({problem.strerror}).") from None
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(shared)


def _serve(options: argparse.Namespace) -> int:
    _share_counters()
    spelling.load()  # first: what is loaded later finds its place where this gives some back
    _django()
    from django.conf import settings

    from fangkong.config import production

    here = settings.ENVIRONMENT
    return production.run(
        host=options.host or here.host,
        port=options.port or here.port,
        workers=max(1, options.workers),
    )


def _doctor(options: argparse.Namespace) -> int:
    _django()
    import json

    from django.conf import settings
    from django.utils import translation

    from fangkong.config import serve
    from fangkong.core.watch import doctor

    serve.require_answer()
    with translation.override(settings.LANGUAGE_CODE):
        lines = doctor.examine()
        if options.json:
            print(
                json.dumps(
                    [
                        {
                            "state": str(line.tone),
                            "what": str(line.title),
                            "found": str(line.said),
                            "todo": str(line.todo),
                        }
                        for line in lines
                    ],
                    ensure_ascii=False,
                    indent=1,
                )
            )
        else:
            for line in lines:
                print(f"{line.tone.upper():<5} {line.title}: {line.said}")
                if line.todo:
                    print(f"      → {line.todo}")
    sys.stdout.flush()
    return doctor.worst(lines)


def _backup(options: argparse.Namespace) -> int:
    _django()
    from django.conf import settings
    from django.utils import timezone

    from fangkong.config import serve
    from fangkong.core.backup.making import make
    from fangkong.core.backup.proving import prove
    from fangkong.core.backup.types import BackupProblem

    serve.require_database()
    to, key = options.to or settings.FANGKONG_BACKUP_TO, options.key or settings.FANGKONG_BACKUP_KEY
    if to is None:
        raise CannotGoOn("no folder for backups is set. Write --to FOLDER or FANGKONG_BACKUP_TO.")
    if key is None:
        raise CannotGoOn(
            "no key for backups is set. Make one with `fangkong backup-key FILE`, keep the private "
            "part elsewhere, and write --key FILE.pub or FANGKONG_BACKUP_KEY."
        )
    try:
        done = make(to=to.resolve(), key=key, at=timezone.now(), say=_say)
        print(
            f"{done.file}: {done.manifest.rows} rows in {len(done.manifest.tables)} tables, "
            f"{len(done.manifest.files)} files, {done.file.stat().st_size} bytes, {done.seconds} s",
            flush=True,
        )
        if options.no_proof:
            print("not proven: `fangkong restore` it somewhere else.")
            return 0
        _say("proof")
        seconds = prove(done.file, done.key, timezone.now())
        print(f"proven: restored elsewhere and compared in {seconds} s")
    except BackupProblem as problem:
        raise CannotGoOn(str(problem)) from None
    return 0


def _backup_key(options: argparse.Namespace) -> int:
    from fangkong.core.backup.sealing import new_pair

    private, public = new_pair()
    beside = options.file.with_name(options.file.name + ".pub")
    for path, text in ((options.file, private), (beside, public)):
        try:
            path.touch(mode=0o600, exist_ok=False)
            path.write_text(text + "\n")
        except OSError as problem:
            raise CannotGoOn(f"{path} cannot be made ({problem.strerror}).") from None
    print(
        f"{options.file}: the private key. Keep two copies away from this server; without it no "
        f"backup opens.\n{beside}: the public key. FANGKONG_BACKUP_KEY={beside}"
    )
    return 0


def _restore(options: argparse.Namespace) -> int:
    _django()
    from django.conf import settings
    from django.core.management import call_command

    from fangkong.config.demo_day import stored_day
    from fangkong.core import clock
    from fangkong.core.backup import hooks, restoring
    from fangkong.core.backup.types import BackupProblem

    path = options.key or settings.FANGKONG_BACKUP_KEY
    try:
        key = _key(path)
        if options.check:
            manifest = restoring.check(options.file, key).manifest
            print(f"whole: made {manifest.made_at} by {manifest.version}, {manifest.rows} rows")
            return 0
        Path(settings.FANGKONG_DATA).mkdir(parents=True, exist_ok=True)
        manifest = restoring.restore(options.file, key, _say, keys_are_lost=options.keys_are_lost)
    except BackupProblem as problem:
        raise CannotGoOn(str(problem)) from None
    # A restored demonstration lives on its own day: nothing of it is old by today's date.
    settings.FANGKONG_TODAY = settings.ENVIRONMENT.today or stored_day(settings.FANGKONG_DATA)
    settings.FANGKONG_DEMO = (settings.FANGKONG_DATA / "demo.json").is_file()
    wrong = hooks.what_is_wrong()
    for text in wrong[:20]:
        print(f"fangkong: does not fit together: {text}", file=sys.stderr)
    if os.environ.get("FANGKONG_PROOF"):  # compared; what follows would only change it
        return 1 if wrong else 0
    call_command("migrate", verbosity=0, interactive=False)
    left = False
    for name, call in sorted(hooks.restored.items()):
        _say(name)
        try:
            call(clock.now())
        except hooks.LeftToAPerson as problem:
            left = True
            print(f"fangkong: before it serves: {problem}", file=sys.stderr)
    print(
        f"restored: {manifest.rows} rows in {len(manifest.tables)} tables, {len(manifest.files)} "
        f"files, as of {manifest.made_at}. Each table is what the backup says.\n"
        "The keys are not in a backup: bring secret.key and the key ring of personal data along."
    )
    return 1 if wrong or left else 0


def _key(path: Path | None) -> Lock | bytes:
    from fangkong.core.backup.sealing import read_lock

    if path is None:
        raise CannotGoOn("no key is given. Write --key FILE or FANGKONG_BACKUP_KEY.")
    if str(path) != "-":
        return read_lock(path)
    try:
        return base64.b64decode(sys.stdin.readline().strip(), validate=True)
    except binascii.Error:
        raise CannotGoOn("the key on standard input is none.") from None


def _say(step: str) -> None:
    print(f"  {step} …", file=sys.stderr, flush=True)


def _django() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fangkong.config.settings")
    django.setup()
