"""Who may do what, as tables.

The order of the circular of 19 July 2021 holds: the cell prepares, the owning department's officer approves, the cell
publishes. The cell never approves, and a machine's key never stands for a person.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

RIGHTS: Final = frozenset(
    {
        "read",
        "draft",
        "submit",
        "approve",  # another author's text, own department; also returning it
        "send",
        "cancel",
        "publish",  # social posts
        "prepare",  # drafts for any department
        "broadcast",  # break-glass, on one's own word
        "enroll",  # a caller, with consent
        "review",  # closes what one person's word opened
        "oversee",  # reads every department
        "administer",
    }
)

ROLES: Final = MappingProxyType(
    {
        "author": frozenset({"read", "draft", "submit"}),
        "nodal": frozenset({"read", "draft", "submit", "approve", "send", "cancel", "review"}),
        "disaster": frozenset({"read", "draft", "submit", "approve", "send", "cancel", "broadcast", "review"}),
        "cell": frozenset({"read", "draft", "submit", "prepare", "publish"}),
        "call-centre": frozenset({"read", "enroll"}),
        "supervisor": frozenset({"read", "oversee"}),
        "admin": frozenset({"read", "administer"}),
    }
)

# What a department's key, held by a machine, may be given. The rest needs a named person.
KEY_RIGHTS: Final = frozenset({"read", "draft", "submit", "enroll"})

# Who answers for what is sent, or for the system itself, sees exact figures before sending; anybody else who may
# draft sees them coarse (`operations.coarse`), so that nobody finds a home by comparing previews.
EXACT_FIGURES: Final = frozenset({"approve", "send", "administer"})


def sees_exact_figures(rights: frozenset[str]) -> bool:
    """Whether a preview counts for this credential to the person."""
    return bool(EXACT_FIGURES & rights)


def rights_of(roles: list[str]) -> frozenset[str]:
    """Every right that any of the roles gives."""
    return frozenset().union(*(ROLES[role] for role in roles if role in ROLES))
