"""Settings: `GEOALERT_*` in the environment, or tables of the same names in `geoalert.toml`. Read in bootstrap only."""

from __future__ import annotations

import os
import tomllib
from datetime import time
from pathlib import Path
from typing import Any, Final

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from geoalert.errors import Invalid, Unavailable

VARIABLE: Final = "GEOALERT_SETTINGS"  # names the one settings file; without it, geoalert.toml here if there is one
FILE: Final = "geoalert.toml"
# A demo's settings count only where nothing else is configured: `geoalert report` after a demo means the demo's store,
# and beside a real store they are never read.
DEMO_FILE: Final = "var/demo/geoalert.toml"
REAL_STORE: Final = "var/geoalert.db"
TABLES: Final = (
    "store",
    "city",
    "api",
    "alerts",
    "audience",
    "worker",
    "pager",
    "staff",
    "sandbox",
    "fcm",
    "twilio",
    "twilio2",
    "mastodon",
)


def settings_file() -> Path | None:
    """The one file that is read, whole or not at all.

    Raises:
        Unavailable: GEOALERT_SETTINGS names a file that is not there.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if not Path(named).is_file():
            raise Unavailable(f"{VARIABLE} names {named}, and there is no such file")
        return Path(named)
    if Path(FILE).is_file():
        return Path(FILE)
    configured = any(name.startswith("GEOALERT_STORE_") for name in os.environ)
    if configured or Path(REAL_STORE).exists() or not Path(DEMO_FILE).is_file():
        return None
    return Path(DEMO_FILE)


def _tables() -> dict[str, dict[str, Any]]:
    """Every table of the settings file.

    Raises:
        Invalid: it is not TOML, or has a table nobody reads.
    """
    path = settings_file()
    if path is None:
        return {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is not TOML: {error}") from None
    for table, values in found.items():
        if table not in TABLES or not isinstance(values, dict):
            raise Invalid(f"{path} has no use for {table!r}; tables are {', '.join(TABLES)}")
    return found


class _Group(BaseSettings):
    """One table of settings; the environment wins over the files."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is the library's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        table = str(settings_cls.model_config["env_prefix"]).removeprefix("GEOALERT_").strip("_").lower()
        from_files = InitSettingsSource(settings_cls, init_kwargs=_tables().get(table, {}))
        return init_settings, env_settings, from_files


def _group(name: str) -> SettingsConfigDict:
    return SettingsConfigDict(extra="forbid", env_prefix=f"GEOALERT_{name.upper()}_")


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
    deadline_s: float = Field(default=60, ge=1, le=600)  # seconds after which a request is called off and answered 503


class AlertSettings(_Group):
    model_config = _group("alerts")

    # Metres around the wards of a Severe or Extreme message: two drawings of one ward differ by some 40. 0: none.
    widen_m: int = Field(default=50, ge=0, le=500)
    # Alerts of low severity (Minor, Unknown) that one person is told of within seven days. 0: as many as there are.
    weekly_budget: int = Field(default=5, ge=0, le=1_000)
    # Minutes in which a channel has to say that a Severe message arrived, before the person's next one is used.
    # 0: only a failure moves anybody on.
    next_channel_minutes: int = Field(default=5, ge=0, le=1_440)


class AudienceSettings(_Group):
    model_config = _group("audience")

    compiled: bool = True  # `serve` finds people by compiled loops where `geoalert[fast]` is installed: the same people


class WorkerSettings(_Group):
    model_config = _group("worker")

    lease: float = Field(default=30.0, gt=0)  # seconds a worker may be silent before its batch is taken over
    supervise: bool = True  # `serve` starts a worker beside an embedded store


class PagerSettings(_Group):
    """Who hears of alarms."""

    model_config = _group("pager")

    url: SecretStr = SecretStr("")  # http or https; none: alarms are kept and logged. Its path may be a secret
    token: SecretStr = SecretStr("")  # sent as Authorization: Bearer


class StaffSettings(_Group):
    """Who gets one real message a day through every provider."""

    model_config = SettingsConfigDict(**_group("staff"), populate_by_name=True)

    to: SecretStr = Field(default=SecretStr(""), validation_alias="GEOALERT_STAFF")  # sms:+91…,push:TOKEN
    at: time = Field(default=time(9, 30), validation_alias="GEOALERT_STAFF_AT")  # of the city's day


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
    daily_cap: int = Field(default=0, ge=0)  # recipients a day (UTC) of what is no emergency; 0: no bound


class TwilioSettings(_Group):
    model_config = _group("twilio")

    account: str = ""
    token: SecretStr = SecretStr("")
    sender: str = ""  # a number, a header, or a Messaging Service
    price: float = Field(default=0.15, ge=0)  # rupees a segment, an estimate
    rate: float = Field(default=100.0, gt=0)
    weight: int = Field(default=100, ge=0, le=100)  # its part of all SMS beside the other account; 0: stands by
    daily_cap: int = Field(default=0, ge=0)
    low_balance: float = Field(default=0.0, ge=0)  # in the account's currency; below it there is an alarm


class Twilio2Settings(TwilioSettings):
    """A second account (another region, or another carrier behind Twilio's protocol) that takes over when the first
    fails.
    """

    model_config = _group("twilio2")

    endpoint: str = "https://api.twilio.com"
    weight: int = Field(default=0, ge=0, le=100)


class MastodonSettings(_Group):
    model_config = _group("mastodon")

    server: str = ""
    tokens: dict[str, SecretStr] = Field(default_factory=dict)  # by handle


class Settings:
    """Every group, read once."""

    def __init__(self) -> None:
        try:
            self.store = StoreSettings()
            self.city = CitySettings()
            self.api = ApiSettings()
            self.alerts = AlertSettings()
            self.audience = AudienceSettings()
            self.worker = WorkerSettings()
            self.pager = PagerSettings()
            self.staff = StaffSettings()
            self.sandbox = SandboxSettings()
            self.fcm = FcmSettings()
            self.twilio = TwilioSettings()
            self.twilio2 = Twilio2Settings()
            self.mastodon = MastodonSettings()
        except SettingsError as error:
            raise Invalid(f"a setting cannot be read: {error}") from None
