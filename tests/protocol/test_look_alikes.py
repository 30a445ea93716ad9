"""Names that people would take for each other have one skeleton; names that they tell apart have two."""

import pytest

from app.protocol.look_alikes import says_nothing, skeleton


@pytest.mark.spec("standards", "DR-13")
@pytest.mark.parametrize(
    ("known", "imitation"),
    [
        ("GitHub", "GITHUB"),
        ("GitHub", "Glthub"),
        ("GitHub", "Git-Hub"),
        ("GitHub", "G i t H u b"),
        ("GitHub", "GitHub \u2713"),
        ("GitHub", "\u202eGit\u200bHub\u202c"),
        ("GitHub", "Git\u3164Hub"),
        ("GitHub", "GitHub\U0001f512"),
        ("GitHub", "\u0262\u026a\u1d1b\u029c\u1d1c\u0299"),
        ("Slack", "Sl\u0430\u0441k"),
        ("Slack", "Slac\u043a"),
        ("Slack", "\u0405lack"),
        ("Slack", "Sl\u00e1ck"),
        ("Slack", "S\u0337l\u0337a\u0337c\u0337k\u0337"),
        ("Slack", "\uff33\uff2c\uff21\uff23\uff2b"),
        ("Slack", "\U0001d4e2\U0001d4f5\U0001d4ea\U0001d4ec\U0001d4f4"),
        ("Slack", "\u24c8\u24db\u24d0\u24d2\u24da"),
        ("Notion", "\u039dotion"),
        ("Notion", "N0tion"),
        ("Notion", "N\u00f8tion"),
        ("Microsoft", "rnicrosoft"),
        ("Wave", "VVave"),
        ("Paypal", "\u0440\u0430\u0443\u0440\u0430\u04cf"),
        ("Airtable", "A1rtab|e"),
        ("Oeuvre", "\u0152uvre"),
        ("\u041f\u043e\u0447\u0442\u0430", "\u041f0\u0447\u0442a"),
        ("\U0001f980", "\U0001f980\ufe0f "),
        pytest.param("Slack", "\U0001f162\U0001f15b\U0001f150\U0001f152\U0001f15a", id="in dark rings"),
        pytest.param("Slack", "\U0001f182\U0001f17b\U0001f170\U0001f172\U0001f17a", id="in dark boxes"),
        pytest.param("Slack", "\U0001f1f8\U0001f1f1\U0001f1e6\U0001f1e8\U0001f1f0", id="of halves of flags"),
        pytest.param("Slack", "S\U000118c3a\U0001043d\u212a", id="of scripts beyond the basic plane"),
        pytest.param("Board", "B\u0275a\u024d\u0257", id="with hooks, bars and tails"),
        pytest.param("Slack", "Sl\U000e0100a\u180bck", id="with selectors of glyphs"),
        pytest.param("Slack", "Sl\u0489ack", id="with a sign around a letter"),
        pytest.param("Slack", "Sl\u0483a\u05b0c\u0951k\u3099", id="with marks of other scripts"),
        pytest.param("Slack", "\u02c8Slack\u02bc", id="between letters like quotation marks"),
        pytest.param("Slack", "\u4e00 Slack \u30fc \ua78c", id="between letters like strokes"),
        pytest.param("Slack", "5l4ck", id="with digits for letters"),
        pytest.param("Slack", "$l@ck", id="with signs for letters"),
        pytest.param("Release", "R\u0454l\u01ddase", id="with letters that are turned"),
        pytest.param("Slack", "@Slack", id="as one is called upon"),
    ],
)
def test_a_name_looks_like_what_passes_for_it(known: str, imitation: str) -> None:
    assert skeleton(imitation) == skeleton(known)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GitHub", "GitLab"),
        ("Slack", "Slacks"),
        ("Notion", "Motion"),
        ("Deploy Diary", "Deploy Dairy"),
        ("Notes 2", "Notes 3"),
        ("Teams", "Team 5"),
        ("Web3", "Webe"),
        ("\u7b2c\u4e00", "\u7b2c"),
        ("\u30d3\u30fc\u30eb", "\u30d3\u30eb"),
        ("\U0001f980", "\U0001f41f"),
        ("\u0915\u0932\u093e", "\u0915\u093f\u0932\u093e"),
        ("\u6771\u4eac", "\u4eac\u6771"),
    ],
)
def test_names_that_people_tell_apart_stay_apart(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@pytest.mark.parametrize("name", ["", "  ", "\u3164\u115f", "\u200b\u202e", "\u0301", "\n\t"])
def test_a_name_of_which_nothing_is_seen_looks_like_none(name: str) -> None:
    assert says_nothing(skeleton(name))


def test_a_skeleton_stays_what_it_is() -> None:
    """The database compares what was made at other times."""
    assert skeleton("Git-Hub") == "glthub"
    assert skeleton(skeleton("\u0152uvre for rnicrosoft")) == skeleton("\u0152uvre for rnicrosoft")
