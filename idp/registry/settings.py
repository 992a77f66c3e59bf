"""Settings of the population registry."""

from typing import Literal

from pydantic import Field

from idp.outbound.settings import ServiceSection


class RegistrySection(ServiceSection):
    """The population registry: our own copy of it, or the authority's service."""

    source: Literal["sql", "http"] = Field("sql", description="`sql` or `http` (needs `url`).")
    former_numbers: bool = Field(
        False, description="Accept a 9-digit number for login if only one person has it."
    )
