"""Stand-ins for the system's tools; the running test answers for them."""
