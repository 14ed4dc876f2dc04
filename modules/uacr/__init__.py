"""The urine albumin-creatinine ratio, as recorded or computed."""
