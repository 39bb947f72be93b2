"""Pages for what went wrong: each says what to do, and shows nothing of the inside."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    shown = {"title": title, "text": text, "status": status}
    return render(request, "web/error.html", shown, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(
        request,
        400,
        _("The request could not be read"),
        _("Go back, reload the page and try again."),
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(
        request,
        403,
        _("Your roles do not open this page"),
        _("If you need it for your work, ask the administrator for the role."),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(
        request,
        404,
        _("There is no such page, or it is not open to you"),
        _("Check the address, or look for the record in its list."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(
        request,
        403,
        _("The form has expired"),
        _("Go back, reload the page and send the form again. Nothing was changed."),
    )


@csrf_exempt
def unknown_to_machines(request: HttpRequest) -> HttpResponse:
    """Any address under /api/ that is not there; the middleware tells it as a problem."""
    raise Http404


def server_error(request: HttpRequest) -> HttpResponse:
    # No context processors and no database: the cause may lie there.
    return HttpResponse(_FIVE_HUNDRED, status=500)


_FIVE_HUNDRED = """<!doctype html><html lang="zh-Hans"><meta charset="utf-8"><title>500</title>
<h1>出错了 Something went wrong</h1>
<p>刚才的操作没有保存。请稍后再试;如果仍然出错,请联系管理员。</p>
<p>Nothing was saved. Try again in a while; if it fails again, tell the administrator.</p>
<p><a href="/">首页 Home</a></p></html>"""
