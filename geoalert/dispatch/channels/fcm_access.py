"""Google's access token: fetched in a thread, one fetch at a time, before it runs out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from google.auth.credentials import TokenState
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from geoalert.dispatch.channels.answers import by_status
from geoalert.dispatch.channels.channel import SendResult, Verdict
from geoalert.dispatch.reasons import Reason

_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_REFUSED = by_status(401, None)
_NOT_REACHED = SendResult(Verdict.RETRY, Reason.NOT_CONNECTED)
_NONSENSE = SendResult(Verdict.RETRY, Reason.NONSENSE)  # no message was sent, whatever the token endpoint meant


class AccessToken:
    """Holds the service account. `ensure` sees to a token, or says why there is none."""

    def __init__(self, service_account: Mapping[str, str], deadline: float) -> None:
        self.credentials: Credentials = Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            service_account, scopes=[_SCOPE]
        )
        self._deadline = deadline
        self._lock = asyncio.Lock()

    @property
    def token(self) -> str:
        return str(self.credentials.token)

    async def ensure(self, stale: str | None = None, left: float | None = None) -> SendResult | None:
        """Sees to a token that is good for minutes and is not `stale`; otherwise says why there is none.

        Callers holding the same stale token cause one fetch. `left` is all the time there is, in seconds.
        """
        try:
            async with asyncio.timeout(self._deadline if left is None else left), self._lock:
                if self.credentials.token_state is not TokenState.FRESH or self.token == stale:
                    await asyncio.to_thread(self._refresh)
        except RefreshError as error:
            return _NOT_REACHED if error.retryable else _REFUSED
        except (TransportError, TimeoutError):
            return _NOT_REACHED
        except (GoogleAuthError, ValueError, TypeError, AttributeError):
            return _NONSENSE
        return None

    def _refresh(self) -> None:
        self.credentials.refresh(self._once)  # type: ignore[no-untyped-call]

    def _once(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> object:
        """One request. google-auth would try again, with a sleep, on the statuses that are raised here."""
        answer = Request()(url, method, body, headers, timeout=self._deadline)
        if answer.status in _PASSING:
            raise TransportError("The token endpoint is not answering.")  # type: ignore[no-untyped-call]
        return answer
