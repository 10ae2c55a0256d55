"""Today's visit in a user's list: when it has a say, what it knows, whose visit it is, and that nothing of it stays."""

from __future__ import annotations

import dataclasses
import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from ml.coded_rows import CodedRows
from ml.recommend.ease import EASE
from ml.recommend.interactions import Interactions
from ml.recommend.item_knn import ItemKNN
from ml.recommend.read import read_log, sampled_rows
from ml.recommend.router import CHOSEN, NEAR, Popular, Router
from ml.recommend.served_model import without_users
from ml.recommend.serving import JUDGED_DAYS, Recommendations
from ml.recommend.sessions.sequential_rules import SequentialRules
from ml.recommend.shelf import Lists, Shelf
from ml.recommend.today import DEPTH, TODAY, TodayBlend, blended, visit_lists
from ml.recommend.today_contest import BLEND, LONG_TERM, TodayChoice, judge_today, visits_at
from ml.recommend.training import ServedModel
from ml.recommend.tuning import inner_time_cuts
from ml.recommend.visits import Visits, read_visits
from ml.registry.record import ModelRecord
from ml.serving.serve import Served
from ml.serving.status import FRESH, ScoreStatus
from ml.serving.write import write_served
from tests.ml.recommend.planted_catalogue import AS_OF, SHOP, choices, know_until, products, warehouse
from tests.ml.recommend.planted_visits import LINE, LINES, add_visits, lines_log

RECORD = ModelRecord("recommendations", SHOP, "m", AS_OF, AS_OF, AS_OF, 1, (), 1, 42, "", "champion", "made by hand")
BLENDED = TodayBlend("sequential_rules", 0.5)


def router_at(known: Interactions, shelf: Shelf) -> Router:
    """What a shop whose contest EASE won would have served."""
    bought = sparse.csr_matrix(known.shape, dtype=np.float32)
    near, chosen = ItemKNN("tfidf", neighbours=50).fit(known), EASE(100.0).fit(known)
    return Router(known, shelf, bought, Popular.of(known, 7.0), near, chosen, CHOSEN)


def back_test(connection: duckdb.DuckDBPyConnection, visits: Visits | None = None) -> TodayChoice:
    as_of = newest(connection)
    log = read_log(connection, SHOP, as_of, active_days=90)
    rows = sampled_rows(connection, users=20_000)
    return judge_today(
        inner_time_cuts(rows, horizon=pd.Timedelta(7, "D")),
        visits or all_visits(connection),
        log.interactions,
        router_at,
    )


def newest(connection: duckdb.DuckDBPyConnection) -> dt.date:
    day: dt.date = connection.execute("SELECT max(as_of) FROM features.feat_as_of_dates").fetchall()[0][0]
    return day


def all_visits(connection: duckdb.DuckDBPyConnection) -> Visits:
    """Of all days; the log has to be the one read last."""
    as_of = newest(connection)
    log = read_log(connection, SHOP, as_of, active_days=90)
    first, fresh = as_of - dt.timedelta(days=JUDGED_DAYS), as_of - dt.timedelta(days=1)
    return read_visits(connection, SHOP, first, as_of, fresh, log.interactions.items)


@pytest.fixture(scope="module")
def lines() -> duckdb.DuckDBPyConnection:
    connection = warehouse(lines_log(), products(LINE * LINES))
    add_visits(connection)
    return connection


def test_a_visit_has_a_say_where_it_tells_what_comes_next(lines: duckdb.DuckDBPyConnection) -> None:
    found = back_test(lines)
    assert found.blend is not None and found.blend == found.best
    assert found.gain is not None and found.gain.low > 0.05
    assert found.users >= 100
    values = {name: float(of.mean()) for name, of in found.per_user.items()}
    assert found.gain.value == pytest.approx(values[found.blend.name] - values[LONG_TERM])
    blend, long_term = found.ndcg[BLEND], found.ndcg[LONG_TERM]
    assert blend is not None and long_term is not None and blend.value > 1.2 * long_term.value


