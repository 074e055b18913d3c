"""Tables that users give."""

import pytest

from custom_networks.errors import UserError
from tools.layout.tables import read_table


@pytest.mark.parametrize("begin", [b"", b"\xef\xbb\xbf"])
def test_a_mark_of_utf8_is_no_part_of_a_name(tmp_path, begin):
    (tmp_path / "t.csv").write_bytes(begin + "case,name\r\na,Jürg\r\n".encode())
    assert read_table(tmp_path / "t.csv", ["case"], "") == [{"case": "a", "name": "Jürg"}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"case;name\na;b\n", "has no columns case, name"),
        (b"", "has no columns case, name"),
        (b"case,name\na,b\nc\n", "line 3 ends early"),
        ("case,name\na,Jürg\n".encode("latin-1"), "not a table in UTF-8"),
        ("case,name\na,b\n".encode("utf-16"), "not a table in UTF-8"),
        (b'case,name\na,"' + b"x" * 200_000 + b'"\n', "not a table in UTF-8 .field larger"),
    ],
)
def test_what_is_not_a_table_is_said(tmp_path, content, said):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(UserError, match=rf"t\.csv: .*{said}.* Mend it\."):
        read_table(tmp_path / "t.csv", ["case", "name"], "Mend it.")
