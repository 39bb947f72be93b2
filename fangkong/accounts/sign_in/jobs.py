"""Sessions whose lifetime is over are taken away each minute."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from fangkong.core.queue.actions import schedule

from . import actions


@schedule("accounts.sign_in.end_expired", "* * * * *")
def end_expired(at: datetime) -> None:
    actions.end_expired(real_now=timezone.now(), at=at)
