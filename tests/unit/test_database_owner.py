"""What belongs to one account belongs to another after its dump has passed; nothing else changes."""

import pytest

from scripts.database.owner import NewOwner

DUMP = b"""-- a dump
INSERT INTO `t` VALUES
(1,'CREATE DEFINER=`it``s me`@`localhost` PROCEDURE'),
(2,'/*!50013 DEFINER=`it``s me`@`localhost` SQL SECURITY DEFINER */ %s');
/*!50003 CREATE*/ /*!50017 DEFINER=`it``s me`@`localhost`*/ /*!50003 trigger g
/*!50106 CREATE*/ /*!50117 DEFINER=`it``s me`@`%%`*/ /*!50106 EVENT `e`
CREATE DEFINER=`it``s me`@`localhost` PROCEDURE `p`()
CREATE DEFINER=`root`@`localhost` PROCEDURE `other`()
/*!50013 DEFINER=`it``s me`@`localhost` SQL SECURITY DEFINER */
-- Dump completed
""" % (b"x" * 3000)
OLD = [b"/*!50017 DEFINER=`it``s me`@`localhost`", b"/*!50117 DEFINER=`it``s me`@`%`",
       b"\nCREATE DEFINER=`it``s me`@`localhost`", b"\n/*!50013 DEFINER=`it``s me`@`localhost`"]


@pytest.mark.parametrize("size", [1, 7, 100, 999, 1001, 4096, 1 << 20])
def test_every_definer_of_the_one_account_becomes_the_other_and_no_row_changes(size):
    expected = DUMP
    for old in OLD:
        expected = expected.replace(old, old.partition(b"DEFINER")[0] + b"DEFINER=`d``ev`@`db1`")
    pieces = [DUMP[start:start + size] for start in range(0, len(DUMP), size)]
    assert b"".join(NewOwner("it`s me@localhost", "d`ev@db1").changed(pieces)) == expected
    assert expected.count(b"`d``ev`@`db1`") == 4


def test_a_row_cut_before_words_like_ours_stays_as_it_is():
    row = [b"(1,'" + b"x" * 2000, b"CREATE DEFINER=`me`@`h` and so on", b"'),\n"]
    assert b"".join(NewOwner("me@h", "you@h").changed(row)) == b"".join(row)


def test_little_is_kept_of_a_long_line():
    passed = NewOwner("me@h", "you@h").changed([b"x" * 5000])
    assert next(passed) == b"x" * 5000
