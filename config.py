"""Settings of a process, read once from the environment at its start and passed on from there.

Without any variable the embedded profile applies: ``tether up`` starts PostgreSQL and Temporal under ``data_dir``, and
everything listens on loopback.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import AliasChoices, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Limits(BaseSettings):
    """Limits of a single request. Sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="TETHER_LIMIT_", frozen=True)

    body: int = Field(default=16 * 1024 * 1024, description="A request's body, NDJSON streams excepted.")
    fact: int = Field(default=256 * 1024, description="One fact, as it is stored.")
    depth: int = Field(default=64, description="Nesting of objects and arrays in a fact's data.")
    batch: int = Field(default=5_000, description="Facts in one JSON batch.")
    page: int = Field(default=1_000, description="Rows in one page of an answer.")
    ahead: float = Field(
        default=300.0, ge=0, description="Seconds that the time of a fact without a sequence may be in the future."
    )
    wait: float = Field(default=30.0, description="Seconds a read may wait for a revision.")
    stream: float = Field(default=60.0, gt=0, description="Seconds after which Server-Sent Events of the feed end.")


class Retention(BaseSettings):
    """How long is kept what is not the present state, as ISO 8601 durations (``P30D``); without one: for ever."""

    model_config = SettingsConfigDict(env_prefix="TETHER_RETENTION_", env_ignore_empty=True, frozen=True)

    history: timedelta | None = Field(default=None, gt=timedelta(0), description="How far back can be read.")
    bodies: timedelta | None = Field(
        default=None,
        description="Age at which facts are sealed, and their bodies emptied where no fact can need them.",
    )
    operations: timedelta | None = Field(
        default=None,
        gt=timedelta(0),
        description="Age since their end at which operations are deleted.",
    )
    quarantine: timedelta | None = Field(
        default=None, gt=timedelta(0), description="Age at which quarantined events are deleted."
    )
    cap: timedelta = Field(
        default=timedelta(days=30),
        ge=timedelta(0),
        description="How much longer than `history` consumers, snapshots and operations may hold the horizon back.",
    )
    every: timedelta = Field(default=timedelta(minutes=10), gt=timedelta(0), description="How often rows are trimmed.")

    @property
    def trims(self) -> bool:
        """Whether anything is ever trimmed."""
        return any(age is not None for age in (self.history, self.operations, self.quarantine))

    @property
    def at_risk(self) -> timedelta:
        """The age of what a consumer has to read next at which it is at risk, if its registration does not say: a day,
        but at most half of that at which the horizon passes it."""
        day = timedelta(days=1)
        return day if self.history is None else min(day, (self.history + self.cap) / 2)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.bodies is not None and (self.history is None or self.bodies < self.history):
            raise ValueError(
                "TETHER_RETENTION_BODIES is shorter than TETHER_RETENTION_HISTORY, and what can be read needs its"
                " bodies: set TETHER_RETENTION_HISTORY, to at most as long"
            )
        return self


class QuarantineLimits(BaseSettings):
    """What the quarantine keeps of one API key, and how fast it is emptied. Sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="TETHER_QUARANTINE_", frozen=True)

    events: int = Field(default=1_000_000, ge=0, description="Events that are kept of one API key.")
    bytes: int = Field(default=1024 * 1024 * 1024, ge=0, description="Bytes that are kept of one API key.")
    rate: int = Field(
        default=2_000, ge=1, description="Events of one tenant that are redriven or discarded in a second."
    )


class Settings(BaseSettings):
    """The configuration of one process, from ``TETHER_*``."""

    model_config = SettingsConfigDict(env_prefix="TETHER_", frozen=True, populate_by_name=True)

    data_dir: Path = Field(default=Path(".tether"), description="Where the embedded profile keeps everything.")
    database_url: str = Field(default="", description="URL of PostgreSQL; empty: the embedded one.")
    database_pool: int = Field(default=8, ge=2, description="Connections per process.")
    snapshot_pool: int = Field(
        default=2, ge=1, description="Connections per API process for snapshots and audits alone."
    )
    feed_pool: int = Field(default=3, ge=1, description="Connections per API process for readers of the feed alone.")
    tenant: str = Field(default="main", description="The tenant that the embedded profile's keys belong to.")

    host: str = Field(default="127.0.0.1", description="Where the API listens.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port of the API.")
    postgres_port: int = Field(default=5499, ge=0, le=65535, description="Port of the embedded PostgreSQL.")
    temporal_port: int = Field(default=7233, ge=0, le=65535, description="Port of the embedded Temporal.")
    temporal_ui_port: int = Field(default=8233, ge=0, le=65535, description="Port of Temporal's Web UI.")
    temporal_ui_url: str = Field(default="", description="URL under which people reach Temporal's Web UI, for links.")
    worker_metrics: str = Field(default="", description="host:port where a worker serves its metrics; empty: nowhere.")

    catalog: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description="Further directories of declarations, separated by colons."
    )
    owners: dict[str, str] = Field(
        default_factory=dict,
        description='Base URLs of the owners that receive commands, as JSON: {"channels": "http://…"}.',
    )
    webhook_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Hosts and networks that webhooks may be at though they are not public, separated by commas.",
    )
    webhook_origin: str = Field(
        default="tether",
        pattern="^[!-~]{1,255}$",
        description="By which name receivers of webhooks know this system, when it requests their consent.",
    )
    keys_file: Path | None = Field(
        default=None, description="File into which `migrate` writes one API key of each scope; set by `tether up`."
    )
    signal_intake: str = Field(
        default="auto",
        pattern="^(auto|open|closed)$",
        validation_alias=AliasChoices("TETHER_SIGNAL_INTAKE", "TETHER_SIGNAL_DOOR"),  # the second: its former name
        description="Whether services may signal facts straight to workflows; auto: while there is one tenant.",
    )
    snapshot_lease: float = Field(
        default=600.0, gt=0, description="Seconds for which what a snapshot needs is kept after it was last read."
    )
    admin_key: str = Field(default="", description="An API key with the scope `admin`, stored as a hash by `migrate`.")
    log_format: str = Field(default="text", pattern="^(text|json)$", description="`text` or `json`.")

    limits: Limits = Field(default_factory=Limits)
    retention: Retention = Field(default_factory=Retention)
    quarantine: QuarantineLimits = Field(default_factory=QuarantineLimits)

    @field_validator("webhook_allow", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("catalog", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(Path(part) for part in value.split(":") if part)
        return value
