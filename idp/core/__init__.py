"""Values everything else speaks in: no I/O, no framework, imports nothing of ours."""
