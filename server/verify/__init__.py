"""An exported argument verified: read, computed again here, and what differs reported."""
