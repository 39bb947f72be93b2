"""Pages for what went wrong: each says what to do, and shows nothing of the inside."""

from __future__ import annotations

import sys

from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from fangkong.core import problems
from fangkong.core.middleware import forget_address


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    shown = {"title": title, "text": text, "status": status}
    return render(request, "web/error.html", shown, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, TooManyFieldsSent | TooManyFilesSent):
        return _page(
            request,
            413,
            _("More was sent at once than can be read"),
            _("Nothing was changed. Go back and send it in parts, or as a file."),
        )
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
    forget_address(request)  # whatever was typed there, such as a name, is not said again
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
    """What nothing else answered; a database away or a full disk is told as what it is."""
    # No context processors and no database: the cause may lie there.
    fact = sys.exc_info()[1]
    status = problems.out_of_service(fact)
    if problems.for_machines(request):
        return problems.busy(fact) if status != 500 else problems.broken()
    response = problems.plain_page(status, **_TEXTS[status])
    if status != 500:
        response["Retry-After"] = "5"
    return response


_TEXTS = {
    500: {
        "zh_title": "出错了",
        "title": "Something went wrong",
        "zh": "刚才的操作没有保存。请稍后再试；如果仍然出错，请联系管理员。",
        "text": "Nothing was saved. Try again in a while; if it fails again, tell the "
        "administrator.",
    },
    503: {
        "zh_title": "数据库暂时没有响应",
        "title": "The database does not answer",
        "zh": "请稍候几秒再试：同一表单重复提交不会重复保存。",
        "text": "Try again in a few seconds: the same form sent twice is saved once.",
    },
    507: {
        "zh_title": "服务器磁盘已满",
        "title": "The disk of the server is full",
        "zh": "现在无法保存；不含个人资料的页面仍可查看。查看个人资料须留记录，所以也暂停。"
        "请联系管理员；空间恢复后请重新提交。",
        "text": "Nothing can be saved. Pages without personal records go on; who sees a person is "
        "noted, and no note can be kept now. Tell the administrator, and send it again when there "
        "is space.",
    },
}
