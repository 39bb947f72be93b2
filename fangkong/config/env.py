"""Read the environment once, strictly: a wrong value stops the start with one clear line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

T = TypeVar("T")


class WrongSetting(Exception):
    """An environment variable has a value that Fangkong cannot work with."""


def _read(
    source: Mapping[str, str], name: str, read: Callable[[str], T], default: T, expected: str
) -> T:
    raw = source.get(name, "").strip()
    if not raw:
        return default
    try:
        return read(raw)
    except (ValueError, KeyError, ZoneInfoNotFoundError):
        raise WrongSetting(f"{name}={raw!r} cannot be used: {expected}") from None


def _bool(raw: str) -> bool:
    return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[
        raw.lower()
    ]


def _port(raw: str) -> int:
    port = int(raw)
    if not 1 <= port <= 65535:
        raise ValueError(raw)
    return port


def _area(raw: str) -> str:
    if not re.fullmatch(r"\d{6}", raw):
        raise ValueError(raw)
    return raw


def _zone(raw: str) -> str:
    return ZoneInfo(raw).key


def _database(raw: str) -> str:
    if urlsplit(raw).scheme not in ("sqlite", "postgres", "postgresql"):
        raise ValueError(raw)
    return raw


def _redis(raw: str) -> str:
    if urlsplit(raw).scheme not in ("redis", "rediss", "unix"):
        raise ValueError(raw)
    return raw


def _hosts(raw: str) -> tuple[str, ...]:
    return tuple(host.strip() for host in raw.split(",") if host.strip())


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
    secure: bool


def read(source: Mapping[str, str] | None = None) -> Environment:
    """The environment, checked. Raises ``WrongSetting`` with what to write instead."""
    env = os.environ if source is None else source
    data = Path(env.get("FANGKONG_DATA", "") or "var").expanduser().resolve()
    return Environment(
        data=data,
        database_url=_read(
            env,
            "DATABASE_URL",
            _database,
            f"sqlite:///{data / 'fangkong.sqlite3'}",
            "write sqlite:///path/to/file or postgresql://user:password@host:5432/name",
        ),
        redis_url=_read(env, "REDIS_URL", _redis, "", "write redis://host:6379/0, or leave it out"),
        secret_key=_read_secret(env),
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
            _hosts,
            (),
            "write addresses such as https://fangkong.example separated by commas",
        ),
        host=env.get("FANGKONG_HOST", "") or "127.0.0.1",
        port=_read(env, "FANGKONG_PORT", _port, 8000, "write a port between 1 and 65535"),
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
        secure=_read(env, "FANGKONG_HTTPS", _bool, False, "write 1 behind HTTPS, else 0"),
    )


def _folder(raw: str) -> Path | None:
    path = Path(raw).expanduser()
    if not path.is_dir():
        raise ValueError(raw)
    return path


def _read_secret(env: Mapping[str, str]) -> str:
    if not env.get("FANGKONG_SECRET_KEY", "").strip():
        return ""
    try:
        return _secret(env["FANGKONG_SECRET_KEY"].strip())
    except ValueError:
        # Never echo a secret, not even a bad one.
        raise WrongSetting(
            "FANGKONG_SECRET_KEY is too short: write at least 32 random characters"
        ) from None
