"""geoalert tells the right people in a city, in their own language, on the channel they chose, exactly once."""

__version__ = "0.1.0"
