"""Trained models: their files, what is checked of them, and what they give.

``faults``, ``opening``, ``row`` and ``standing`` are light.  The rest imports numpy, scikit-learn, skops and shap,
which take seconds: it is imported where a model is first run, never at the start.
"""
