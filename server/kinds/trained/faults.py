"""What is wrong with a model's files, or with what came out of them.

KindError
└── ModelError     in words that name the file and what to do, and nothing of a patient
"""

from server.kinds.errors import KindError


class ModelError(KindError):
    """A model cannot be loaded, or what it gives does not hold: its module answers FAILED and says this."""
