"""Alerts: what is said, of what area, and who stands behind it."""

from geoalert.alerts.approval import approve, review, send_back, submit, withdraw
from geoalert.alerts.categories import Category, load_categories
from geoalert.alerts.content import Content, Request, read_content
from geoalert.alerts.drafting import draft, edit, find_alert, messages_of, newest
from geoalert.alerts.ground import Geography

__all__ = [
    "Category",
    "Content",
    "Geography",
    "Request",
    "approve",
    "draft",
    "edit",
    "find_alert",
    "load_categories",
    "messages_of",
    "newest",
    "read_content",
    "review",
    "send_back",
    "submit",
    "withdraw",
]
