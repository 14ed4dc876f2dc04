"""Questionnaire responses: the answers to their items."""
