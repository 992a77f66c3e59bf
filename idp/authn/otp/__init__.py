"""A one-time code sent to the phone of the e-ID account (NIST SP 800-63B-4 §3.1.3)."""
