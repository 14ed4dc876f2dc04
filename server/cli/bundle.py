"""The records that ``ask --bundle`` hands in: a file, or standard input."""

from collectors.errors import HandedInError
from collectors.handed import HandedIn, from_records
from server.catalog.load import Catalog
from server.cli.given import read_given

MOST_BYTES = 256 * 1024 * 1024
"""A larger file is not read."""


def read_bundle(name: str | None, complete: str, patient: str) -> HandedIn | None:
    """What was handed in; None where nothing was.

    ``complete``: resource types of which the file has all of the patient's records, separated by commas.  Raises
    HandedInError.
    """
    types = tuple(each.strip() for each in complete.split(",") if each.strip())
    if name is None:
        if types:
            raise HandedInError("--complete says what is whole in a --bundle, and none was given")
        return None
    try:
        raw = read_given(name, MOST_BYTES)
    except OSError:
        raise HandedInError("the bundle cannot be read; give a file that can be, or - for standard input") from None
    if raw is None:
        raise HandedInError(f"the bundle is larger than {MOST_BYTES // 1024 // 1024} MB")
    return from_records(raw, types, patient)


def check_types(handed: HandedIn, catalog: Catalog) -> None:
    """Raises HandedInError where ``--complete`` named a type of which nothing is read: nothing would come of it."""
    read: set[str] = set()
    for each in catalog.collectors.values():
        read.update((each.resource_type, *each.includes))
        if each.layout is not None and each.layout.named is not None:
            read.add(each.layout.named.resource_type)
    if not read.issuperset(handed.types):
        raise HandedInError(f"--complete names a type of which nothing is read; it may name {', '.join(sorted(read))}")
