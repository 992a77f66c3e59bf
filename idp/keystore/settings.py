"""Settings of the keys."""

from pathlib import Path

from pydantic import Field

from idp.core.section import Section


class KeysSection(Section):
    directory: Path = Field(
        Path("keys/dev"), description="Signing keys and secrets, mode 0700; required in production."
    )
