"""The sources of the settings: a TOML file and secret files, and their combination.

An unreadable source adds one problem, a sentence that begins with the variable; the rest is read.
"""

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PREFIX = "IDP_"
SECRETS = ("DATABASE__URL", "REDIS__URL", "SMS__TOKEN")
"""Settings that a file can hold: named by the variable with ``_FILE``, or in the secrets folder."""


def from_file(problems: list[str]) -> dict[str, Any]:
    """The settings in the TOML file."""
    name = os.environ.get(f"{PREFIX}CONFIG")
    if not name:
        return {}
    try:
        return tomllib.loads(Path(name).read_text("utf-8"))
    except (OSError, ValueError) as error:
        problems.append(f"{PREFIX}CONFIG: {name} cannot be read: {why(error)}.")
        return {}


def from_secrets(problems: list[str]) -> dict[str, Any]:
    """The settings in secret files."""
    folder = os.environ.get(f"{PREFIX}SECRETS_DIRECTORY")
    found: dict[str, Any] = {}
    if folder and not Path(folder).is_dir():
        problems.append(f"{PREFIX}SECRETS_DIRECTORY: {folder} is not a folder.")
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
    """All sources, combined section by section; a later source takes precedence."""
    found: dict[str, Any] = {}
    for name, value in (each for source in sources for each in source.items()):
        both = isinstance(value, dict) and isinstance(found.get(name), dict)
        found[name] = {**found[name], **value} if both else value
    return found


def without(values: Mapping[str, Any], wrong: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """``values`` without the invalid ones, so that contradictions among the rest are found too."""
    kept = merged(values)
    for section, *inner in (each["loc"] for each in wrong):
        held = kept.pop(section, None)
        if inner and isinstance(held, dict):
            kept[section] = {name: each for name, each in held.items() if name != inner[0]}
    return kept


def why(error: Exception) -> str:
    """The reason for a file's error, without the file's name."""
    return (isinstance(error, OSError) and error.strerror) or str(error)
