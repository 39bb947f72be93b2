"""The few pages of allauth that staff use; signing up by oneself and e-mail pages stay out."""

from __future__ import annotations

from allauth.account import views
from django.contrib.auth.decorators import login_required
from django.urls import include, path
from django.views.generic import TemplateView

from fangkong.accounts import single_sign_on

signing_in = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("2fa/", include("allauth.mfa.urls")),
    path("single-sign-on/", single_sign_on.start, name="single_sign_on"),
    path("single-sign-on/back/", single_sign_on.back, name="single_sign_on_back"),
    # Somebody whom single sign-on brought has no password here to change.
    path(
        "password/set/",
        login_required(TemplateView.as_view(template_name="account/password_set.html")),
        name="account_set_password",
    ),
    # allauth asks for these names; both answer that an administrator helps.
    path("signup/", views.signup, name="account_signup"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path(
        "password/reset/",
        TemplateView.as_view(template_name="account/password_reset.html"),
        name="account_reset_password",
    ),
]
