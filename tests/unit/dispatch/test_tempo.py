"""How many recipients are taken next from how many there was time for."""

from __future__ import annotations

from geoalert.dispatch.tempo import Tempo

CHUNK = 500


def test_an_unknown_provider_is_given_its_whole_chunk() -> None:
    assert Tempo().most("fcm", CHUNK) == CHUNK


def test_what_there_was_no_time_for_is_not_asked_for_again() -> None:
    tempo = Tempo()
    tempo.noted("fcm", CHUNK, 60)
    assert (tempo.most("fcm", CHUNK), tempo.most("twilio", CHUNK)) == (60, CHUNK)


def test_what_was_managed_is_doubled_up_to_the_chunk() -> None:
    tempo = Tempo()
    tempo.noted("fcm", CHUNK, 60)
    given = []
    for _ in range(5):
        given.append(tempo.most("fcm", CHUNK))
        tempo.noted("fcm", given[-1], given[-1])
    assert given == [60, 120, 240, 480, CHUNK]


def test_a_small_chunk_that_was_managed_says_nothing_of_a_large_one() -> None:
    tempo = Tempo()
    tempo.noted("fcm", CHUNK, 60)
    tempo.noted("fcm", 5, 5)
    assert tempo.most("fcm", CHUNK) == 60


def test_where_nobody_had_a_turn_nothing_is_learnt() -> None:
    tempo = Tempo()
    tempo.noted("fcm", CHUNK, 60)
    tempo.noted("fcm", 60, 0)
    assert tempo.most("fcm", CHUNK) == 60
