"""Digests of code."""

from hashlib import blake2b
from pathlib import Path


def code_digest(folder: Path) -> str:
    """Hex BLAKE2b over the names and bytes of a folder's Python files; empty where there are none but __init__."""
    files = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
    if not files:
        return ""
    digest = blake2b(digest_size=32)
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
