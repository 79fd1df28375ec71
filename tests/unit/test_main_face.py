"""Which face is the speaker's: the same one as long as a shot lasts."""

from fractions import Fraction

from mosaic_mcp.studio.perception.main_face import main_face
from mosaic_mcp.studio.perception.seen import Box, Faces

ANNA: Box = (0.3, 0.4, 0.12, 0.2)
BEN: Box = (0.7, 0.4, 0.13, 0.2)


def moments(*boxes: tuple[Box, ...]) -> list[Faces]:
    return [Faces(time=Fraction(n), boxes=each) for n, each in enumerate(boxes)]


def test_a_shot_begins_with_the_largest_face_and_goes_on_with_it():
    small, large = (*ANNA[:2], 0.1, 0.2), (*ANNA[:2], 0.14, 0.2)
    both = [(large, BEN), (small, BEN), (small, BEN), (small, BEN)]
    assert {face.x for face in main_face(moments(*both), [])} == {0.3}
    after_a_cut = main_face(moments(*both), [Fraction(2)])
    assert [face.x for face in after_a_cut] == [0.3, 0.3, 0.7, 0.7]


def test_a_face_that_appears_once_is_a_mistake():
    assert main_face(moments((), (), (ANNA,), (), ()), []) == ()
    assert len(main_face(moments((ANNA,)), [])) == 1, "but that of a picture is not"


def test_where_nobody_is_seen_there_is_no_face():
    assert main_face([], []) == ()
    assert [f.time for f in main_face(moments((ANNA,), (), (ANNA,)), [])] == [0, 2]
