"""Stand-ins for the system's tools, answered by the test that runs."""
