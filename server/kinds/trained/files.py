"""The files of a model, read only if their digests and types match the description."""

import json
import struct
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import skops.io
from numpy.typing import NDArray
from skops.io.exceptions import UntrustedTypesFoundException

from ontology.artefact import ArtefactError, bytes_digest, content_digest, read_file
from server.catalog.trained_model import ModelFile
from server.errors import ModelError

TRUSTED_PREFIXES = ("sklearn.", "numpy.", "scipy.")
"""Only types under these names may be trusted by a description."""

# What reading a schema that was made to deceive ends with: depth, sizes and shapes that cannot be, lists too short.
_LOAD_ERRORS = (
    UntrustedTypesFoundException,
    TypeError,
    ValueError,
    AttributeError,
    ImportError,
    LookupError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    OSError,
    EOFError,
    MemoryError,
    BadZipFile,
    struct.error,
)


def read_skops(folder: Path, file: ModelFile, trusted: tuple[str, ...], exactly: bool = True) -> Any:
    """What a skops file holds: its content is what the description names, and so are its types.

    ``exactly``: all that is trusted must be in it.  Raises ModelError.
    """
    data = _read_bytes(folder, file)
    try:
        if content_digest(data, file.name) != file.sha256:
            raise _digest_mismatch(file)
    except ArtefactError as error:
        raise ModelError(str(error)) from None
    foreign = [name for name in trusted if not name.startswith(TRUSTED_PREFIXES)]
    if foreign:
        raise ModelError(f"mpm:trustedType {foreign[0]}: only types of scikit-learn, NumPy and SciPy may be trusted")
    try:
        found = set(skops.io.get_untrusted_types(data=data))
        if unlisted := sorted(found - set(trusted)):
            raise ModelError(f"{file.name}: holds a type that its description does not trust: {unlisted[0]}")
        if exactly and (unmet := sorted(set(trusted) - found)):
            raise ModelError(f"{file.name}: mpm:trustedType {unmet[0]} is not in it; trust no more than is needed")
        return skops.io.loads(data, trusted=list(trusted))
    except _LOAD_ERRORS as error:
        raise ModelError(f"{file.name}: cannot be loaded ({type(error).__name__})") from error


def read_background(folder: Path, file: ModelFile, columns: tuple[str, ...]) -> NDArray[np.float64]:
    """The rows of a background, one column for each feature; null is NaN."""
    data = _read_json(folder, file)
    if not isinstance(data, dict) or data.get("columns") != list(columns):
        raise ModelError(f"{file.name}: its columns are not the features of the description, in their order")
    if not data.get("origin"):
        raise ModelError(f"{file.name}: does not say where its rows come from (origin)")
    try:
        rows = np.array(data["rows"], dtype=np.float64)
    except (KeyError, ValueError, TypeError):
        raise ModelError(f"{file.name}: its rows are not numbers") from None
    if rows.ndim != 2 or not len(rows) or rows.shape[1] != len(columns) or np.isinf(rows).any():
        raise ModelError(f"{file.name}: needs at least one row, of {len(columns)} numbers or nulls")
    return rows


def read_interval_table(
    folder: Path, file: ModelFile
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The margins from which on the ends of an interval hold, and these ends as probabilities."""
    data = _read_json(folder, file)
    try:
        margin, low, high = (np.array(data[name], dtype=np.float64) for name in ("margin", "low", "high"))
    except (KeyError, ValueError, TypeError):
        raise ModelError(f"{file.name}: needs margin, low and high, lists of numbers") from None
    fits = margin.ndim == 1 and margin.shape == low.shape == high.shape and len(margin) > 0
    if (
        not fits
        or not np.isfinite(margin).all()
        or (np.diff(margin) <= 0).any()
        or not ((low >= 0) & (low <= high) & (high <= 1)).all()
    ):
        raise ModelError(f"{file.name}: margins must rise, and each low be at most its high, both from 0 to 1")
    if (np.diff(low) < 0).any() or (np.diff(high) < 0).any():
        raise ModelError(f"{file.name}: the interval of a higher margin must not be lower")
    return margin, low, high


def _read_json(folder: Path, file: ModelFile) -> Any:
    data = _read_bytes(folder, file)
    if bytes_digest(data) != file.sha256:
        raise _digest_mismatch(file)
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise ModelError(f"{file.name}: not JSON") from None


def _read_bytes(folder: Path, file: ModelFile) -> bytes:
    try:
        return read_file(folder / file.name)
    except ArtefactError as error:
        raise ModelError(str(error)) from None
    except OSError:
        raise ModelError(f"{file.name}: not found, or not to be read, beside module.ttl") from None


def _digest_mismatch(file: ModelFile) -> ModelError:
    return ModelError(f"{file.name}: does not match its description: what it holds has another SHA-256 than mpm:sha256")
