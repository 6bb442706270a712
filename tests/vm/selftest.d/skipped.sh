# Cannot run.
skip "to see it counted"
