"""Settings: `GEOALERT_*` in the environment, or tables of the same names in `geoalert.toml`. Read in bootstrap only."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

# A demo leaves its settings in the second file, so that `geoalert worker` or `report` beside it means the demo's
# store; what the first says wins.
FILES = ("var/demo.toml", "geoalert.toml")


class _Group(BaseSettings):
    """One table of settings; the environment wins over the file."""

    model_config = SettingsConfigDict(extra="forbid", toml_file=FILES)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is the library's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def _group(name: str) -> SettingsConfigDict:
    return SettingsConfigDict(
        extra="forbid", env_prefix=f"GEOALERT_{name.upper()}_", toml_file=FILES, toml_table_header=(name,)
    )


class StoreSettings(_Group):
    model_config = _group("store")

    url: str = "sqlite:///var/geoalert.db"
    key_file: Path = Path("var/keys.json")
    clock_shift: float = 0.0  # seconds, for demos and drills; refused beside real providers
    pool: int = Field(default=10, ge=2, le=100)


class CitySettings(_Group):
    model_config = _group("city")

    key: str = "pune"
    data: Path | None = None  # a folder with categories.toml and ward_boundaries/; ours when not given


class ApiSettings(_Group):
    model_config = _group("api")

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    public_url: str = ""  # the address providers call back; from host and port when not given
    body_limit: int = Field(default=1_048_576, ge=1_024)
    page: str = ""  # public page of an alert, with {alert} in it


class WorkerSettings(_Group):
    model_config = _group("worker")

    lease: float = Field(default=30.0, gt=0)  # seconds a worker may be silent before its batch is taken over
    supervise: bool = True  # `serve` starts a worker beside an embedded store


class SandboxSettings(_Group):
    """When a file is named, every channel goes to the sandbox that wrote it and to nothing else."""

    model_config = _group("sandbox")

    credentials: Path | None = None
    push_rate: float = Field(default=2_000.0, gt=0)
    sms_rate: float = Field(default=800.0, gt=0)


class FcmSettings(_Group):
    model_config = _group("fcm")

    service_account: Path | None = None
    rate: float = Field(default=1_000.0, gt=0)


class TwilioSettings(_Group):
    model_config = _group("twilio")

    account: str = ""
    token: SecretStr = SecretStr("")
    sender: str = ""  # a number, a header, or a Messaging Service
    price: float = Field(default=0.15, ge=0)  # rupees a segment, an estimate
    rate: float = Field(default=100.0, gt=0)


class MastodonSettings(_Group):
    model_config = _group("mastodon")

    server: str = ""
    tokens: dict[str, SecretStr] = Field(default_factory=dict)  # by handle


class Settings:
    """Every group, read once."""

    def __init__(self) -> None:
        self.store = StoreSettings()
        self.city = CitySettings()
        self.api = ApiSettings()
        self.worker = WorkerSettings()
        self.sandbox = SandboxSettings()
        self.fcm = FcmSettings()
        self.twilio = TwilioSettings()
        self.mastodon = MastodonSettings()
