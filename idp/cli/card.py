"""``idp card``: diagnose the data of one chip card at the desk, without registry or session."""

import json
import sys
import time as clock
from datetime import datetime, time
from pathlib import Path

import click

from idp.authn.card.trust import files as trust_files
from idp.cli import card_authority
from idp.mrtd import diagnosis, lds, trust
from idp.mrtd.active_auth import MAX_SIGNATURE
from idp.mrtd.diagnosis import Diagnosis
from idp.mrtd.document import VIET_NAM
from idp.mrtd.errors import REASONS, MRTDError
from idp.mrtd.lds import CardFiles
from idp.mrtd.policy import ANY_COUNTRY, DIAGNOSIS
from idp.mrtd.trust import TrustFile, TrustStore
from idp.settings import InvalidSettings

MAX_TRUST_FILE = 16 * 1024 * 1024

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def card() -> None:
    """Chip cards."""


@card.command()
@click.argument("directory", metavar="DIR", type=_FOLDER)
@click.option(
    "--trust",
    "trust_folder",
    metavar="DIR",
    type=_FOLDER,
    help="CSCA certificates and CRLs; absent: those that verify logins.",
)
@click.option("--any-country", is_flag=True, help="Any ICAO document, not only Viet Nam's cards.")
@click.option("--at", type=click.DateTime(["%Y-%m-%d"]), help="Check dates as of this day's end.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    help="Output format; absent: text on a terminal, else JSON.",
)
@click.pass_context
def verify(
    context: click.Context,
    directory: Path,
    trust_folder: Path | None,
    any_country: bool,
    at: datetime | None,
    form: str | None,
) -> None:
    """Diagnose one chip's data: SOD.bin, DG*.bin, challenge.bin and signature.bin in DIR."""
    store = _trust_store((trust_folder,) if trust_folder else _configured(context))
    now = _end_of_day(at) if at else int(clock.time())
    sod = _read(directory / "SOD.bin", lds.MAX_SOD)
    groups = {
        number: data
        for number in lds.DATA_GROUP_TAGS
        if (data := _read_if_there(directory / f"DG{number}.bin", lds.max_size(number))) is not None
    }
    challenge = _read_if_there(directory / "challenge.bin", MAX_SIGNATURE)
    signature = _read_if_there(directory / "signature.bin", MAX_SIGNATURE)
    try:
        found = diagnosis.diagnose(
            CardFiles(sod, groups),
            trust=store,
            policy=ANY_COUNTRY if any_country else DIAGNOSIS,
            now=now,
            challenge=challenge,
            signature=signature,
        )
    except MRTDError as error:
        found = diagnosis.unreadable(error.reason)
    form = form or ("text" if sys.stdout.isatty() else "json")
    click.echo(json.dumps(found.as_json(), indent=2) if form == "json" else _text(found))
    context.exit(0 if found.accepted else 1)


def _configured(context: click.Context) -> tuple[Path, ...]:
    """The trust folders of the settings. Raises click.UsageError: exit code 1 means the card."""
    try:
        folders: tuple[Path, ...] = context.obj.settings.trust_directories
    except InvalidSettings as error:
        problems = " ".join(error.problems)
        raise click.UsageError(
            f"Name a folder with --trust; the settings are invalid: {problems}"
        ) from error
    return folders


def _trust_store(folders: tuple[Path, ...]) -> TrustStore:
    """The trust files of ``folders``; other files are ignored. Raises click.UsageError."""
    found: list[TrustFile] = []
    for path in trust_files(folders):
        try:
            found.append(trust.read_file(path.name, _read(path, MAX_TRUST_FILE)))
        except MRTDError as error:
            raise click.UsageError(f"{path}: {error.sentence}") from error
    return TrustStore(
        (each for file in found for each in file.anchors),
        (each for file in found for each in file.revocation_lists),
    )


def _read_if_there(path: Path, limit: int) -> bytes | None:
    return _read(path, limit) if path.exists() else None


def _read(path: Path, limit: int) -> bytes:
    """The file, or one byte more than ``limit`` of it: enough to see that it is too large."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from error


def _end_of_day(day: datetime) -> int:
    return int(datetime.combine(day.date(), time(23, 59, 59), VIET_NAM).timestamp())


def _text(found: Diagnosis) -> str:
    groups = (f"DG{number} {word}" for number, word in found.data_groups.items())
    lines = [
        "accepted" if found.accepted else "NOT ACCEPTED",
        f"  passive authentication  {found.passive_authentication}",
        f"  certificate chain       {found.chain}",
        f"  data groups             {', '.join(groups) or 'none'}",
        f"  active authentication   {found.active_authentication}",
        *(f"  - {REASONS[reason]} ({reason})" for reason in found.reasons),
    ]
    return "\n".join(lines)


card.add_command(card_authority.issue)
card.add_command(card_authority.list_)
card.add_command(card_authority.revoke)
