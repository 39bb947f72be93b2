"""The envelope: what is put in comes out; whatever is changed, cut or exchanged does not open."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fangkong.core.backup import sealing
from fangkong.core.backup.sealing import Lock, Opener, Sealer, new_pair, read_lock
from fangkong.core.backup.stream import Reader, Writer
from fangkong.core.backup.types import BackupProblem, File, Manifest

PASSPHRASE = Lock("passphrase", b"a long passphrase of the night")


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Small pieces and a cheap passphrase: the same code, quickly."""
    monkeypatch.setattr(sealing, "PIECE", 64)
    monkeypatch.setattr(sealing, "COST", 2)


def sealed(content: bytes, lock: Lock = PASSPHRASE) -> bytes:
    file = io.BytesIO()
    sealer = Sealer(file, lock, {"version": "1"})
    sealer.write(content)
    sealer.close()
    return file.getvalue()


def opened(raw: bytes, key: Lock | bytes = PASSPHRASE) -> bytes:
    opener, found = Opener(io.BytesIO(raw), key), b""
    while piece := opener.read():
        found += piece
    return found


def pair(tmp_path) -> tuple[Lock, Lock]:
    private, public = new_pair()
    (tmp_path / "a").write_text(private)
    (tmp_path / "b").write_text(public)
    return read_lock(tmp_path / "a"), read_lock(tmp_path / "b")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_what_is_sealed_opens_again(content):
    sealing.PIECE, sealing.COST = 64, 2

    assert opened(sealed(content)) == content


@pytest.mark.parametrize("size", [0, 63, 64, 65, 128])
def test_the_last_piece_may_be_full_or_empty(size):
    assert opened(sealed(b"x" * size)) == b"x" * size


def test_every_changed_byte_is_noticed():
    raw = sealed(bytes(range(200)))

    for place in range(len(raw)):
        harmed = bytearray(raw)
        harmed[place] ^= 1
        with pytest.raises(BackupProblem):
            opened(bytes(harmed))


def test_every_cut_is_noticed_and_so_is_what_is_added():
    raw = sealed(bytes(range(200)))

    for length in range(len(raw)):
        with pytest.raises(BackupProblem):
            opened(raw[:length])
    with pytest.raises(BackupProblem):
        opened(raw + b"x")


def test_pieces_do_not_change_places_nor_come_from_another_backup(tmp_path):
    content = bytes(range(192))
    one, other = sealed(content), sealed(content)
    whole = 64 + sealing.TAG
    start = len(one) - 3 * whole

    swapped = one[:start] + one[start + whole : start + 2 * whole] + one[start : start + whole]
    foreign = one[:start] + other[start : start + whole] + one[start + whole :]
    for harmed in (swapped + one[start + 2 * whole :], foreign):
        with pytest.raises(BackupProblem, match="damaged"):
            opened(harmed)


def test_a_wrong_key_is_told_from_a_damaged_file():
    with pytest.raises(BackupProblem, match="does not open"):
        opened(sealed(b"cards"), Lock("passphrase", b"another long passphrase"))


def test_a_server_with_the_public_key_cannot_read_what_it_wrote(tmp_path):
    private, public = pair(tmp_path)
    raw = sealed(b"cards", public)

    assert opened(raw, private) == b"cards"
    with pytest.raises(BackupProblem, match="private key"):
        opened(raw, public)
    with pytest.raises(BackupProblem, match="does not open"):
        opened(raw, pair(tmp_path)[0])


def test_a_header_cannot_ask_for_endless_work():
    raw = sealed(b"cards").replace(b'"n": 2,', b'"n": 9,')
    greedy = raw.replace(b'"n": 9,', b'"n": 4194304,')
    length = int.from_bytes(raw[18:22], "big") + 6
    greedy = greedy[:18] + length.to_bytes(4, "big") + greedy[22:]

    with pytest.raises(BackupProblem, match="damaged"):
        opened(greedy)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"too short",
        b"\xff\xfe",
        b"fangkong-backup-public:!!!!",
        b"fangkong-backup-private:QUJD",
    ],
)
def test_a_file_that_holds_no_key_is_refused(tmp_path, content):
    (tmp_path / "key").write_bytes(content)

    with pytest.raises(BackupProblem):
        read_lock(tmp_path / "key")


def manifest(files: dict[str, File]) -> Manifest:
    return Manifest("1", "2026-01-01", "me", "sqlite", [], {}, files)


def test_entries_come_out_as_they_went_in():
    file = io.BytesIO()
    writer = Writer(sealer := Sealer(file, PASSPHRASE, {}))
    told = {"media/a": writer.entry("media/a", [b"1", b"", b"2" * 5000])}
    writer.finish(manifest(told))
    file.seek(0)
    reader = Reader(Opener(file, sealer.key))

    found = {entry.name: b"".join(entry.parts()) for entry in reader.entries()}

    assert found == {"media/a": b"1" + b"2" * 5000}
    assert reader.manifest == manifest(told)


def test_an_envelope_without_a_manifest_is_no_backup():
    file = io.BytesIO()
    sealer = Sealer(file, PASSPHRASE, {})
    Writer(sealer).entry("media/a", [b"1"])
    sealer.close()
    file.seek(0)

    with pytest.raises(BackupProblem, match="damaged"):
        list(Reader(Opener(file, PASSPHRASE)).entries())
