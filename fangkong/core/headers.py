"""The headers that every answer carries, also those that no page of ours made (static files).

The Content-Security-Policy of pages stands in the settings; django-csp writes it with its nonce.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from fangkong.core.problems import for_machines

REPORTS = "/core/violations/"
# What is not a page of ours holds nothing that runs.
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# A page that needs one of these, such as a video call, sets the header itself.
PERMISSIONS = ", ".join(
    [
        *(
            f"{name}=()"
            for name in (
                "accelerometer", "browsing-topics", "camera", "display-capture",
                "geolocation", "gyroscope", "hid", "magnetometer", "microphone", "midi", "payment",
                "serial", "usb",
            )
        ),
        # Passkeys are made and used on our own pages.
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
    ]
)  # fmt: skip

ALWAYS = {
    "Permissions-Policy": PERMISSIONS,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": NOTHING,
}


class PagePolicy(CSPMiddleware):
    """The policy of pages. Machines get the same one without a nonce, made once."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if for_machines(request):
            response.headers.setdefault(HEADER, _without_scripts())
            return response
        return super().process_response(request, response)


@cache
def _without_scripts() -> str:
    return build_policy()


class Headers:
    """Outermost, so that it sees every answer; what is set already stays."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        for name, value in ALWAYS.items():
            answer.headers.setdefault(name, value)
        if "report-to" in answer["Content-Security-Policy"]:
            answer.headers.setdefault("Reporting-Endpoints", f'csp="{REPORTS}"')
        return answer