def test_a_visit_that_says_nothing_more_has_no_say() -> None:
    connection = warehouse(choices())
    add_visits(connection)
    found = back_test(connection)
    assert found.blend is None and "beyond doubt" in found.reason
    assert found.best is not None and found.gain is not None and found.users >= 30
    # a shop that knows no visits at all
    bare = back_test(warehouse(choices()))
    assert bare.blend is None and "too few users" in bare.reason and bare.users == 0


def test_the_session_model_of_a_cut_knows_only_what_was_before_it(lines: duckdb.DuckDBPyConnection) -> None:
    visits = all_visits(lines)
    log = read_log(lines, SHOP, newest(lines), active_days=90).interactions
    cuts = inner_time_cuts(sampled_rows(lines, users=20_000), horizon=pd.Timedelta(7, "D"))
    for cut in cuts:
        assert cut.cut is not None
        moment = np.datetime64(cut.cut, "us").astype(np.int64)
        known = visits_at(cut.cut, visits, np.arange(len(log.users)))
        assert 0 < len(known.steps) < len(visits.steps) and known.steps.time.max() < moment
        users, sessions = known.newest_of_users()
        ended = known.steps.ended[sessions]
        assert len(users) and (ended >= moment - 86_400_000_000).all() and (ended < moment).all()
    last = cuts[-1].cut
    assert last is not None
    told = back_test(lines, visits)
    later = visits.steps.time >= np.datetime64(last, "us").astype(np.int64)
    item = visits.steps.item.copy()
    item[later] = 0
    forged = dataclasses.replace(visits, steps=dataclasses.replace(visits.steps, item=item))
    again = back_test(lines, forged)
    for name, values in told.per_user.items():
        np.testing.assert_array_equal(again.per_user[name], values)
    item[~later] = np.random.default_rng(1).permutation(item[~later])
    other = dataclasses.replace(visits, steps=dataclasses.replace(visits.steps, item=item))
    assert back_test(lines, other).blend is None


def test_both_lists_vote_by_rank() -> None:
    none = np.full(3, -1)
    own = Lists(
        np.array([0, 0, 4]), np.array([7, 8, 7]), np.array([1, 2, 1]), np.ones(3), np.array([3, 3, 3]), none + 3
    )
    visit = Lists(
        np.array([0, 0]), np.array([8, 9]), np.array([1, 2]), np.ones(2), none[:2], np.full(2, TODAY, dtype=np.int64)
    )
    found = blended(own, visit, 0.5, 10)
    assert list(found.row) == [0, 0, 0, 4] and list(found.rank) == [1, 2, 3, 1]
    assert list(found.column) == [8, 7, 9, 7]
    np.testing.assert_allclose(found.score, [0.5 / 6 + 0.5 / 7, 0.5 / 6, 0.5 / 7, 0.5 / 6], atol=1e-12)
    # who is not there today keeps what there was, reason and all; a row owes its place to what adds more
    assert list(found.source) == [TODAY, 2, TODAY, 2] and list(found.because) == [-1, 3, -1, 3]


