"""CHA2DS2-VASc and CHA2DS2-VA: risk of stroke in atrial fibrillation."""
