"""Single sign-on by OpenID Connect: for existing staff only, checked more strictly than usual.

allauth reads an ID token that came straight from the token endpoint without looking at its
signature, and sends no nonce. Here signature, issuer, audience, times and nonce are all checked,
and every request to the provider passes the guard of ``core.outbound``.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from io import BytesIO
from typing import Any, cast

import jwt
import requests
from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base.constants import AuthError
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
from requests.adapters import BaseAdapter

from fangkong.core import clock, outbound
from fangkong.core.refusals import Refused

from . import queries
from .sign_in import actions

log = logging.getLogger(__name__)

PROVIDER = "sso"
NONCE = "oidc_nonce"
# Signatures by the provider's key only; a shared secret ("HS256") or none at all is never one.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
LEEWAY = 60  # seconds that the two clocks may differ
LONGEST_SUBJECT = 191  # signs: the column of allauth
STRONG = frozenset({"mfa", "otp", "hwk", "swk", "fpt", "face", "pop", "sc", "wia"})  # RFC 8176
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
SENT_ON = frozenset({"accept", "authorization", "content-type"})


class _Guarded(BaseAdapter):
    """Sends what allauth asks of the provider through the house's one way out."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        url, body = request.url or "", request.body or b""
        headers = {k: str(v) for k, v in request.headers.items() if k.lower() in SENT_ON}
        try:
            if request.method == "POST":
                content = body.encode() if isinstance(body, str) else cast(bytes, body)
                answer = outbound.post(url, body=content, headers=headers)
            else:
                answer = outbound.get(url, headers=headers)
        except Refused as problem:
            raise requests.ConnectionError(type(problem).__name__) from problem
        made = requests.Response()
        made.status_code, made.url, made.request = answer.status, answer.url, request
        made.headers.update(answer.headers)
        made.headers.setdefault("content-type", "")
        made.raw = BytesIO(answer.body)
        return made

    def close(self) -> None:
        """Nothing is kept open."""


class SingleSignOn(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Nobody signs up and nobody links an account but an administrator, or the claim they chose."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        token = cast(Any, sociallogin).claims
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

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: Any = None,
    ) -> None:
        """One line for the operator, without a word of what was sent; staff see a page."""
        cause = exception and (exception.__cause__ or exception)
        log.warning("single sign-on refused", extra={"why": type(cause).__name__})
        if error == AuthError.CANCELLED:
            messages.info(request, _("You were not signed in there. Try again, or sign in here."))
            raise ImmediateHttpResponse(redirect("account_login"))

    def get_requests_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # no proxy and no password file of the environment
        session.max_redirects = 0  # the provider answers itself or not at all
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Guarded())
        return session


class Provider(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth ships no types
    """Our identity provider as a stranger whose every word is checked."""

    @property
    def openid_config(self) -> dict[str, Any]:
        """The provider's own description, where it is the provider that the settings name."""
        if not hasattr(self, "_openid_config"):
            with SingleSignOn(self.request).get_requests_session() as session:
                answer = session.get(self.get_provider().server_url)
                answer.raise_for_status()
                self._openid_config = described(answer.json())
        return self._openid_config

    def get_access_token_data(self, *given: Any, **more: Any) -> dict[str, Any]:
        try:
            data = super().get_access_token_data(*given, **more)
        except TypeError as problem:  # an answer that is a mere number
            raise OAuth2Error("no answer") from problem
        # Beside the ID token nothing is used; odd values elsewhere shall do no harm.
        if not isinstance(data, dict) or not isinstance(data.get("id_token"), str):
            raise OAuth2Error("no ID token")
        return {"access_token": str(data["access_token"]), "id_token": data["id_token"]}

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        nonce = self.request.session.pop(NONCE, None)
        try:
            key = self._key(jwt.get_unverified_header(id_token))
            claims = jwt.decode(
                id_token,
                key,
                algorithms=ALGORITHMS,
                issuer=self.openid_config["issuer"],
                audience=app.client_id,
                leeway=LEEWAY,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except (jwt.PyJWTError, TypeError, ValueError) as problem:  # also keys of another kind
            raise OAuth2Error("ID token refused") from problem
        sent = str(claims.get("nonce", ""))
        if not nonce or not secrets.compare_digest(sent.encode(), nonce.encode()):
            raise OAuth2Error("ID token of another sign-in")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != app.client_id:
            raise OAuth2Error("ID token for another client")
        if not 0 < len(claims["sub"]) <= LONGEST_SUBJECT:
            raise OAuth2Error("ID token without a subject")
        return claims

    def _key(self, header: dict[str, Any]) -> Any:
        with SingleSignOn(self.request).get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
            found = answer.json()
        if not isinstance(found, dict):
            raise jwt.InvalidKeyError("no keys")
        keys = jwt.PyJWKSet.from_dict(found).keys
        named = [one for one in keys if one.key_id == header.get("kid")]
        if not named:
            raise jwt.InvalidKeyError("no such key")
        return named[0].key

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return request.build_absolute_uri(reverse("single_sign_on_back"))

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **more: Any) -> Any:
        login = super().complete_login(request, app, token, **more)
        # The claims are needed for this sign-in only: allauth would store them with the account.
        login.claims, login.account.extra_data = login.account.extra_data["id_token"], {}
        return login


def described(found: Any) -> dict[str, Any]:
    """A discovery document (OpenID Connect Discovery 1.0, section 3) that may be followed."""
    if not isinstance(found, dict):
        raise OAuth2Error("no description")
    wanted, named = settings.SIGN_IN.oidc_issuer, found.get("issuer")
    if not isinstance(named, str) or named.rstrip("/") != wanted:
        raise OAuth2Error("description of another issuer")
    scheme = wanted.partition("://")[0] + "://"
    if not all(str(found.get(name, "")).startswith(scheme) for name in ENDPOINTS):
        raise OAuth2Error("description without its addresses")
    return found


def is_configured() -> bool:
    """Whether the settings name an identity provider."""
    return bool(settings.SOCIALACCOUNT_PROVIDERS)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """To the identity provider, with state, PKCE and a nonce of this browser."""
    provider = _adapter(request).get_provider()
    provider.oauth2_adapter_class = Provider  # ours, with our address to come back to
    request.session[NONCE] = secrets.token_urlsafe(24)
    auth = {**provider.get_auth_params(), "nonce": request.session[NONCE]}
    next_url = get_next_redirect_url(request)
    try:
        return cast(HttpResponse, provider.redirect(request, "login", next_url, auth_params=auth))
    except (requests.RequestException, OAuth2Error) as problem:
        log.warning("single sign-on not begun", extra={"why": type(problem).__name__})
        messages.error(request, _("The identity provider does not answer. Try again later."))
        return redirect("account_login")


@require_GET
def back(request: HttpRequest) -> HttpResponse:
    """From the identity provider, with a code."""
    adapter = _adapter(request)
    try:
        return cast(HttpResponse, OAuth2CallbackView.adapter_view(adapter)(request))
    except (requests.RequestException, OAuth2Error) as problem:
        # allauth asks for the provider's description outside of its own guard.
        provider = adapter.get_provider()
        return cast(HttpResponse, render_authentication_error(request, provider, exception=problem))


def _adapter(request: HttpRequest) -> Provider:
    if not is_configured():
        raise Http404
    return Provider(request, PROVIDER)
