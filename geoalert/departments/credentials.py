"""Credentials: `ga_<public>_<secret>` for a department's machine, `gp_<public>_<secret>` for a named person."""

from __future__ import annotations

import base64
import hmac
import os
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audit import append
from geoalert.departments.roles import KEY_RIGHTS, rights_of
from geoalert.departments.tables import Credential, Department, Officer
from geoalert.errors import Forbidden, Invalid, NotFound, Unauthorised
from geoalert.store import database_now

MACHINE, PERSON = "ga", "gp"
SECRET = 32
PUBLIC = 9


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever stands behind a request. `officer_id` is None for a machine."""

    credential_id: int
    department_id: int
    department: str
    rights: frozenset[str]
    officer_id: int | None
    name: str  # as the audit shows it: an officer's reference or a key's public part

    def require(self, right: str) -> None:
        """Raises Forbidden unless the actor has the right; says who would."""
        if right in self.rights:
            return
        if self.officer_id is None and right not in KEY_RIGHTS:
            raise Forbidden(f"an API key cannot {right}; a named officer must, with their own credential")
        raise Forbidden(f"this credential does not allow: {right}")

    def require_one(self, *rights: str) -> None:
        """Raises Forbidden unless the actor has one of these rights."""
        if self.rights.isdisjoint(rights):
            raise Forbidden(f"this credential does not allow: {' or '.join(rights)}")

    def require_department(self, department_id: int) -> None:
        """Raises Forbidden for another department's matter, unless the actor prepares for all."""
        if department_id != self.department_id and "prepare" not in self.rights:
            raise Forbidden("this belongs to another department")

    @property
    def person(self) -> int:
        """The officer's id.

        Raises:
            Forbidden: the actor is a machine.
        """
        if self.officer_id is None:
            raise Forbidden("an API key is not a person; use a named officer's credential")
        return self.officer_id


def _name(raw: bytes) -> str:
    # Letters and digits: it is given on command lines, where what begins with a dash is an option.
    return base64.b32encode(raw).decode().rstrip("=").lower()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=").replace("_", "-")


async def issue(
    session: AsyncSession,
    department: str,
    *,
    officer: str | None = None,
    rights: frozenset[str] = KEY_RIGHTS,
    label: str = "",
    expires_at: datetime | None = None,
) -> str:
    """A new credential's text, shown this once.

    Raises:
        NotFound: no such department or officer.
        Invalid: a right that a machine cannot have.
    """
    unit = (await session.scalars(select(Department).where(Department.code == department))).one_or_none()
    if unit is None:
        raise NotFound(f"no department {department[:60]!r}")
    person = None
    if officer is not None:
        person = (await session.scalars(select(Officer).where(Officer.reference == officer))).one_or_none()
        if person is None or person.department_id != unit.id:
            raise NotFound("no such officer in this department")
    elif rights - KEY_RIGHTS:
        raise Invalid(f"a key cannot have: {', '.join(sorted(rights - KEY_RIGHTS))}", pointer="/rights")
    public, secret = _name(os.urandom(PUBLIC)), _text(os.urandom(SECRET))
    session.add(
        Credential(
            public=public,
            secret_hash=sha256(secret.encode()).digest(),
            department_id=unit.id,
            officer_id=person.id if person else None,
            rights=[] if person else sorted(rights),
            label=label[:80],
            created_at=await database_now(session),
            expires_at=expires_at,
        )
    )
    await session.flush()
    await append(session, "system", "credential.issued", public, {"department": department, "person": bool(person)})
    return f"{PERSON if person else MACHINE}_{public}_{secret}"


_BEHIND: Final = (  # made once: every request asks
    select(Credential, Department, Officer)
    .join(Department, Department.id == Credential.department_id)
    .outerjoin(Officer, Officer.id == Credential.officer_id)
    .where(Credential.public == bindparam("public"))
)


async def authenticate(session: AsyncSession, text: str) -> Actor:
    """The actor behind a credential.

    Raises:
        Unauthorised: unknown, altered, expired or revoked; one reason for all, so that nothing is learnt.
    """
    refusal = Unauthorised("this credential is not valid")
    if not text.isascii():
        raise refusal
    parts = text.split("_")
    if len(parts) != 3 or parts[0] not in {MACHINE, PERSON}:  # noqa: PLR2004 - kind, public, secret
        raise refusal
    kind, public, secret = parts
    row = (await session.execute(_BEHIND, {"public": public})).one_or_none()
    expected = row.Credential.secret_hash if row else b"\0" * 32
    matches = hmac.compare_digest(sha256(secret.encode()).digest(), expected)
    if row is None or not matches:
        raise refusal
    credential, unit, officer = row
    if (kind == PERSON) != (officer is not None) or credential.revoked_at is not None:
        raise refusal
    if credential.expires_at is not None and credential.expires_at <= await database_now(session):
        raise refusal
    if officer is not None and officer.state != "active":
        raise refusal
    rights = rights_of(officer.roles) if officer else frozenset(credential.rights) & KEY_RIGHTS
    return Actor(
        credential_id=credential.id,
        department_id=unit.id,
        department=unit.code,
        rights=rights,
        officer_id=officer.id if officer else None,
        name=officer.signature if officer else f"key:{credential.public}",
    )


async def revoke(session: AsyncSession, public: str) -> None:
    """Ends a credential at once.

    Raises:
        NotFound: no such credential.
    """
    credential = (await session.scalars(select(Credential).where(Credential.public == public))).one_or_none()
    if credential is None:
        raise NotFound("no such credential")
    if credential.revoked_at is None:
        credential.revoked_at = await database_now(session)
        await append(session, "system", "credential.revoked", public, {})
