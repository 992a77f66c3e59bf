"""``python -m idp.agent``: the card agent."""

from idp.agent.command import main

main(prog_name="idp-agent")
