"""Bodies that a provider might read otherwise than we do are refused."""

from __future__ import annotations

import orjson
import pytest

from gateway.calls import read_call
from gateway.errors import ApiError
from tests.gateway.raw import BODY
from usage.models import Endpoint

PATH = "/chat/completions"


@pytest.mark.parametrize("depth", [260, 1000])
def test_a_body_too_deep_to_be_written_anew_is_malformed(depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    raw = orjson.dumps(BODY)[:-1] + b',"metadata":' + deep + b"}"

    with pytest.raises(ApiError) as refusal:
        read_call(Endpoint.CHAT_COMPLETIONS, PATH, raw)

    assert refusal.value.status == 400
    assert "nested too deeply" in refusal.value.message


@pytest.mark.parametrize("name", ["N", "Max_Tokens", "max_to\u212aens", "\u017ftream"])
def test_a_name_that_some_decoders_fold_to_a_bounding_one_is_refused(name: str) -> None:
    raw = orjson.dumps({**BODY, name: 100})

    with pytest.raises(ApiError) as refusal:
        read_call(Endpoint.CHAT_COMPLETIONS, PATH, raw)

    assert (refusal.value.status, refusal.value.param) == (400, name)
