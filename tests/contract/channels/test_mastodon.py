"""Mastodon in particular: the key, the address of a post, its length."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest

from geoalert.dispatch.channels import Verdict
from geoalert.dispatch.channels.post_mastodon import STATUSES, MastodonPost
from geoalert.dispatch.reasons import Reason
from geoalert.sandbox.app import Sandbox
from geoalert.sandbox.faults import Fault
from tests.contract.channels.cases import MASTODON, NOTICE, NOW, chunk, worded


@pytest.fixture
async def post(sandbox: Sandbox) -> AsyncIterator[MastodonPost]:
    channel = MASTODON.channel(sandbox)
    assert isinstance(channel, MastodonPost)
    yield channel
    await channel.close()


@pytest.mark.requirement("S000-05")
async def test_a_post_has_an_id_and_an_address_to_read_it_at(post: MastodonPost, sandbox: Sandbox) -> None:
    (result,) = await post.send(chunk(post, MASTODON.deliveries(1)))
    assert result.url == f"{sandbox.credentials.base_url}/@ward0/{result.provider_ref}"
    url = f"{sandbox.credentials.base_url}/api/v1/statuses/{result.provider_ref}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        read = await answer.json()
    assert (read["url"], read["language"]) == (result.url, "mr")


async def test_the_same_key_is_the_same_post(post: MastodonPost, sandbox: Sandbox) -> None:
    sandbox.mischief.plan(Fault("mastodon", "reset", processed=True))
    sent = chunk(post, MASTODON.deliveries(1))
    (lost,), (found,) = await post.send(sent), await post.send(sent)
    assert lost.verdict is Verdict.UNCERTAIN
    assert found.verdict is Verdict.ACCEPTED
    assert list(sandbox.mastodon.posts) == [found.provider_ref]


async def test_an_account_without_token_stops_nobody_else(post: MastodonPost) -> None:
    deliveries = MASTODON.deliveries(3)
    deliveries[0] = deliveries[0]._replace(address="stranger")
    results = await post.send(chunk(post, deliveries))
    assert [result.verdict for result in results] == [Verdict.MISCONFIGURED, Verdict.ACCEPTED, Verdict.ACCEPTED]
    assert results[0].reason is Reason.CREDENTIAL


@pytest.mark.parametrize("status", STATUSES)
async def test_every_status_of_its_own(post: MastodonPost, sandbox: Sandbox, status: int) -> None:
    sandbox.mischief.plan(Fault("mastodon", "status", status=status))
    (result,) = await post.send(chunk(post, MASTODON.deliveries(1)))
    assert (result.verdict, result.reason) == STATUSES[status]


async def test_the_moment_a_rate_limit_ends(post: MastodonPost, sandbox: Sandbox) -> None:
    moment = (NOW + timedelta(seconds=90)).isoformat()
    sandbox.mischief.plan(Fault("mastodon", "status", status=429, headers={"X-RateLimit-Reset": moment}))
    sandbox.mischief.plan(Fault("mastodon", "status", status=429, headers={"X-RateLimit-Reset": "later"}))
    (dated,) = await post.send(chunk(post, MASTODON.deliveries(1)))
    (vague,) = await post.send(chunk(post, MASTODON.deliveries(1)))
    assert (dated.retry_after, vague.retry_after) == (90.0, None)


@pytest.mark.parametrize("link", ["", "https://a.in/1", "https://alerts.pune.example/" + "a" * 60])
def test_a_post_fits_and_keeps_its_link(post: MastodonPost, link: str) -> None:
    text = post.prepare(replace(worded("मथळा", "काम सुरू आहे. " * 100, "साठवा"), link=link)).text
    assert len(text) <= 500
    assert text.endswith(link or "साठवा")
    assert len(text) > 450


def test_a_description_with_a_link_keeps_it_whole_or_drops_it(post: MastodonPost) -> None:
    address = "https://alerts.pune.example/" + "x" * 200
    text = post.prepare(worded("मथळा", f"{'काम ' * 70}{address} पुढे", "साठवा")).text
    assert "https://alerts.pune.example/x" not in text
    assert text.count("https://") == 1
    assert NOTICE.link in text
