"""The inbox as a page: the last messages as they stand on a phone."""

from __future__ import annotations

import html
from collections.abc import Mapping

from geoalert.sandbox.inbox import Inbox, Told

_CARDS = 24
_LABELS = {"push": "Push", "sms": "SMS", "post": "Post"}
_STYLE = """
:root{color-scheme:light dark;--ink:#16202c;--soft:#5b6b7c;--page:#eef2f6;--card:#fff;--line:#d5dde6;--mark:#0b5cad}
@media(prefers-color-scheme:dark){:root{--ink:#e8eef5;--soft:#9fb0c2;--page:#0f161e;--card:#18222d;--line:#2b3947;
--mark:#7ab8ff}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,"Noto Sans","Noto Sans Devanagari",sans-serif}
header,main{max-width:72rem;margin:auto;padding:1rem}h1{font-size:1.25rem;margin:0}p{margin:.25rem 0;color:var(--soft)}
dl{display:flex;flex-wrap:wrap;gap:1.5rem;margin:1rem 0}dt{color:var(--soft);font-size:.85rem}
dd{margin:0;font-size:1.25rem;font-variant-numeric:tabular-nums}
main{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr))}
article{background:var(--card);border:1px solid var(--line);border-radius:1.25rem;padding:1rem}
article header{padding:0;display:flex;justify-content:space-between;color:var(--mark);font-size:.85rem}
article header span{color:var(--soft)}
h2{font-size:1rem;margin:.5rem 0 .25rem}pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:0}
footer{margin-top:.75rem;padding-top:.5rem;border-top:1px solid var(--line);color:var(--soft);font-size:.85rem;
font-variant-numeric:tabular-nums}
"""


def page(inbox: Inbox, channels: Mapping[str, Mapping[str, int]]) -> str:
    """Complete HTML, refreshed every two seconds; nothing is loaded from elsewhere."""
    counts = "".join(
        f"<div><dt>{_LABELS[name]}: people</dt><dd>{count['recipients']:,}</dd></div>"
        f"<div><dt>{_LABELS[name]}: told twice</dt><dd>{count['doubled']:,}</dd></div>"
        for name, count in channels.items()
    )
    cards = "".join(_card(told) for told in reversed(list(inbox.told.values())[-_CARDS:]))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>geoalert sandbox</title>'
        f"<style>{_STYLE}</style></head><body><header><h1>Sandbox inbox</h1>"
        f"<p>What simulated phones show. Nothing here left this machine.</p><dl>{counts}</dl></header>"
        f"<main>{cards or '<p>No message yet.</p>'}</main></body></html>"
    )


def _card(told: Told) -> str:
    language = f' lang="{html.escape(told.language)}"' if told.language else ""
    title = f"<h2{language}>{html.escape(told.title)}</h2>" if told.title else ""
    seen = [
        f"{len(told.times):,} people",
        *(f"{count:,} {name}" for name, count in sorted(told.outcomes.items())),
        *([f"{told.doubled:,} told twice"] if told.doubled else []),
    ]
    return (
        f"<article><header>{_LABELS[told.channel]}<span>{html.escape(told.language)}</span></header>{title}"
        f"<pre{language}>{html.escape(told.text)}</pre><footer>{' · '.join(seen)}</footer></article>"
    )
