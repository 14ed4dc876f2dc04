"""Estimated GFR by the CKD-EPI 2021 creatinine equation."""
