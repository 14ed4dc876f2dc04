"""Whether stroke risk in atrial fibrillation asks for an anticoagulant, and whether an oral one is on record."""
