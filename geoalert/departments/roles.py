"""Who may do what, as tables.

The order of the circular of 19 July 2021 holds: the cell prepares, the owning department's officer approves, the cell
publishes. The cell never approves, and a machine's key never stands for a person.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

# What each right allows, where its name leaves a question: `approve` is for another author's text of one's own
# department, and for returning it; `publish` is for social posts; `prepare` for drafts of any department; `broadcast`
# for breaking the glass on one's own word, and `review` for closing what one person's word opened; `enroll` for a
# caller, with consent; `oversee` for reading every department.
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
