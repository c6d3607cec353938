"""The notice a channel carries, made from the approved document and nothing else."""

from __future__ import annotations

from geoalert.alerts.content import texts_in
from geoalert.alerts.tables import Alert, Message
from geoalert.alerts.texts import language_for
from geoalert.dispatch.channels.channel import Notice
from geoalert.subscribers.codes import LANGUAGE_NAMES


def notice_of(alert: Alert, message: Message, language: int, link: str) -> Notice:
    """The message in the recipients' language, or in the nearest it has."""
    texts = texts_in(message.content)
    chosen = language_for(LANGUAGE_NAMES[language], texts)
    text = texts[chosen]
    return Notice(
        alert=alert.identifier,
        message=message.identifier,
        revision=message.number,
        msg_type=message.msg_type,
        language=chosen,
        category=alert.category,
        severity=message.severity,
        headline=text.headline,
        description=text.description,
        instruction=text.instruction,
        expires=message.expires,
        link=link.format(alert=alert.identifier) if link else "",
        drill=alert.drill,
    )
