"""What the contest of recommenders found, as rows of ``ml.evaluation``."""

from __future__ import annotations

from ml.evaluation.results import Measured, Subject
from ml.recommend.training import JUDGED_K, ROUTER, Contest
from ml.recommend.tuning import FUSION


def evaluation_rows(found: Contest, shop: Subject) -> list[Measured]:
    """Rows of ``ml.evaluation``: on all cuts the mean nDCG of every member and of the fusion; on the newest cut every
    figure of the members that :func:`contest` reports. ``shop`` says all but the model."""

    def of(model: str) -> Subject:
        return Subject(shop.capability, shop.shop_id, shop.as_of, model, shop.seed, shop.model_version)

    n = len(found.selection.users)
    rows = []
    for name, values in found.selection.per_user.items():
        detail: dict[str, object] = {"chosen": name == found.verdict.winner, "baseline": name in found.baselines}
        rows.append(Measured(of(name), "mean_ndcg_of_cuts", float(values.mean()), n, detail))
    for name, report in found.reports.items():
        rows += report.rows(of(name))
    taken = {"members": dict(found.selection.taken)}
    rows.append(Measured(of(FUSION), "members", float(len(found.selection.taken)), n, taken))
    told = {"users_of_few_items": found.few.winner, "others": found.verdict.winner, "reason": found.few.reason}
    rows.append(Measured(of(ROUTER), f"ndcg@{JUDGED_K}", found.routed, found.n_few, told))
    rows.append(Measured(of(ROUTER), "users_of_few_items", float(found.n_few), found.n_few, told))
    if found.newcomers is not None:
        for name, figure in found.newcomers.ndcg.items():
            detail = {"chosen": name == found.newcomers.winner, "baseline": True}
            rows.append(Measured(of(name), f"ndcg@{JUDGED_K}/stranger", figure, found.newcomers.n, detail))
    return [*rows, *found.second_look.rows(shop)]
