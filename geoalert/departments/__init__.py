"""Departments, officers, roles and the credentials they act with."""

from geoalert.departments.credentials import Actor, authenticate, issue, revoke
from geoalert.departments.seats import SEATS, active_seats, find_department, load_departments, name_officer

__all__ = [
    "SEATS",
    "Actor",
    "active_seats",
    "authenticate",
    "find_department",
    "issue",
    "load_departments",
    "name_officer",
    "revoke",
]
