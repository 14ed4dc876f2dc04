"""CDS Hooks 2.0.1: services that an EHR calls while a clinician works, and the cards that answer."""
