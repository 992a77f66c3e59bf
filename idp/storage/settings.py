"""Settings of the stores."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from idp.core.section import Section
from idp.storage import database, redis


def _database(url: SecretStr) -> SecretStr:
    database.parse_url(url.get_secret_value())
    return url


def _redis(url: SecretStr) -> SecretStr:
    redis.check_url(url.get_secret_value())
    return url


class DatabaseSection(Section):
    url: Annotated[SecretStr, AfterValidator(_database)] | None = Field(
        None, description="SQLAlchemy URL (`sqlite:///…`, `postgresql://…`). Absent: SQLite."
    )


class RedisSection(Section):
    url: Annotated[SecretStr, AfterValidator(_redis)] | None = Field(
        None,
        description="`redis://`, `rediss://`, `unix://`, `redis+sentinel://h:p,h:p/name`,"
        " `redis+cluster://h:p,h:p`. Absent: an embedded Valkey.",
    )
    replicas: int = Field(
        0, ge=0, description="Replicas that must acknowledge each consumed or claimed record."
    )
