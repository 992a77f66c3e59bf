"""The audit log: what happened, tamper-evident, with no personal data."""
