"""Single sign-on by OpenID Connect: for existing staff only, checked more strictly than usual.

allauth reads an ID token that came straight from the token endpoint without looking at its
signature, and sends no nonce. Here signature, issuer, audience, times and nonce are all checked.
"""

from __future__ import annotations

import secrets
from typing import Any, cast

import jwt
import requests
from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from fangkong.core import clock

from . import queries
from .sign_in import actions

PROVIDER = "sso"
NONCE = "oidc_nonce"
# Signatures by the provider's key only; a shared secret ("HS256") or none at all is never one.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
LEEWAY = 60  # seconds that the two clocks may differ
STRONG = frozenset({"mfa", "otp", "hwk", "swk", "fpt", "face", "pop", "sc", "wia"})  # RFC 8176


class SingleSignOn(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Nobody signs up and nobody links an account but an administrator, or the claim they chose."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        token = sociallogin.account.extra_data.get("id_token", {})
        if not sociallogin.is_existing and settings.FANGKONG_OIDC_CLAIM:
            member = queries.by_username(str(token.get(settings.FANGKONG_OIDC_CLAIM, "")))
            if member is not None:
                actions.link_by_claim(
                    user=member, provider=PROVIDER, subject=sociallogin.account.uid, at=clock.now()
                )
                sociallogin.lookup()
        if not sociallogin.is_existing:
            messages.error(
                request,
                _("Your sign-in there is not linked to an account here. Ask your administrator."),
            )
            raise ImmediateHttpResponse(redirect("account_login"))
        amr = token.get("amr") or []
        request.session["idp_mfa"] = settings.FANGKONG_OIDC_TRUST_MFA and bool(
            STRONG & {str(one) for one in (amr if isinstance(amr, list) else [amr])}
        )
        # The claims were needed for this check only.
        sociallogin.account.extra_data = {}

    def get_requests_session(self) -> requests.Session:
        session = cast(requests.Session, super().get_requests_session())
        session.max_redirects = 0  # the provider answers itself or not at all
        return session


class Provider(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth ships no types
    """Our identity provider as a stranger whose every word is checked."""

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        nonce = self.request.session.pop(NONCE, None)
        try:
            key = self._key(jwt.get_unverified_header(id_token))
            claims = jwt.decode(
                id_token,
                key,
                algorithms=ALGORITHMS,
                issuer=settings.SIGN_IN.oidc_issuer,
                audience=app.client_id,
                leeway=LEEWAY,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except jwt.PyJWTError as problem:
            raise OAuth2Error("ID token refused") from problem
        sent = str(claims.get("nonce", ""))
        if not nonce or not secrets.compare_digest(sent.encode(), nonce.encode()):
            raise OAuth2Error("ID token of another sign-in")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != app.client_id:
            raise OAuth2Error("ID token for another client")
        return claims

    def _key(self, header: dict[str, Any]) -> Any:
        with SingleSignOn(self.request).get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
            keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        named = [one for one in keys if one.key_id == header.get("kid")]
        if not named:
            raise jwt.InvalidKeyError("no such key")
        return named[0].key

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return request.build_absolute_uri(reverse("single_sign_on_back"))

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **more: Any) -> Any:
        if not more["response"].get("id_token"):
            raise OAuth2Error("no ID token")
        return super().complete_login(request, app, token, **more)


def is_configured() -> bool:
    """Whether the settings name an identity provider."""
    return bool(settings.SOCIALACCOUNT_PROVIDERS)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """To the identity provider, with state, PKCE and a nonce of this browser."""
    adapter = _adapter(request)
    request.session[NONCE] = secrets.token_urlsafe(24)
    provider = adapter.get_provider()
    auth = {**provider.get_auth_params(), "nonce": request.session[NONCE]}
    next_url = get_next_redirect_url(request)
    try:
        return cast(HttpResponse, provider.redirect(request, "login", next_url, auth_params=auth))
    except requests.RequestException:
        messages.error(request, _("The identity provider does not answer. Try again later."))
        return redirect("account_login")


@require_GET
def back(request: HttpRequest) -> HttpResponse:
    """From the identity provider, with a code."""
    return cast(HttpResponse, OAuth2CallbackView.adapter_view(_adapter(request))(request))


def _adapter(request: HttpRequest) -> Provider:
    if not is_configured():
        raise Http404
    return Provider(request, PROVIDER)
