"""Files that the command line names: read no further than allowed, and never a fault that is told as ours."""

import io
import sys
from pathlib import Path

import pytest

from server.cli.arguments import read_file_or_stdin


@pytest.mark.parametrize(("length", "most", "whole"), [(0, 4, True), (4, 4, True), (5, 4, False)])
def test_a_file_and_standard_input_are_read_as_far_as_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int, most: int, whole: bool
) -> None:
    content = b"x" * length
    (tmp_path / "given").write_bytes(content)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    for name in (str(tmp_path / "given"), "-"):
        assert read_file_or_stdin(name, most) == (content if whole else None)


@pytest.mark.parametrize("name", ["none", ".", "a\0b"])
def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError):
        read_file_or_stdin(name, 10)
