"""Stage of acute kidney injury by the KDIGO creatinine criteria."""
