from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fangkong.core.sealing import keys


@pytest.fixture
def own_ring(settings, tmp_path, monkeypatch):
    """A key ring of this test's own, which servers would look at without waiting."""
    settings.FANGKONG_KEYS = tmp_path / "keys.json"
    monkeypatch.setattr(keys, "LOOK_AGAIN_SECONDS", 0.0)
    return keys.make(datetime(2020, 2, 5, tzinfo=UTC))
