"""Pinned files of public packages: read locally, never downloaded here."""

from hashlib import sha256
from pathlib import Path
from zipfile import BadZipFile, ZipFile

HOME = Path("var/training")


class DataError(ValueError):
    """The data that a model is fitted to are missing or changed; the message says what to do."""


def member(folder: Path, wheel: str, name: str, digest: str) -> str:
    """The text of one file of a wheel.  Raises DataError where it is missing, or its SHA-256 differs.

    ``make training-data`` puts the wheels where ``folder`` points by default.  ``wheel`` may have a ``*``: of packages
    with compiled parts there is one wheel for each platform.
    """
    found = sorted(folder.glob(wheel))
    if not found:
        raise DataError(
            f"There is no {wheel} in {folder}.  Get the data with: make training-data  (or name another folder: --data)"
        )
    try:
        with ZipFile(found[0]) as archive:
            data = archive.read(name)
    except (BadZipFile, KeyError) as fault:
        raise DataError(f"{found[0].name} is damaged or has no {name}.  Remove it, then: make training-data") from fault
    if sha256(data).hexdigest() != digest:
        raise DataError(
            f"{name} of {found[0].name} is not the file that the model was fitted to (its SHA-256 differs).  "
            "Remove it, then: make training-data"
        )
    return data.decode()


def number(text: str) -> float:
    """A number; NaN for an empty cell."""
    text = text.strip()
    return float("nan") if text in ("", "NA") else float(text)
