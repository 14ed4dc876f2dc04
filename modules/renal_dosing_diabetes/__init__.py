"""What the label says of a gliptin or gliflozin at the patient's eGFR."""
