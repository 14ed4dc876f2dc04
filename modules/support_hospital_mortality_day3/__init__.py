"""Death in hospital from vital signs and laboratory values of the third day, in the disease groups of SUPPORT."""
