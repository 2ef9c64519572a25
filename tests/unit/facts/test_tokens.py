"""Tokens: text that sorts like revisions, and is recognised as made here for this tenant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import BadToken
from facts import tokens
from facts.revisions import epoch_of, first_of

REVISIONS = st.integers(0, 2**62 - 1)


@given(REVISIONS, REVISIONS)
def test_tokens_sort_as_text_like_their_revisions(one: int, other: int) -> None:
    assert (tokens.token("t", one) < tokens.token("t", other)) == (one < other)
    assert tokens.revision("t", tokens.token("t", one)) == one


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_encoded_bytes_sort_as_text_like_the_bytes(one: bytes, other: bytes) -> None:
    assert tokens.decode(tokens.encode(one)) == one
    assert (tokens.encode(one) < tokens.encode(other)) == (one < other)
    assert not set(tokens.encode(one)) & set(",&=?/ ")


@given(st.text(max_size=30))
def test_no_other_text_is_a_token(text: str) -> None:
    with pytest.raises(BadToken):
        tokens.revision("t", text)


@given(REVISIONS, st.integers(0, 19), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUV"))
def test_a_token_with_another_character_is_refused(revision: int, place: int, character: str) -> None:
    text = tokens.token("t", revision)
    altered = text[:place] + character + text[place + 1 :]
    if altered != text:
        with pytest.raises(BadToken):
            tokens.revision("t", altered)


def test_token_of_another_tenant_is_refused() -> None:
    with pytest.raises(BadToken, match="of this tenant"):
        tokens.revision("t", tokens.token("u", 7))


@given(st.integers(0, 2**24), st.integers(0, 2**38 - 1))
def test_revisions_of_a_later_epoch_are_greater(epoch: int, number: int) -> None:
    assert epoch_of(first_of(epoch) + number) == epoch
    assert first_of(epoch) + number < first_of(epoch + 1)
