"""Pages whose fields a camera may fill: the browser is told so, and for no other page."""

from __future__ import annotations

from django.http import HttpResponse

from fangkong.core.headers import PERMISSIONS

WITH_CAMERA = PERMISSIONS.replace("camera=()", "camera=(self)")


def with_camera(answer: HttpResponse) -> HttpResponse:
    """Let a page ask for the camera, to read a barcode."""
    answer["Permissions-Policy"] = WITH_CAMERA
    return answer
