"""Published numbers of languages, channels and severities. A number is never changed or reused: hashes hold them."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

LANGUAGES: Final = MappingProxyType({"mr": 1, "hi": 2, "en": 3})
CHANNELS: Final = MappingProxyType(
    {"push": 1, "sms": 2, "post": 3, "whatsapp": 4, "voice": 5, "email": 6, "webpush": 7}
)
SEVERITIES: Final = MappingProxyType({"Unknown": 0, "Minor": 1, "Moderate": 2, "Severe": 3, "Extreme": 4})
# What may go out on one person's word, in the languages there are, and beyond a ward's own line.
EMERGENCIES: Final = frozenset({"Severe", "Extreme"})

# What a citizen can choose today; each has an address kind and a field of the import file.
CITIZEN_CHANNELS: Final = MappingProxyType({"push": "token", "sms": "phone", "email": "email"})

LANGUAGE_NAMES: Final = MappingProxyType({code: name for name, code in LANGUAGES.items()})
CHANNEL_NAMES: Final = MappingProxyType({code: name for name, code in CHANNELS.items()})
