"""The citizen's e-ID account: level, contact, passcode and lock, apart from the registry."""
