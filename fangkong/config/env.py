"""Read the environment once, strictly: a wrong value stops the start with one clear line."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

T = TypeVar("T")


class WrongSetting(Exception):
    """An environment variable has a value that Fangkong cannot work with."""


def _read(
    source: Mapping[str, str],
    name: str,
    read: Callable[[str], T],
    default: T,
    expected: str,
    *,
    secret: bool = False,
) -> T:
    raw = source.get(name, "").strip()
    if not raw:
        return default
    try:
        return read(raw)
    except (ValueError, KeyError, OSError, RuntimeError, ZoneInfoNotFoundError):
        # Never echo what may hold a password, not even a wrong one.
        shown = name if secret else f"{name}={raw!r}"
        raise WrongSetting(f"{shown} cannot be used: {expected}") from None


def _bool(raw: str) -> bool:
    return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[
        raw.lower()
    ]


def port(raw: str) -> int:
    """A port as text, as a number; ValueError where it is none."""
    number = int(raw)
    if not 1 <= number <= 65535:
        raise ValueError(raw)
    return number


def _area(raw: str) -> str:
    if not re.fullmatch(r"[0-9]{6}", raw):
        raise ValueError(raw)
    return raw


def _zone(raw: str) -> str:
    return ZoneInfo(raw).key


def _database(raw: str) -> str:
    parts = urlsplit(raw)
    _ = parts.port  # raises ValueError where it is no port
    if parts.scheme == "sqlite":
        # Without a file the database would be gone with the process.
        if parts.netloc or parts.path.strip("/") in ("", ":memory:"):
            raise ValueError(raw)
    elif parts.scheme not in ("postgres", "postgresql"):
        raise ValueError(raw)
    return raw


def _redis(raw: str) -> str:
    parts = urlsplit(raw)
    _ = parts.port  # raises ValueError where it is no port
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ValueError(raw)
    return raw


def _hosts(raw: str) -> tuple[str, ...]:
    return tuple(host.strip() for host in raw.split(",") if host.strip())


def _origins(raw: str) -> tuple[str, ...]:
    origins = _hosts(raw)
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
            raise ValueError(origin)
    return tuple(origin.rstrip("/") for origin in origins)


# A host, or a host and its port; an IPv6 address stands in brackets before a port.
_INNER_HOST = re.compile(
    r"[a-z0-9._-]+(:[0-9]+)?|\[[0-9a-f:.]+\]:[0-9]+|[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*"
)


def _outbound(raw: str) -> frozenset[str]:
    found = frozenset(host.lower() for host in _hosts(raw))
    for host in found:
        # A host, or a host and its port; an IPv6 address stands in brackets before a port.
        if not re.fullmatch(
            r"[a-z0-9._-]+(:[0-9]+)?|\[[0-9a-f:.]+\]:[0-9]+|[0-9a-f]*:[0-9a-f:.]+", host
        ):
            raise ValueError(host)
    return found


def _clamav(raw: str) -> tuple[str, int]:
    host, _, number = raw.rpartition(":")
    if not host:
        raise ValueError(raw)
    return host.strip("[]"), port(number)


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over; ``tls`` is "" (none), "start" (STARTTLS) or "whole"."""

    host: str
    port: int
    user: str
    password: str
    tls: str


def _mail(raw: str) -> MailServer:
    parts = urlsplit(raw)
    tls = {"smtp": "", "smtp+tls": "start", "smtps": "whole"}[parts.scheme]
    if not parts.hostname:
        raise ValueError(raw)
    usual = {"": 25, "start": 587, "whole": 465}[tls]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MailServer(parts.hostname, parts.port or usual, user, password, tls)


def _sender(raw: str) -> str:
    if not re.fullmatch(r"[^\s<>@]+@[^\s<>@]+", raw):
        raise ValueError(raw)
    return raw


def _language(raw: str) -> str:
    if raw not in ("zh-hans", "en"):
        raise ValueError(raw)
    return raw


def _secret(raw: str) -> str:
    if len(raw) < 32:
        raise ValueError(raw)
    return raw


@dataclass(frozen=True)
class Environment:
    """Every setting that comes from outside, with its default."""

    data: Path
    database_url: str
    redis_url: str
    secret_key: str
    debug: bool
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    host: str
    port: int
    home_area: str
    time_zone: str
    language: str
    today: date | None
    packs: Path | None
    keys: Path
    secure: bool
    outbound_allow: frozenset[str] = frozenset()
    clamav: tuple[str, int] | None = None
    mail: MailServer | None = None
    mail_from: str = ""
    backup_to: Path | None = None
    backup_key: Path | None = None
    backup_keep: int = 14
    outbox_days: int = 30
    metrics_token: str = ""
    metrics_local: bool = False
    access_log: bool = False
    slow_ms: int = 200
    helper: bool | None = None
    pooled: bool = False


