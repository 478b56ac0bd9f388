"""A process that cannot live ends the whole, with its name and its last words."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.supervisor import Child, GaveUp, StopRequest, Supervisor


def test_the_fifth_death_is_given_up_and_explained(tmp_path: Path) -> None:
    # There is no such child: it dies as soon as it starts.
    child, said = Child("nobody", tmp_path / "nobody.log"), list[str]()
    supervisor = Supervisor([child], [], stop_request=StopRequest(), say=said.append)
    with pytest.raises(GaveUp, match=r"nobody died 5 times(.|\n)*KeyError: 'nobody'"):
        supervisor.run(each_tick=lambda: None)
    assert len(said) == 4
    assert "starting it again in 4 s" in said[-1]


def test_a_stop_request_ends_it_without_complaint(tmp_path: Path) -> None:
    request = StopRequest()
    request.asked = True
    child = Child("nobody", tmp_path / "nobody.log")
    Supervisor([child], [], stop_request=request, say=print).run(each_tick=lambda: None)
    assert child.process is None
