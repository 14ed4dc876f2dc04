"""The kinds of module: equation, score, rule; and the criteria that they share.

Everything here is pure and synchronous: the only files it reads are the implementations, found by their folders.
"""

from server.kinds.call import evaluate
from server.kinds.check import check_signature
from server.kinds.errors import KindError
from server.kinds.interpret import interpret

__all__ = ["KindError", "check_signature", "evaluate", "interpret"]
