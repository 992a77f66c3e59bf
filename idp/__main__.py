"""``python -m idp``: the operator's commands."""

from idp.cli import main

main(prog_name="idp")