def test_whose_visit_it_is_and_which_is_the_newest() -> None:
    connection = warehouse(choices())
    add_visits(connection)
    connection.execute("DELETE FROM features.feat_session_items; DELETE FROM intermediate.int_visitor_days")
    last = AS_OF - dt.timedelta(days=1)
    before = AS_OF - dt.timedelta(days=2)
    steps = [
        # a customer on two devices: the newer session counts, which went past midnight
        (SHOP, before, "s1", "phone", f"{before} 23:50", "i001"),
        (SHOP, last, "s1", "phone", f"{last} 00:05", "i002"),
        (SHOP, last, "s2", "desktop", f"{last} 00:01", "i003"),
        # a device whose customer was known the day before and not on the last
        (SHOP, before, "s3", "tablet", f"{before} 10:00", "i004"),
        (SHOP, last, "s4", "v0003", f"{last} 10:00", "i005"),
        (SHOP, last, "s4", "v0003", f"{last} 09:00", "i006"),
        # nobody of the log, an item of nobody, another shop, and an old visit
        (SHOP, last, "s5", "stranger", f"{last} 11:00", "i007"),
        (SHOP, last, "s6", "v0006", f"{last} 11:00", "never seen"),
        ("other", last, "s7", "v0009", f"{last} 11:00", "i008"),
        (SHOP, before, "s8", "v0012", f"{before} 11:00", "i009"),
    ]
    for number, (shop, day, session, visitor, when, item) in enumerate(steps):
        connection.execute(
            "INSERT INTO features.feat_session_items (shop_id, event_date, session_date, session_id, visitor_id, "
            "event_ts, event_id, item_index, event_name, item_id) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 'view_item', ?)",
            [shop, day, day, session, visitor, when, f"e{number}", item],
        )
    # the page of an order that was loaded again, and what only was put into a cart
    for event, name, minute in (("e20", "purchase", "01"), ("e21", "purchase", "02"), ("e22", "add_to_cart", "03")):
        connection.execute(
            "INSERT INTO features.feat_session_items (shop_id, event_date, session_date, session_id, visitor_id, "
            "event_ts, event_id, item_index, event_name, item_id, order_id) "
            "VALUES (?, ?, ?, 's4', 'v0003', ?, ?, 0, ?, 'i010', 'o1')",
            [SHOP, last, last, f"{last} 12:{minute}", event, name],
        )
    for day, visitor, customer in (
        (before, "phone", None),
        (last, "phone", "客0001"),
        (last, "desktop", "客0001"),
        (before, "tablet", "客0002"),
    ):
        connection.execute(
            "INSERT INTO intermediate.int_visitor_days VALUES (?, ?, ?, ?)", [SHOP, day, visitor, customer]
        )
    log = read_log(connection, SHOP, AS_OF, active_days=90).interactions
    visits = read_visits(connection, SHOP, before, AS_OF, last, log.items)
    users, sessions = visits.newest_of_users()
    assert list(log.users[users]) == ["customer:客0001", "v0003"]
    contexts = visits.contexts(sessions)
    seen = [list(log.items[contexts.flat[a:b]]) for a, b in zip(contexts.starts, contexts.ends, strict=True)]
    assert seen == [["i001", "i002"], ["i006", "i005", "i010"]]
    assert visits.steps.bought.sum() == 1 and len(visits.steps.sessions) == 6
    assert (np.diff(visits.steps.ended) >= 0).all()


def served_model(connection: duckdb.DuckDBPyConnection, personal: bool = True) -> ServedModel:
    log = read_log(connection, SHOP, newest(connection), active_days=90)
    near = without_users(ItemKNN("tfidf").fit(log.interactions))
    assert isinstance(near, ItemKNN)
    chosen = without_users(EASE(30).fit(log.interactions)) if personal else None
    return ServedModel("m" if personal else "popular", chosen, True, near, NEAR, 7.0, (), BLENDED)


def score(
    connection: duckdb.DuckDBPyConnection, model: ServedModel, incremental: bool = True
) -> dict[str, pd.DataFrame]:
    capability = Recommendations(incremental=incremental)
    tables = capability.score(model, RECORD, capability.read(connection, SHOP))
    assert capability.fault(tables, RECORD) is None
    return {name: rows.frame() if isinstance(rows, CodedRows) else rows for name, rows in tables.items()}


