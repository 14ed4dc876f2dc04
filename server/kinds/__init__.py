"""The kinds of module: equation, score, rule, model; and the criteria that they share.

Everything here is pure and synchronous: the only files it reads are the implementations and trained models, found by
their folders.
"""

from server.errors import KindError
from server.kinds.description_checks import check_signature
from server.kinds.dispatch import evaluate
from server.kinds.interpretation import interpret
from server.kinds.model import model_faults
from server.kinds.model_batch import Mixtures, batch_values

__all__ = ["KindError", "Mixtures", "batch_values", "check_signature", "evaluate", "interpret", "model_faults"]
