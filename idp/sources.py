"""Where settings come from: a TOML file, secret files, and how they are put together.

What cannot be read is one problem more, a sentence that begins with the variable; the rest is read.
"""

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PREFIX = "IDP_"
SECRETS = ("DATABASE__URL", "REDIS__URL", "SMS__TOKEN")
"""What may also stand in a file: named by the variable with ``_FILE``, or in the secrets folder."""


def from_file(problems: list[str]) -> dict[str, Any]:
    """What the TOML file says."""
    name = os.environ.get(f"{PREFIX}CONFIG")
    if not name:
        return {}
    try:
        return tomllib.loads(Path(name).read_text("utf-8"))
    except (OSError, ValueError) as error:
        problems.append(f"{PREFIX}CONFIG: {name} cannot be read: {why(error)}.")
        return {}


def from_secrets(problems: list[str]) -> dict[str, Any]:
    """What stands in secret files."""
    folder = os.environ.get(f"{PREFIX}SECRETS_DIRECTORY")
    found: dict[str, Any] = {}
    if folder and not Path(folder).is_dir():
        problems.append(f"{PREFIX}SECRETS_DIRECTORY: there is no folder {folder}.")
    for name in SECRETS:
        variable = f"{PREFIX}{name}_FILE"
        given = os.environ.get(variable)
        file = Path(given) if given else Path(folder or "", f"{PREFIX}{name}")
        if given or (folder and file.is_file()):
            section, field = name.lower().split("__")
            try:
                found.setdefault(section, {})[field] = file.read_text("utf-8").strip()
            except (OSError, ValueError) as error:
                problems.append(f"{PREFIX}{name}: {file} cannot be read: {why(error)}.")
    return found


def merged(*sources: Mapping[str, Any]) -> dict[str, Any]:
    """All of them, section by section; a later one goes before."""
    found: dict[str, Any] = {}
    for name, value in (each for source in sources for each in source.items()):
        both = isinstance(value, dict) and isinstance(found.get(name), dict)
        found[name] = {**found[name], **value} if both else value
    return found


def without(values: Mapping[str, Any], wrong: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """``values`` but for those that are wrong: what contradicts the others is found too."""
    kept = merged(values)
    for section, *inner in (each["loc"] for each in wrong):
        held = kept.pop(section, None)
        if inner and isinstance(held, dict):
            kept[section] = {name: each for name, each in held.items() if name != inner[0]}
    return kept


def why(error: Exception) -> str:
    """What went wrong with a file, without its name."""
    return (isinstance(error, OSError) and error.strerror) or str(error)
