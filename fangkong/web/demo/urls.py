"""Addresses of the demonstration's own page."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "demo"
urlpatterns = [
    path("", views.index, name="index"),
    path("messages/<str:name>", views.message, name="message"),
    path("<str:name>", views.file, name="file"),
]
