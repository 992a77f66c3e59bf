"""Settings of the account's passcode."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PasscodeSettings:
    """Argon2id costs (RFC 9106 §4; ``memory`` in KiB): one check takes about 20 ms of one core."""

    memory: int = 19 * 1024
    passes: int = 2
    lanes: int = 1


DEFAULT = PasscodeSettings()
