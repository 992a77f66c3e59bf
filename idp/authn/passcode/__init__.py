"""The 6-digit passcode of the e-ID account: a second factor, never the first."""
