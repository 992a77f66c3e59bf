"""``idp logout``: the back-channel logout messages to relying parties, and their delivery."""

import signal
import threading
from typing import Any

import click

from idp.cli.context import Context
from idp.cli.output import announce, fail, format_option, show
from idp.oidc.clients.repository import ClientCache
from idp.oidc.logout.courier import Courier
from idp.oidc.logout.delivery import Delivery, DeliveryState
from idp.oidc.logout.ending import Endings
from idp.oidc.logout.repository import Outbox
from idp.oidc.tokens.subject import Subjects


@click.group()
def logout() -> None:
    """Back-channel logout: list messages to relying parties, retry, deliver."""


@logout.command("list")
@click.option("--client", "client_id", metavar="ID", help="Only messages to this relying party.")
@click.option(
    "--state", type=click.Choice([each.value for each in DeliveryState]), help="Only these."
)
@format_option
@click.pass_obj
def list_(obj: Context, client_id: str | None, state: str | None, form: str) -> None:
    """List the newest messages with the result of each last attempt."""
    found = Outbox(obj.database, obj.clock).listed(
        client_id, DeliveryState(state) if state else None
    )
    rows = [_row(each) for each in found]
    show(rows, form, ("\t".join(str(each) for each in row.values()) for row in rows))


@logout.command()
@click.argument("delivery_id", metavar="ID", type=click.IntRange(0, 2**63 - 1))
@format_option
@click.pass_obj
def retry(obj: Context, delivery_id: int, form: str) -> None:
    """Retry the message ID now."""
    if not Outbox(obj.database, obj.clock).retry(delivery_id):
        fail(f"No undelivered message with id {delivery_id}.")
    obj.record("logout.retry", str(delivery_id))
    show({"id": delivery_id}, form, [f"{delivery_id} is due"])


@logout.command()
@click.option("--once", is_flag=True, help="Deliver only the messages that are due now.")
@format_option
@click.pass_obj
def deliver(obj: Context, once: bool, form: str) -> None:
    """Deliver messages until interrupted. `idp serve` also delivers them."""
    running, stopping = courier(obj), threading.Event()
    if once:
        announce({"tried": running.once()}, form)
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    announce({"ready": True}, form)
    running.run(stopping)


def courier(obj: Context) -> Courier:
    """The courier of this deployment's messages."""
    return Courier(
        Outbox(obj.database, obj.clock),
        ClientCache(obj.database),
        obj.keys,
        obj.outbound,
        clock=obj.clock,
        issuer=obj.settings.issuer,
    )


def endings(obj: Context) -> Endings:
    """Ends sessions from a command, and queues the logout messages."""
    return Endings(
        obj.clock,
        obj.transient,
        obj.ends,
        ClientCache(obj.database),
        Subjects(obj.keys.derive("pairwise")),
        Outbox(obj.database, obj.clock),
    )


def _row(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "client_id": delivery.message.client_id,
        "sid": delivery.message.sid,
        "state": delivery.state.value,
        "tries": delivery.tries,
        "last_status": delivery.last_status,
        "created_at": delivery.created_at,
        "next_try_at": delivery.next_try_at,
    }
