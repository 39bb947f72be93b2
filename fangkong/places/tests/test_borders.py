from tools import borders


def test_a_missing_package_is_one_line_that_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(borders, "find_spec", lambda name: None)

    assert borders.main() == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "uv sync --group build" in told


def test_coordinates_are_cut_to_what_a_map_can_show():
    line = {"type": "Polygon", "coordinates": [[[101.123456, 30.0], [101.9999, 31.00049]]]}

    assert borders.rounded(line)["coordinates"] == [[[101.123, 30.0], [102.0, 31.0]]]