def read(source: Mapping[str, str] | None = None) -> Environment:
    """The environment, checked. Raises ``WrongSetting`` with what to write instead."""
    env = os.environ if source is None else source
    data = _read(env, "FANGKONG_DATA", _data, Path("var").resolve(), "write the path of a folder")
    env = {**prefecture(data), **{name: value for name, value in env.items() if value.strip()}}
    return Environment(
        data=data,
        database_url=_read(
            env,
            "DATABASE_URL",
            _database,
            f"sqlite:///{data / 'fangkong.sqlite3'}",
            "write sqlite:///path/to/file or postgresql://user:password@host:5432/name",
            secret=True,
        ),
        redis_url=_read(
            env,
            "REDIS_URL",
            _redis,
            "",
            "write redis://host:6379/0, or leave it out",
            secret=True,
        ),
        secret_key=_read(
            env,
            "FANGKONG_SECRET_KEY",
            _secret,
            "",
            "write at least 32 random characters",
            secret=True,
        ),
        debug=_read(env, "FANGKONG_DEBUG", _bool, False, "write 1 or 0"),
        hosts=_read(
            env,
            "FANGKONG_HOSTS",
            _hosts,
            ("localhost", "127.0.0.1", "[::1]"),
            "write the host names separated by commas",
        ),
        origins=_read(
            env,
            "FANGKONG_ORIGINS",
            _origins,
            (),
            "write addresses such as https://fangkong.example separated by commas",
        ),
        host=env.get("FANGKONG_HOST", "") or "127.0.0.1",
        port=_read(env, "FANGKONG_PORT", port, 8000, "write a port between 1 and 65535"),
        home_area=_read(
            env,
            "FANGKONG_AREA",
            _area,
            "513300",
            "write the six-digit GB/T 2260 code of the district, such as 513300",
        ),
        time_zone=_read(
            env,
            "FANGKONG_TIME_ZONE",
            _zone,
            "Asia/Shanghai",
            "write a zone of the tz database, such as Asia/Shanghai",
        ),
        language=_read(env, "FANGKONG_LANGUAGE", _language, "zh-hans", "write zh-hans or en"),
        today=_read(env, "FANGKONG_TODAY", date.fromisoformat, None, "write a day as YYYY-MM-DD"),
        packs=_read(env, "FANGKONG_PACKS", _folder, None, "write the path of an existing folder"),
        keys=_read(
            env, "FANGKONG_KEYS", _data, data / "keys.json", "write the path of the key ring"
        ),
        secure=_read(env, "FANGKONG_HTTPS", _bool, False, "write 1 behind HTTPS, else 0"),
        mail=_read(
            env,
            "FANGKONG_MAIL",
            _mail,
            None,
            "write smtp+tls://user:password@mail.example:587, smtps:// or smtp://",
            secret=True,
        ),
        mail_from=_read(
            env, "FANGKONG_MAIL_FROM", _sender, "", "write the address that mail comes from"
        ),
        clamav=_read(env, "FANGKONG_CLAMAV", _clamav, None, "write host:port of the ClamAV daemon"),
        outbound_allow=_read(
            env,
            "FANGKONG_OUTBOUND_ALLOW",
            _outbound,
            frozenset(),
            "write inner hosts that may be reached, such as sms.intranet:8080, separated by commas",
        ),
        backup_to=_read(env, "FANGKONG_BACKUP_TO", _data, None, "write the path of a folder"),
        backup_key=_read(env, "FANGKONG_BACKUP_KEY", _data, None, "write the path of a key file"),
        backup_keep=_read(env, "FANGKONG_BACKUP_KEEP", _count, 14, "write a number from 1"),
        outbox_days=_read(env, "FANGKONG_OUTBOX_DAYS", _count, 30, "write a number of days from 1"),
        metrics_token=_read(
            env,
            "FANGKONG_METRICS_TOKEN",
            _secret,
            "",
            "write at least 32 random characters",
            secret=True,
        ),
        metrics_local=_read(env, "FANGKONG_METRICS_LOCAL", _bool, False, "write 1 or 0"),
        access_log=_read(env, "FANGKONG_ACCESS_LOG", _bool, False, "write 1 or 0"),
        slow_ms=_read(env, "FANGKONG_SLOW_MS", _count, 200, "write milliseconds, from 1"),
        helper=_read(env, "FANGKONG_HELPER", _bool, None, "write 1 or 0"),
        pooled=_read(
            env, "FANGKONG_POOLED", _bool, False, "write 1 behind a pool between transactions"
        ),
    )


PREFECTURE = "prefecture.json"
SET_UP = ("FANGKONG_AREA", "FANGKONG_TIME_ZONE", "FANGKONG_LANGUAGE")


def prefecture(data: Path) -> dict[str, str]:
    """What ``fangkong setup`` has chosen for this folder; the environment goes before it."""
    path = data / PREFECTURE
    try:
        said = json.loads(path.read_text("utf-8"))
        return {name: str(said[name]) for name in SET_UP if said.get(name)}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, AttributeError):
        raise WrongSetting(
            f"{path} cannot be read: correct it, or remove it and set "
            "FANGKONG_AREA, FANGKONG_TIME_ZONE and FANGKONG_LANGUAGE"
        ) from None


def _data(raw: str) -> Path:
    return Path(raw).expanduser().resolve()


def _count(raw: str) -> int:
    number = int(raw)
    if number < 1:
        raise ValueError(raw)
    return number


def _folder(raw: str) -> Path | None:
    path = Path(raw).expanduser()
    if not path.is_dir():
        raise ValueError(raw)
    return path
