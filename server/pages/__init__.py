"""Pages for clinicians: what the twin concludes about a patient, why, since when, how sure, and what is missing.

Rendered here, useful without JavaScript.  Every clinical sentence comes from ``server.explain``.
"""
