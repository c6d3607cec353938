"""The only place that joins settings, store, city and channels."""

from geoalert.bootstrap.folders import city_folder, city_of, data_folder, migration_scripts
from geoalert.bootstrap.house import House, city_as_held, metadata, open_house
from geoalert.bootstrap.outdated import until_outdated, until_outdated_at
from geoalert.bootstrap.providers import callback_base, run_sandbox
from geoalert.bootstrap.telemetry import collect_traces

__all__ = [
    "House",
    "callback_base",
    "city_as_held",
    "city_folder",
    "city_of",
    "collect_traces",
    "data_folder",
    "metadata",
    "migration_scripts",
    "open_house",
    "run_sandbox",
    "until_outdated",
    "until_outdated_at",
]
