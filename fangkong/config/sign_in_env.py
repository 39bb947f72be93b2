"""What the environment says about signing in; read once like ``env.py``."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fangkong.config.env import WrongSetting, _bool, _read

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class SignInEnvironment:
    """Every setting of signing in, with its default."""

    password_profile: str
    idle_minutes: int
    idle_minutes_ward: int
    session_hours: int
    proxies: tuple[Network, ...]
    separate_administrators: bool
    oidc_issuer: str
    oidc_client_id: str
    oidc_secret: str
    oidc_name: str
    oidc_claim: str
    oidc_trusts_mfa: bool


def read(source: Mapping[str, str] | None = None) -> SignInEnvironment:
    """The environment, checked. Raises ``WrongSetting`` with what to write instead."""
    env = os.environ if source is None else source
    minutes = "write a number of minutes between 5 and 720"
    _whole(env)
    return SignInEnvironment(
        password_profile=_read(
            env, "FANGKONG_PASSWORD_PROFILE", _profile, "asvs", "write asvs or mlps3"
        ),
        idle_minutes=_read(env, "FANGKONG_IDLE_MINUTES", _minutes, 30, minutes),
        idle_minutes_ward=_read(env, "FANGKONG_IDLE_MINUTES_WARD", _minutes, 120, minutes),
        session_hours=_read(
            env, "FANGKONG_SESSION_HOURS", _hours, 12, "write a number of hours between 1 and 24"
        ),
        proxies=_read(
            env,
            "FANGKONG_PROXIES",
            _networks,
            (),
            "write the addresses of your own proxies, such as 127.0.0.1,10.0.0.0/24",
        ),
        separate_administrators=_read(
            env, "FANGKONG_SEPARATE_ADMINISTRATORS", _bool, True, "write 1 or 0"
        ),
        oidc_issuer=_read(
            env,
            "FANGKONG_OIDC_ISSUER",
            _issuer,
            "",
            "write the issuer's address, such as https://sso.example/realms/health",
        ),
        oidc_client_id=env.get("FANGKONG_OIDC_CLIENT_ID", "").strip(),
        oidc_secret=env.get("FANGKONG_OIDC_CLIENT_SECRET", "").strip(),
        oidc_name=env.get("FANGKONG_OIDC_NAME", "").strip() or "OpenID Connect",
        oidc_claim=env.get("FANGKONG_OIDC_USERNAME_CLAIM", "").strip(),
        oidc_trusts_mfa=_read(env, "FANGKONG_OIDC_TRUST_MFA", _bool, False, "write 1 or 0"),
    )


# Single sign-on needs all three; without them nothing else of it means anything.
_TRIO = ("FANGKONG_OIDC_ISSUER", "FANGKONG_OIDC_CLIENT_ID", "FANGKONG_OIDC_CLIENT_SECRET")
_BESIDE = (
    *("FANGKONG_OIDC_NAME", "FANGKONG_OIDC_USERNAME_CLAIM"),
    "FANGKONG_OIDC_TRUST_MFA",
)


def _whole(env: Mapping[str, str]) -> None:
    """Half of the settings of single sign-on would be no sign-on at all, without a word."""
    given = [name for name in (*_TRIO, *_BESIDE) if env.get(name, "").strip()]
    missing = [name for name in _TRIO if name not in given]
    if given and missing:
        raise WrongSetting(
            f"{given[0]} is set, but {' and '.join(missing)} is missing: single sign-on needs "
            f"{', '.join(_TRIO[:2])} and {_TRIO[2]}. Set all three, or none of FANGKONG_OIDC_…"
        )


def _profile(raw: str) -> str:
    if raw not in ("asvs", "mlps3"):
        raise ValueError(raw)
    return raw


def _minutes(raw: str) -> int:
    if not 5 <= int(raw) <= 720:
        raise ValueError(raw)
    return int(raw)


def _hours(raw: str) -> int:
    if not 1 <= int(raw) <= 24:
        raise ValueError(raw)
    return int(raw)


def _networks(raw: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in raw.split(",") if part.strip())


def _issuer(raw: str) -> str:
    parts = urlsplit(raw)
    local = parts.hostname in ("localhost", "127.0.0.1")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ValueError(raw)
    return raw.rstrip("/")


_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "fangkong.accounts.passwords.LongEnough", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]


def validators(profile: str) -> list[dict[str, Any]]:
    """What a password must pass (``accounts/passwords.py`` tells why there are two profiles)."""
    if profile == "asvs":
        return _VALIDATORS
    mixed = {"NAME": "fangkong.accounts.passwords.Mixed"}
    return [*_VALIDATORS, mixed, {"NAME": "fangkong.accounts.passwords.NotAFormerOne"}]


def providers(found: SignInEnvironment) -> dict[str, Any]:
    """allauth's table of identity providers: ours, or none."""
    if not found.oidc_issuer:
        return {}
    app = {
        "provider_id": "sso",
        "name": found.oidc_name,
        "client_id": found.oidc_client_id,
        "secret": found.oidc_secret,
        "settings": {"server_url": found.oidc_issuer, "fetch_userinfo": False},
    }
    return {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "SCOPE": ["openid", "profile"],
            "APPS": [app],
        }
    }


def reached(found: SignInEnvironment) -> frozenset[str]:
    """The host and port of the identity provider, which may lie in the inner network."""
    parts = urlsplit(found.oidc_issuer)
    if not parts.hostname:
        return frozenset()
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return frozenset({f"{host}:{parts.port or (80 if parts.scheme == 'http' else 443)}"})


def form_targets(found: SignInEnvironment) -> list[str]:
    """The origins that a form may lead to beside our own: the identity provider's."""
    parts = urlsplit(found.oidc_issuer)
    return [f"{parts.scheme}://{parts.netloc}"] if parts.netloc else []
