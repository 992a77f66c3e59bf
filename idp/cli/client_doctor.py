"""``idp client doctor``: the problems of one relying party, and their corrections."""

from dataclasses import asdict

import click

from idp.cli.context import Context
from idp.cli.output import fail, format_option, progress, show
from idp.oidc.clients.repository import Clients
from idp.oidc.doctor.examination import Examination
from idp.oidc.doctor.model import Finding, Verdict

_WIDTH = max(map(len, Verdict))


@click.command()
@click.argument("client_id")
@format_option
@click.pass_context
def doctor(context: click.Context, client_id: str, form: str) -> None:
    """Check a client's metadata and its last refused requests. Exit 1 on a problem.

    Calls the client's registered addresses, and sends two test tokens for a session that
    does not exist to its back-channel logout endpoint.
    """
    obj: Context = context.obj
    client = Clients(obj.database, obj.clock).get(client_id)
    if client is None:
        fail(f"no client {client_id!r}")
    obj.record("client.doctor", client_id)
    examination = Examination(
        client, obj.outbound, obj.keys, obj.database, obj.clock, obj.settings.issuer
    )
    with progress(f"Checking {client_id}", len(examination.checks())) as done:
        found = examination.run(done)
    show([asdict(each) for each in found], form, map(_line, found))
    context.exit(1 if any(each.verdict is Verdict.PROBLEM for each in found) else 0)


def _line(finding: Finding) -> str:
    return f"{finding.verdict:<{_WIDTH}}  {finding.check}: {finding.subject}: {finding.sentence}."
