"""What every recommender promises, held against every member: lists, ties, strangers, and the odd shapes of data."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from ml.recommend import recommender
from ml.recommend.interactions import Interactions
from tests.ml.recommend.made_up_log import taste_log
from tests.ml.recommend.members import MEMBERS, PERSONAL, POPULAR

LOG = taste_log()
DATA = Interactions.from_frame(LOG)


@pytest.fixture(params=sorted(MEMBERS))
def make(request):
    return MEMBERS[request.param]


def frame(*pairs: tuple[str, str]) -> pd.DataFrame:
    rows = pd.DataFrame(list(pairs), columns=["user", "item"])
    return rows.assign(time=pd.Timestamp("2024-01-01"))


def test_lists_are_ranked_unseen_and_in_the_order_asked(make):
    users = ["u005", "u000", "u005", "nobody"]
    found = make().fit(DATA).recommend(users, 5)
    assert list(found.columns) == ["user", "item", "rank", "score"]
    assert list(dict.fromkeys(found["user"]))[:2] in (["u005", "u000"], ["u000"], ["u005"], [])
    for user, rows in found.groupby("user"):
        assert list(rows["rank"]) == list(range(1, len(rows) + 1))
        ordered = rows.sort_values(["score", "item"], ascending=[False, True])
        assert list(ordered["item"]) == list(rows["item"])
        seen = set(LOG.loc[LOG["user"] == user, "item"])
        assert not seen & set(rows["item"])
    assert np.isfinite(found["score"]).all()


def test_the_same_data_give_the_same_lists_in_any_order_of_rows_and_size_of_block(make, monkeypatch):
    first = make().fit(DATA).recommend(DATA.users, 7)
    monkeypatch.setattr(recommender, "BLOCK_BYTES", 8 * len(DATA.items) * 7)
    again = make().fit(Interactions.from_frame(LOG.sample(frac=1, random_state=5))).recommend(DATA.users, 7)
    assert len(first) == len(again)
    np.testing.assert_allclose(first["score"], again["score"], rtol=1e-4, atol=1e-6)
    # the last digits of a sum may part with the block; items apart by more than that may not change place
    same = (first["item"] == again["item"]).mean()
    assert same > 0.99


@pytest.mark.parametrize("name", sorted(set(PERSONAL) - {"ranks"}))
def test_personal_models_find_the_taste(name):
    held = LOG.groupby("user").tail(3)
    model = PERSONAL[name]().fit(Interactions.from_frame(LOG.drop(held.index)))
    found = model.recommend(DATA.users, 5)
    own = found["user"].map(LOG.groupby("user")["taste"].first())
    taste = "t" + (found["item"].str[1:].astype(int) % 4).astype(str)
    # a fifth of the catalogue, or so, is what chance would give
    assert (own == taste).mean() > 0.7


def test_strangers_get_what_is_popular_or_nothing(make):
    model = make().fit(DATA)
    found = model.recommend(["nobody", "没有人"], 3)
    if isinstance(model, tuple(type(MEMBERS[name]()) for name in POPULAR)):
        assert found.groupby("user").size().to_dict() == {"nobody": 3, "没有人": 3}
        assert list(found["item"][:3]) == list(found["item"][3:])
    else:
        assert found.empty


def test_what_was_seen_comes_back_when_asked(make):
    model = make().fit(DATA)
    user = LOG.loc[LOG["item"] == "i000", "user"].iloc[0]
    found = model.recommend([user], len(DATA.items), filter_seen=False)
    assert set(LOG.loc[LOG["user"] == user, "item"]) & set(found["item"])


def test_similar_items_leave_out_the_item_itself(make):
    found = make().fit(DATA).similar(["i004", "i000", "unknown"], 4)
    assert list(found.columns) == ["item", "similar_item", "rank", "score"]
    assert not (found["item"] == found["similar_item"]).any()
    assert set(found["item"]) <= {"i004", "i000"}
    assert found.groupby("item").size().max() <= 4 if len(found) else True


@pytest.mark.parametrize("name", sorted(set(PERSONAL)))
def test_similar_items_are_of_the_same_taste(name):
    found = PERSONAL[name]().fit(DATA).similar(["i000", "i001", "i002"], 3)
    assert len(found) == 9
    same = found["item"].str[1:].astype(int) % 4 == found["similar_item"].str[1:].astype(int) % 4
    assert same.mean() > 0.8


def test_one_user(make):
    data = Interactions.from_frame(frame(("u", "x"), ("u", "y")))
    assert make().fit(data).recommend(["u"], 3).empty


def test_one_item(make):
    data = Interactions.from_frame(frame(("a", "x"), ("b", "x")))
    model = make().fit(data)
    assert model.recommend(["a", "b"], 3).empty
    assert model.similar(["x"], 3).empty


def test_a_user_who_saw_everything_gets_nothing(make):
    rows = frame(("all", "x"), ("all", "y"), ("all", "i000"), ("b", "x"), ("b", "y"), ("c", "y"), ("c", "i000"))
    found = make().fit(Interactions.from_frame(rows)).recommend(["all", "b"], 3)
    assert set(found["user"]) <= {"b"}


def test_an_item_nobody_saw_is_known_by_its_text_alone(make):
    rows = frame(("a", "i000"), ("a", "x"), ("b", "i000"), ("b", "y"), ("c", "x"))
    model = make().fit(Interactions.from_frame(rows, items=["i004", "never"]))
    found = model.recommend(["a", "b", "c"], 9)
    assert "never" not in set(found["item"])
    assert ("i004" in set(found["item"])) == (model.name == "content")


def test_k_larger_than_the_catalogue_gives_what_there_is(make):
    found = make().fit(DATA).recommend(["u000"], 10_000)
    seen = LOG.loc[LOG["user"] == "u000", "item"].nunique()
    assert len(found) <= DATA.shape[1] - seen
    assert found["item"].is_unique


def test_a_stored_model_says_the_same(make):
    model = make().fit(DATA)
    pd.testing.assert_frame_equal(
        pickle.loads(pickle.dumps(model)).recommend(DATA.users[:9], 4), model.recommend(DATA.users[:9], 4)
    )


def test_k_under_one_is_refused(make):
    model = make().fit(DATA)
    for ask in (model.recommend, model.similar):
        with pytest.raises(ValueError, match="k: expected"):
            ask(["u000"], 0)


def test_ids_in_any_script(make):
    rows = frame(
        ("客户甲", "商品"),
        ("客户甲", "δώρο"),
        ("Ünal", "商品"),
        ("Ünal", "🎁"),
        ("o'neil; --", "δώρο"),
        ("o'neil; --", "🎁 2"),
    )
    found = make().fit(Interactions.from_frame(rows)).recommend(["客户甲", "Ünal", "o'neil; --"], 5)
    assert set(found["item"]) <= {"商品", "δώρο", "🎁", "🎁 2"}
    assert set(found["user"]) <= {"客户甲", "Ünal", "o'neil; --"}


def test_an_empty_day(make):
    nothing = Interactions.from_frame(LOG.iloc[:0])
    model = make().fit(nothing)
    assert model.recommend(["u000"], 3).empty
    assert model.similar(["i000"], 3).empty
    # users and items are known, but have nothing: a shop on its first morning
    quiet = make().fit(Interactions.from_frame(LOG.iloc[:0], users=["a"], items=["i000", "i004"]))
    assert quiet.recommend(["a"], 3).empty
    assert make().fit(DATA).recommend([], 3).empty
