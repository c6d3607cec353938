"""What was done and what is known of it: totals, by office, and the proof that it went to the right people."""

from geoalert.report.offices import by_office
from geoalert.report.proof import prove
from geoalert.report.totals import alert_report, progress, whole_report

__all__ = ["alert_report", "by_office", "progress", "prove", "whole_report"]
