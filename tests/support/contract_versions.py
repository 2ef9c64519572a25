"""Generates pairs of versions of a contract for hypothesis."""

from dataclasses import replace

from hypothesis import strategies as st

from tests.support.contract_shapes import FORMATS, PATTERNS, FieldShape, Shape

NAMES = ("a", "b", "c")
_bound = st.one_of(st.none(), st.integers(-3, 6))
_length = st.one_of(st.none(), st.integers(0, 4))


def _pair(bound: st.SearchStrategy[int | None], room: int) -> st.SearchStrategy[tuple[int | None, int | None]]:
    """Bounds with at least ``room`` between them."""
    return st.tuples(bound, bound).map(
        lambda two: two if None in two or two[1] - two[0] >= room else (two[0], two[0] + room)  # type: ignore[operator]
    )


def _numbers() -> st.SearchStrategy[Shape]:
    return st.builds(
        Shape, st.sampled_from(["integer", "number"]), _pair(_bound, 8), named=st.sampled_from([None, None, "open"])
    )


def _multiples() -> st.SearchStrategy[Shape]:
    return st.builds(Shape, st.just("integer"), _pair(_bound, 8), step=st.sampled_from([2, 3, 4]))


_literals = st.builds(
    Shape,
    st.sampled_from(["literal", "enum"]),
    values=st.lists(st.sampled_from(["x", "y", "z", 1, 2]), min_size=1, max_size=3, unique=True).map(tuple),
)
_plain = st.one_of(
    _numbers(),
    st.builds(Shape, st.just("string"), _pair(_length, 0)),
    _literals,
    st.sampled_from([Shape("boolean"), Shape("null"), Shape("anything")]),
    st.builds(Shape, st.just("format"), named=st.sampled_from(list(FORMATS))),
)
_rare = st.one_of(_multiples(), st.builds(Shape, st.just("pattern"), named=st.sampled_from(list(PATTERNS))))


def _nested(inner: st.SearchStrategy[Shape]) -> st.SearchStrategy[Shape]:
    one = inner.map(lambda shape: (shape,))
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Shape, st.just("union"), inner=several),
        inner.map(lambda shape: Shape("union", inner=(shape, Shape("null")))),
        st.builds(Shape, st.just("list"), _pair(_length, 0), one),
        st.builds(Shape, st.just("map"), _pair(_length, 0), one),
        st.builds(Shape, st.just("tuple"), inner=several),
        st.builds(Shape, st.just("model"), fields=fields(inner), named=st.sampled_from(["allow", "ignore", "forbid"])),
    )


def fields(shapes: st.SearchStrategy[Shape]) -> st.SearchStrategy[tuple[FieldShape, ...]]:
    """The fields of a model."""
    return st.lists(
        st.builds(FieldShape, st.sampled_from(NAMES), shapes, st.booleans()),
        max_size=3,
        unique_by=lambda one: one.name,
    ).map(tuple)


def shapes() -> st.SearchStrategy[Shape]:
    """Shapes of fields."""
    return st.recursive(st.one_of(_plain, _rare), _nested, max_leaves=4)


def common_shapes() -> st.SearchStrategy[Shape]:
    """Shapes that every library for JSON Schemas knows: no formats, patterns, tuples and maps, no open bounds."""
    plain = st.one_of(
        st.builds(Shape, st.sampled_from(["integer", "number"]), _pair(_bound, 8)),
        st.builds(Shape, st.just("string"), _pair(_length, 0)),
        _literals,
        st.sampled_from([Shape("boolean"), Shape("null")]),
    )

    def nested(inner: st.SearchStrategy[Shape]) -> st.SearchStrategy[Shape]:
        return st.one_of(
            st.builds(Shape, st.just("union"), inner=st.lists(inner, min_size=1, max_size=3).map(tuple)),
            st.builds(Shape, st.just("list"), _pair(_length, 0), inner.map(lambda shape: (shape,))),
            st.builds(Shape, st.just("model"), fields=fields(inner), named=st.sampled_from(["allow", "forbid"])),
        )

    return st.recursive(plain, nested, max_leaves=3)


@st.composite
def versions(
    draw: st.DrawFn, every: st.SearchStrategy[Shape] | None = None
) -> tuple[tuple[FieldShape, ...], tuple[FieldShape, ...]]:
    """An earlier and a later version of a contract, of ``every`` shape: in some fields they differ, mostly a little."""
    every = shapes() if every is None else every
    old = draw(fields(every))
    known = {one.name for one in old}
    new = [changed for one in old if (changed := draw(_change(one, every))) is not None]
    new += [one for one in draw(fields(every)) if one.name not in known][: draw(st.integers(0, 1))]
    return old, tuple(new)


@st.composite
def close_versions(draw: st.DrawFn) -> tuple[tuple[FieldShape, ...], tuple[FieldShape, ...]]:
    """Versions with one field that differs in bounds, values or inner shapes alone: no other gap hides one of it."""
    shape = draw(_nested(_plain) | _plain | _rare)
    return (FieldShape("a", shape, True),), (FieldShape("a", draw(_adjusted(shape, _plain)), True),)


@st.composite
def _change(draw: st.DrawFn, field: FieldShape, every: st.SearchStrategy[Shape]) -> FieldShape | None:
    match draw(st.integers(0, 9)):
        case 0:
            return None
        case 1:
            return replace(field, shape=draw(every))
        case 2:
            return replace(field, required=not field.required)
        case 3 | 4:
            return replace(field, shape=Shape("union", inner=(field.shape, draw(every))))
        case 5 if field.shape.kind == "union":
            return replace(field, shape=draw(st.sampled_from(field.shape.inner)))
        case 6 | 7:
            return replace(field, shape=draw(_adjusted(field.shape, every)))
        case _:
            return field


@st.composite
def _adjusted(draw: st.DrawFn, shape: Shape, every: st.SearchStrategy[Shape]) -> Shape:
    """A shape like another one: with other bounds, values, fields or inner shapes."""
    match shape.kind:
        case "integer" | "number":
            return replace(shape, kind=draw(st.sampled_from(["integer", "number"])), bounds=draw(_pair(_bound, 8)))
        case "string" | "list" | "map" if draw(st.booleans()):
            return replace(shape, bounds=draw(_pair(_length, 0)))
        case "literal" | "enum":
            return draw(_literals)
        case "union" | "list" | "map" | "tuple":
            inner = [draw(_adjusted(one, every)) if draw(st.integers(0, 2)) else one for one in shape.inner]
            return replace(shape, inner=tuple(inner))
        case "model":
            kept = tuple(one for field in shape.fields if (one := draw(_change(field, every))) is not None)
            return replace(shape, fields=kept)
        case _:
            return shape
