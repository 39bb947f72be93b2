"""What the doctor looks at here: whether the identity provider answers as the settings name it."""

from __future__ import annotations

import json

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fangkong.core import outbound
from fangkong.core.refusals import Refused
from fangkong.core.watch.doctor import SECONDS, probe
from fangkong.core.watch.types import Line, bad, ok

DESCRIPTION = "/.well-known/openid-configuration"


@probe(gettext_lazy("Single sign-on"))
def _single_sign_on() -> Line | None:
    issuer = settings.SIGN_IN.oidc_issuer
    if not issuer:
        return None
    todo = _("Check FANGKONG_OIDC_ISSUER and whether the identity provider runs.")
    try:
        answer = outbound.get(issuer + DESCRIPTION, timeout=SECONDS - 1)
    except Refused as problem:
        return bad(f"{issuer}: {problem}", todo)
    if answer.status != 200:
        return bad(
            _("%(address)s answers %(status)d")
            % {"address": issuer + DESCRIPTION, "status": answer.status},
            todo,
        )
    from allauth.socialaccount.providers.oauth2.client import OAuth2Error

    from .single_sign_on import described

    try:
        described(json.loads(answer.body))
    except (OAuth2Error, ValueError, RecursionError):
        return bad(
            _("%(address)s is not the description of this issuer")
            % {"address": issuer + DESCRIPTION},
            _("Write the issuer as its own description names it."),
        )
    return ok(issuer)
