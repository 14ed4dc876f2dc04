"""Results as FHIR R4: Observation or RiskAssessment, with Provenance."""

from server.explain.fhir.bundle import bundle

__all__ = ["bundle"]
