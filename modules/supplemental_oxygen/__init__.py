"""Whether the patient is breathing supplemental oxygen, from flow, fraction or recorded room air."""
