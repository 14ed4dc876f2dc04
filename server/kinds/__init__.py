"""The kinds of module: equation, score, rule, model; and the criteria that they share.

Everything here is pure and synchronous: the only files it reads are the implementations and trained models, found by
their folders.
"""

from server.kinds.call import evaluate
from server.kinds.check import check_signature
from server.kinds.errors import KindError
from server.kinds.interpret import interpret
from server.kinds.mixtures import Mixtures, values_of
from server.kinds.model import model_faults

__all__ = ["KindError", "Mixtures", "check_signature", "evaluate", "interpret", "model_faults", "values_of"]
