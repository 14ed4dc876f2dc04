"""Quick SOFA (Sepsis-3)."""
