"""The product's settings and one planted bug, for a server that a harness must find wanting."""

from __future__ import annotations

from fangkong.config import settings

globals().update({name: value for name, value in vars(settings).items() if name.isupper()})
INSTALLED_APPS = [*settings.INSTALLED_APPS, "tests.prove.planted.Planted"]