@pytest.mark.parametrize("personal", [True, False])
def test_rows_of_a_visit_say_so_with_the_sessions_behind_them(lines: duckdb.DuckDBPyConnection, personal: bool) -> None:
    lists = score(lines, served_model(lines, personal))["recommendations"]
    today = lists[lists["model"] == "today_sequential_rules"]
    last = newest(lines) - dt.timedelta(days=1)
    there = {
        row[0]
        for row in lines.execute(
            "SELECT user_id FROM features.feat_user_item_days WHERE event_date = ?", [last]
        ).fetchall()
    }
    assert today["user_id"].nunique() > 20 and set(today["user_id"]) <= there
    assert (
        len(lists.merge(lines.execute("SELECT DISTINCT user_id, item_id FROM features.feat_user_item_days").df())) == 0
    )
    # the line goes on: what comes next on it is first
    firsts = today[today["rank"] == 1]
    number = firsts["item_id"].str[1:].astype(int) // LINE
    assert (number == firsts["because_item_id"].str[1:].astype(int) // LINE).mean() > 0.95
    viewed = lines.execute(
        "SELECT user_id, item_id FROM features.feat_user_item_days WHERE event_date = ?", [last]
    ).df()
    told = today[today["because_item_id"].notna()]
    joined = told.merge(viewed, left_on=["user_id", "because_item_id"], right_on=["user_id", "item_id"])
    assert len(joined) == len(told) > 20
    row = told.iloc[0]
    both = lines.execute(
        "SELECT count(*) FROM (SELECT session_id FROM features.feat_session_items WHERE item_id IN (?, ?) "
        "GROUP BY session_id HAVING count(DISTINCT item_id) = 2)",
        [row["because_item_id"], row["item_id"]],
    ).fetchall()[0][0]
    assert row["evidence"] == both > 0
    sessions = "1 session" if both == 1 else f"{both} sessions"
    name = f"商品 {row['because_item_id']}"
    assert row["reason"] == f"Because you viewed {name} on your last visit ({sessions} had both)"
    assert row["reason_zh"] == f"因为您上次来时看过{name}（{both} 次访问中两者都有）"
    others = lists[~lists["user_id"].isin(there)]
    assert len(others) and not others["model"].str.startswith("today").any()


def test_day_by_day_equals_from_nothing_and_yesterdays_visitors_get_their_own_lists_back() -> None:
    days = choices()
    connection = warehouse(days)
    start = AS_OF - dt.timedelta(days=10)
    know_until(connection, start, days)
    model = served_model(connection)
    before: set[str] = set()
    returned = 0
    for back in range(10, -1, -2):
        know_until(connection, AS_OF - dt.timedelta(days=back), days)
        add_visits(connection)
        capability = Recommendations()
        tables = capability.score(model, RECORD, capability.read(connection, SHOP))
        part = score(connection, model)
        whole = score(connection, model, incremental=False)
        one, other = (frame["recommendations"].drop(columns="updated_for") for frame in (part, whole))
        pd.testing.assert_frame_equal(one, other, check_dtype=False)
        lists = part["recommendations"]
        now = set(lists.loc[lists["model"] == "today_sequential_rules", "user_id"])
        assert now
        returned += len((before & set(lists["user_id"])) - now)
        run = part["recommendation_runs"].iloc[0]
        assert run["users_scored_anew"] < run["users"] or back == 10
        before = now
        status = ScoreStatus(SHOP, "recommendations", AS_OF, AS_OF, FRESH, "", RECORD.version)
        write_served(connection, capability, [Served(status, tables)])
    assert returned > 20


def test_a_visit_leads_to_nothing_met_before_or_withdrawn(lines: duckdb.DuckDBPyConnection) -> None:
    log = read_log(lines, SHOP, newest(lines), active_days=90)
    visits = all_visits(lines)
    users, sessions = visits.newest_of_users()
    model = SequentialRules().fit(visits.steps)
    shelf = Shelf.of(log.items)
    closed = dataclasses.replace(shelf, open=np.arange(len(shelf.ids)) % 5 > 0)
    found = visit_lists(model, visits, log.interactions, users, sessions, closed)
    assert len(found.row) and closed.open[found.column].all() and found.rank.max() <= DEPTH
    assert not np.asarray(log.interactions.matrix[found.row, found.column]).any()
