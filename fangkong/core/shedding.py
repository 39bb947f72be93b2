"""More requests at once than can be answered: the ones beyond are told to come again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import BoundedSemaphore

from django.http import HttpRequest, HttpResponse

from fangkong.core import problems

log = logging.getLogger(__name__)

Handler = Callable[[HttpRequest], HttpResponse]

AT_ONCE = 32  # requests a process works on; more only wait for each other and for the database
HEALTH = frozenset({"/alive/", "/ready/", "/healthz", "/readyz"})
AGAIN = 2  # seconds until it is worth asking again

BUSY = problems.plain_text(
    503,
    zh_title="系统正忙",
    title="The system is busy",
    zh="请稍候几秒再试。刚才提交的内容尚未保存，请重新提交。",
    text="Try again in a few seconds. What was sent is not saved yet: send it again.",
)


class Shed:
    """Stands early in MIDDLEWARE. The health pages are always answered.

    By the time that it runs, the body has been read: somebody who sends slowly takes no place.
    Under `fangkong serve` the door itself keeps the queue short (config/doorway.py).
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.places = BoundedSemaphore(AT_ONCE)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in HEALTH:
            return self.get_response(request)
        if not self.places.acquire(blocking=False):
            log.warning("request shed")
            if problems.for_machines(request):
                return problems.busy()
            return HttpResponse(BUSY, status=503, headers={"Retry-After": str(AGAIN)})
        try:
            return self.get_response(request)
        finally:
            self.places.release()
