"""SMART App Launch 2.2: from the EHR's launch to a session that is bound to one patient of one source."""
