"""YAML, JSON, XML, gzip and text: hostile input ends in an error with a place, in bounded time."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from guestwright.media.sources import text
from guestwright.media.sources.errors import BadPayload, BadPayloadEncoding, PayloadTooLarge, UnsafePayload
from guestwright.media.sources.json_nodes import parse_json
from guestwright.media.sources.nodes import plain
from guestwright.media.sources.xml_tree import parse_xml
from guestwright.media.sources.yaml_nodes import parse_yaml

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
MERGES = "a0: &a0 {x: 1, y: 2}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 50)}]}}\n" for n in range(1, 60)
)
DOCTYPES = {
    "internal": "<!DOCTYPE a><a/>",
    "bomb": '<!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>',
    "quadratic": '<!DOCTYPE a [<!ENTITY x "' + "x" * 9000 + '">]><a>' + "&x;" * 3000 + "</a>",
    "external-file": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "external-http": '<!DOCTYPE a SYSTEM "http://192.0.2.1/a.dtd"><a/>',
    "public": '<!DOCTYPE a PUBLIC "-//x" "http://192.0.2.1/a.dtd"><a/>',
    "parameter": '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]><a/>',
    "attlist": '<!DOCTYPE a [<!ATTLIST a b CDATA "c">]><a/>',
    "notation": '<!DOCTYPE a [<!NOTATION n SYSTEM "x">]><a/>',
    "deep": "<a>" * 65 + "</a>" * 65,
    "many": "<a>" + "<b/>" * 50_001 + "</a>",
}
BAD_XML = {
    "empty": b"",
    "blank": b"  \n",
    "text": b"hello",
    "open": b"<a>",
    "crossed": b"<a><b></a></b>",
    "two-roots": b"<a/><b/>",
    "after": b"<a/>x",
    "attribute": b"<a b=c/>",
    "twice": b"<a b='1' b='2'/>",
    "prefix": b"<p:a/>",
    "entity": b"<a>&nbsp;</a>",
    "ampersand": b"<a>R&D</a>",
    "less": b"<a>1<2</a>",
    "cdata": b"<a><![CDATA[x</a>",
    "cdata-end": b"<a>]]></a>",
    "comment": b"<a><!-- x -- y --></a>",
    "control": b"<a>\x01</a>",
    "nul": b"<a>\0</a>",
    "charref": b"<a>&#0;</a>",
    "surrogate": b"<a>&#xD800;</a>",
    "declaration": b" <?xml version='1.0'?><a/>",
    "version": b"<?xml version='2.0'?><a/>",
    "latin1-as-utf8": b"<a>\xe9</a>",
    "utf7": b"<?xml version='1.0' encoding='utf-7'?><a/>",
    "unknown-encoding": b"<?xml version='1.0' encoding='klingon'?><a/>",
    "hex-codec": b"<?xml version='1.0' encoding='hex'?><a/>",
    "idna-codec": b"<?xml version='1.0' encoding='idna'?><a/>",
    "shift-jis": b"<?xml version='1.0' encoding='shift_jis'?><a/>",
    "cp1252": b"<?xml version='1.0' encoding='windows-1252'?><a/>",
    "utf16-odd": "<a/>".encode("utf-16") + b"\0",
    "utf16-declared": b"<?xml version='1.0' encoding='utf-16'?><a/>",
    "overlong": b"<a>\xc0\xaf</a>",
    "pi": b"<?xml?><a/>",
    "json": b"{}",
}
BAD_YAML = {
    "laughs": LAUGHS,
    "merges": MERGES,
    "itself": "a: &a [*a]",
    "itself-merged": "a: &a\n  <<: *a",
    "itself-deep": "a: &a {b: {c: [*a]}}",
    "deep-flow": "[" * 5000,
    "deep-flow-closed": "[" * 60 + "]" * 60,
    "deep-block": "".join(" " * n + "a:\n" for n in range(100)),
    "deep-mappings": "{a: " * 100 + "1" + "}" * 100,
    "wide": "- x\n" * 100_001,
    "python-name": "a: !!python/name:os.system",
    "python-apply": "a: !!python/object/apply:os.system [id]",
    "python-tuple": "a: !!python/tuple [1]",
    "own-tag": "a: !x 1",
    "tagged-map": "a: !x {b: 1}",
    "set": "a: !!set {x}",
    "omap": "a: !!omap [x: 1]",
    "no-anchor": "a: *nothing",
    "twice": "a: 1\na: 2",
    "twice-quoted": "a: 1\n'a': 2",
    "twice-flow": "{a: 1, a: 2}",
    "list-key": "[1, 2]: x",
    "map-key": "{a: 1}: x",
    "null-key": "~: x",
    "two-documents": "a: 1\n---\nb: 2",
    "tab": "a:\n\tb: 1",
    "indent": "a:\n  b: 1\n c: 2",
    "colon": "a: b: c",
    "open-list": "a: [1, 2",
    "open-map": "a: {b: 1",
    "open-quote": "a: 'x",
    "open-double": 'a: "x',
    "escape": 'a: "\\q"',
    "percent": "%FOO bar\n---\na: 1\n%",
    "at": "a: @x",
    "backtick": "a: `x`",
    "dash": "a: 1\n- b",
    "anchor-twice": "a: &x &y 1",
    "binary": "a: !!binary 'x!'",
    "int": "a: !!int x",
    "bool": "a: !!bool maybe",
    "float": "a: !!float x",
    "digits": "a: " + "9" * 5000,
    "base60": "a: " + "1" + ":59" * 200,
    "nul": "a: \0",
    "escape-char": "a: \x1b[2J",
    "c1": "a: \x84",
    "bom-inside": "a: \ufffe",
    "bom": "\ufeffa: 1",
    "merge-text": "a: {<<: x}",
    "merge-list": "a: {<<: [1]}",
}
BAD_JSON = [
    *(
        "",
        " ",
        "{",
        "[",
        "{]",
        "[}",
        "{}{}",
        "[] x",
        "'a'",
        "{a: 1}",
        "{'a': 1}",
        '{"a"}',
        '{"a" 1}',
        '{"a":}',
        "[1,]",
    ),
    *(
        '{"a": 1,}',
        "[,1]",
        "[1 2]",
        '{"a": 1 "b": 2}',
        '{"a": 1, "a": 2}',
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "0x10",
        "NaN",
    ),
    *(
        "Infinity",
        "-",
        "tru",
        "True",
        "None",
        '"',
        '"\\x"',
        '"\\u12"',
        '"\n"',
        '"\\ud800"',
        "// x\n1",
        "[1] /* x */",
    ),
    *(
        "[" * 100,
        '{"a":' * 100,
        "9" * 5000,
        "1e99999",
        "\ufeff{}",
        "\0",
        '"\x01"',
        "[" + "1," * 100_000 + "1]",
    ),
]
NOT_UTF8 = [
    b"\xff",
    b"\xfe\xff\0a",
    b"\xff\xfea\0",
    b"a\x80",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"\xf8\x88\x80\x80\x80",
]


def quick(call: Callable[..., Any], *args: Any) -> BadPayload:
    begun = time.process_time()
    with pytest.raises(BadPayload) as caught:
        call(*args)
    assert time.process_time() - begun < 3
    assert caught.value.message.startswith("input:")
    assert len(caught.value.message) < 300
    return caught.value


@pytest.mark.parametrize("document", DOCTYPES.values(), ids=DOCTYPES)
def test_xml_that_attacks_is_refused(document: str) -> None:
    assert isinstance(quick(parse_xml, "input", document.encode()), UnsafePayload)


@pytest.mark.parametrize("document", [*DOCTYPES.values()][:6], ids=[*DOCTYPES][:6])
def test_xml_that_attacks_in_utf16_is_refused(document: str) -> None:
    assert isinstance(quick(parse_xml, "input", document.encode("utf-16")), UnsafePayload)


@pytest.mark.parametrize("document", BAD_XML.values(), ids=BAD_XML)
def test_xml_that_is_broken_is_refused(document: bytes) -> None:
    quick(parse_xml, "input", document)


@pytest.mark.parametrize("document", BAD_YAML.values(), ids=BAD_YAML)
def test_yaml_that_is_broken_or_attacks_is_refused(document: str) -> None:
    quick(parse_yaml, "input", document.encode())


@pytest.mark.parametrize("document", BAD_JSON, ids=lambda one: ascii(one[:20]))
def test_json_that_is_broken_or_attacks_is_refused(document: str) -> None:
    quick(parse_json, "input", document.encode())


@pytest.mark.parametrize("data", NOT_UTF8, ids=ascii)
@pytest.mark.parametrize("parse", [parse_yaml, parse_json, text.utf8])
def test_what_is_not_utf8_is_refused(parse: Callable[[str, bytes], object], data: bytes) -> None:
    assert isinstance(quick(parse, "input", b'"ok"\n' * (parse is text.utf8) + data), BadPayloadEncoding)


@pytest.mark.parametrize(
    ("parse", "document", "line", "column"),
    [
        (parse_yaml, "a: 1\nb: [1,\n  *x]", 3, 3),
        (parse_yaml, "a: 1\nä: 2\na: 3", 3, 1),
        (parse_yaml, "é: é: é", 1, 5),
        (parse_json, '{"a": 1,\n "ä": tru}', 2, 7),
        (parse_json, '{"a": 1,\n "a": 2}', 2, 2),
        (parse_json, '[1,\n\n"x\n"]', 3, 3),
        (parse_xml, "<a>\n <b></c></a>", 2, 7),
        (parse_xml, "<a>\n <é>&x;</é></a>", 2, 5),
        (text.utf8, "ab\ncd\0", 2, 3),
    ],
)
def test_the_place_is_right(
    parse: Callable[[str, bytes], object], document: str, line: int, column: int
) -> None:
    error = quick(parse, "input", document.encode())
    assert (error.params["line"], error.params["column"]) == (line, column)


@pytest.mark.parametrize("cut", [1, 2, 5, 10, 15, 18, 25])
def test_a_gzip_stream_cut_short_is_refused(cut: int) -> None:
    packed = gzip.compress(b"#cloud-config\n{}\n" * 3)
    assert isinstance(quick(text.gunzip, "input", packed[:-cut], 1000), BadPayloadEncoding)


@pytest.mark.parametrize("index", [2, 3, 12, -8, -5, -4, -1])
def test_a_damaged_gzip_stream_is_refused(index: int) -> None:
    packed = bytearray(gzip.compress(b"#cloud-config\n{}\n" * 3))
    packed[index] ^= 0xFF
    assert isinstance(quick(text.gunzip, "input", bytes(packed), 1000), BadPayload)


def test_a_gzip_bomb_is_refused() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert isinstance(quick(text.gunzip, "input", bomb, 1_000_000), PayloadTooLarge)
    many = gzip.compress(b"x" * 1000) * 2000
    assert isinstance(quick(text.gunzip, "input", many, 1_000_000), PayloadTooLarge)


def test_something_after_the_gzip_stream_is_refused() -> None:
    quick(text.gunzip, "input", gzip.compress(b"a") + b"b", 100)


def test_gzip_members_are_joined() -> None:
    assert text.gunzip("input", gzip.compress(b"a") + gzip.compress(b"b"), 2) == b"ab"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(VALUES)
def test_json_is_read_as_by_python(value: Any) -> None:
    assert plain(parse_json("input", json.dumps(value, indent=1).encode())) == value


@given(VALUES)
def test_yaml_is_read_as_by_pyyaml(value: Any) -> None:
    document = yaml.safe_dump(value, allow_unicode=False)
    assert plain(parse_yaml("input", document.encode())) == value == yaml.safe_load(document)


@given(st.text(st.sampled_from("ab: -[]{}&*!|>'\"%@#\n?,<~0"), max_size=60))
def test_what_is_accepted_as_yaml_means_what_pyyaml_says(document: str) -> None:
    try:
        mine = plain(parse_yaml("input", document.encode()))
    except BadPayload:
        return
    theirs = yaml.load(document, Loader=yaml.CSafeLoader)
    assert mine == theirs or "0" in document or "~" in document  # keys that are numbers stay text here


def test_aliases_and_merge_keys_work() -> None:
    document = b"x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: [*x, *x]\non: yes\n"
    read = plain(parse_yaml("input", document))
    assert read["y"] == {"a": 1, "b": 3}
    assert read["z"] == [{"a": 1, "b": 2}] * 2
    assert read["on"] is True


@pytest.mark.parametrize("document", [b"<<", b"a: [<<]", b"a: =", b"!!merge a"])
def test_what_has_a_meaning_only_as_a_key_is_no_value(document: bytes) -> None:
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load(document)
    with pytest.raises(BadPayload, match="quote it"):
        parse_yaml("input", document)


def test_an_equals_sign_is_a_key() -> None:
    assert (
        plain(parse_yaml("input", b"=: 1\n'<<': 2\n"))
        == yaml.safe_load(b"=: 1\n'<<': 2\n")
        == {"=": 1, "<<": 2}
    )


def test_namespaces_and_places_of_xml() -> None:
    root = parse_xml("input", b"<a xmlns='urn:x'>\n  <b c='1'>t<!-- no --></b></a>")
    assert (root.space, root.name, root.at) == ("urn:x", "a", (1, 1))
    inner = root.children[0]
    assert (inner.text, inner.attribute("c"), inner.at) == ("t", "1", (2, 3))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig", "iso-8859-1"])
def test_encodings_of_xml(encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    document = f"<?xml version='1.0' encoding='{declared}'?><a>é</a>".encode(encoding)
    assert parse_xml("input", document).text == "é"
