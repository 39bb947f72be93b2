"""Say a message to one channel: mail by Django, the four HTTP ways through ``core.outbound``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote_plus

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from fangkong.core import outbound
from fangkong.core.refusals import Refused

from . import rules
from .models import Channel, Way

TIMEOUT = 5.0  # seconds for one receiver


@dataclass(frozen=True)
class Said:
    """One message as it goes out. ``to`` is empty for a group."""

    text: str
    url: str
    to: str
    id: str

    @property
    def whole(self) -> str:
        return f"{self.text} {self.url}".strip()


def send(channel: Channel, said: Said, at: datetime) -> str:
    """Send it; "" when the other side took it, else what went wrong by name, without any text."""
    if not all(rules.is_one_line(part) for part in (said.text, said.url, said.to)):
        return "NotOneLine"
    try:
        if channel.way == Way.MAIL:
            return _mail(said)
        url, headers, body = request_of(channel, said, at)
        answer = outbound.post(url, body=body, headers=headers, timeout=TIMEOUT, largest=64 * 1024)
        return "" if answer.ok and _accepted(channel.way, answer) else "NotAccepted"
    except (Refused, OSError, ValueError) as problem:  # smtplib's errors are OSErrors
        return type(problem).__name__


def _mail(said: Said) -> str:
    mail = EmailMessage(
        subject=said.text,
        body=said.whole,
        to=[said.to],
        connection=get_connection(timeout=TIMEOUT),
    )
    return "" if mail.send() else "NotAccepted"


def request_of(channel: Channel, said: Said, at: datetime) -> tuple[str, dict[str, str], bytes]:
    """Address, headers and body, as the makers of the robots describe them."""
    url, secret, seconds = str(channel.url), str(channel.secret), int(at.timestamp())
    headers = {"Content-Type": "application/json"}
    if channel.way == Way.FEISHU:
        told: dict[str, object] = {"msg_type": "text", "content": {"text": said.whole}}
        if secret:
            told |= {"timestamp": str(seconds), "sign": rules.feishu_sign(secret, seconds)}
    elif channel.way == Way.GATEWAY:
        told = {"id": said.id, "to": said.to, "text": said.whole}
    else:
        told = {"msgtype": "text", "text": {"content": said.whole}}
        if channel.way == Way.DINGTALK and secret:
            sign = quote_plus(rules.dingtalk_sign(secret, seconds * 1000))
            url += f"{'&' if '?' in url else '?'}timestamp={seconds * 1000}&sign={sign}"
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    if channel.way == Way.GATEWAY and secret:
        headers["Fangkong-Timestamp"] = str(seconds)
        headers["Fangkong-Signature"] = "v1=" + rules.gateway_sign(secret, seconds, body)
    return url, headers, body


def _accepted(way: str, answer: outbound.Answer) -> bool:
    """The robots answer 200 also to what they refuse, and say so in a code."""
    if way == Way.GATEWAY:
        return True
    said = answer.json()
    code = "code" if way == Way.FEISHU else "errcode"
    return isinstance(said, dict) and said.get(code) == 0


def outer_address() -> str:
    """The public address of the house, or "" where the operator has named none."""
    origins: list[str] = settings.CSRF_TRUSTED_ORIGINS
    return origins[0].rstrip("/") if origins else ""
