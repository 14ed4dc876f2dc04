"""Lists that clinicians keep of a patient: that they are looked after, by their own dates or by their Provenance."""
