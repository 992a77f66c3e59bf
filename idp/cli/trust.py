"""``idp trust``: the trust anchors of chip cards."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from idp.authn.card.trust import SUFFIXES
from idp.cli.context import Context
from idp.cli.everywhere import end_everywhere
from idp.cli.output import fail, format_option, show
from idp.mrtd.errors import MRTDError
from idp.mrtd.trust import TrustFile, TrustStore, read_file


@click.group()
def trust() -> None:
    """Trust anchors of chip cards: add, list, remove.

    A running provider applies a change within a second.
    """


@trust.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@format_option
@click.pass_obj
def add(obj: Context, files: tuple[Path, ...], form: str) -> None:
    """Add CSCA certificates, revocation lists (.crl) and master lists (.ml).

    Compare the printed fingerprint with the one that the authority published. If one FILE is
    invalid, none is added.
    """
    folder = obj.settings.trust.directory
    offered = {path: (each := path.read_bytes(), _read(path.name, each)) for path in files}
    _check_newer(obj, {path: found for path, (_, found) in offered.items()})
    added = []
    for path, (content, found) in offered.items():
        digest = hashlib.sha256(content).hexdigest()
        suffix = path.suffix.lower() if path.suffix.lower() in SUFFIXES else ".der"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{digest[:16]}{suffix}").write_bytes(content)
        obj.record("trust.add", digest)
        added.append(_row(digest[:16], found, content))
    end_everywhere(obj)
    _show(added, form)


@trust.command("list")
@format_option
@click.pass_obj
def list_(obj: Context, form: str) -> None:
    """List every file of the trust folders with its contents."""
    _show(
        [
            _row(each.stem, _read(each.name, each.read_bytes()), each.read_bytes())
            for each in _files(obj)
        ],
        form,
    )


@trust.command()
@click.argument("id_", metavar="ID")
@format_option
@click.pass_obj
def remove(obj: Context, id_: str, form: str) -> None:
    """Remove the file ID; its chains are no longer trusted."""
    found = [each for each in _files(obj) if each.stem == id_]
    if not found:
        fail(f"No trust file with id {id_}.")
    for each in found:
        each.unlink()
        obj.record("trust.remove", id_)
    end_everywhere(obj)
    show({"id": id_, "removed": True}, form, [f"{id_} removed"])


def _check_newer(obj: Context, offered: dict[Path, TrustFile]) -> None:
    """Refuse a revocation list older than another one of the same key: it has no effect."""
    held = [_read(each.name, each.read_bytes()) for each in _files(obj)]
    known = [each for found in (*held, *offered.values()) for each in found.revocation_lists]
    store = TrustStore((), known)
    for path, found in offered.items():
        try:
            for each in found.revocation_lists:
                store.check_newer(each)
        except MRTDError:
            fail(f"{path.name}: this authority's newer revocation list is already present.")


def _files(obj: Context) -> Iterator[Path]:
    for folder in obj.settings.trust_directories:
        yield from sorted(each for each in folder.glob("*") if each.suffix.lower() in SUFFIXES)


def _read(name: str, content: bytes) -> TrustFile:
    try:
        found = read_file(name, content)
    except MRTDError as error:
        fail(f"{name}: {error}")
    return found


def _row(id_: str, found: TrustFile, content: bytes) -> dict[str, Any]:
    return {
        "id": id_,
        "sha256": hashlib.sha256(content).hexdigest(),
        "certificates": [each.subject for each in found.anchors],
        "revocation_lists": [each.issuer for each in found.revocation_lists],
    }


def _show(rows: list[dict[str, Any]], form: str) -> None:
    names = (map(_plain, row["certificates"] + row["revocation_lists"]) for row in rows)
    lines = (f"{row['id']}\t{'; '.join(each)}" for row, each in zip(rows, names, strict=True))
    show(rows, form, lines)


def _plain(name: str) -> str:
    """A comparable name for a terminal: its parts stand between record separators."""
    return ", ".join(" ".join(part.split()) for part in name.split("\x1e"))
