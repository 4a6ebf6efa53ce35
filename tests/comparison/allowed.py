"""The one list of differences that are meant; whatever is not on it fails the comparison.

An entry says where (a pattern, see `paths`), what kind of change, which point of the issue asks for it, and why. An
entry that matches nothing fails too, so that none outlives its change. For example:

    Allowed("artifacts > versions/*/manifest.json > * > json > warm_start", "removed", "1.7", "no state goes on")
    Allowed("table > MODEL#* LATEST#traffic", "renamed", "1.2", "state is no verdict", to="MODEL#{0} STATE#traffic")
"""

from __future__ import annotations

from tests.comparison.differences import Allowed

READER = "what counting refuses is not exported either"
REASON = "why a table is classification or regression is no warning, and has a field of its own"
KEPT = "loop state is no verdict, and has its own name"
DRAWN = (
    "moto draws ids of requests and of object versions from one stream of random numbers, seeded when a capture object "
    "arrives; the ticks shadow/look and change/look store loop state without a history, four PutItem calls fewer "
    "before erase/whole rewrites its capture object: the new version has another id, which the index names"
)
STATE = "no fit goes on from a champion's fitted state any more"
LABELS = "labels are counted by what is wrong with them, and whoever sends them is told"
FIRST = "a tick judges rollouts first, by the labels of the tick before, and asks the rest of who serves then"
BAKED = "2025-03-04T12:59:00.000Z"  # the tick that promotes haze's challenger

AUDITED = "who is given an upload link is written to the audit log, so later entries of the page have other places"
DERIVED = (
    "a derived table writes cells as they are, also those that mean missing: the one of penguins has another digest, "
    "and what is drawn for its run follows from that"
)
FOUNDED = "a split keeps by which rule and which missing tokens its rows were divided, and whether they are copies"
UNSEEN = "an answer tells how many rows have a category that the model has not learned"
NAMED = "the stories name what meant missing by default when the recording was made"
COUNTED = "columns are looked for before rows are counted"
FLOORED = "a regression none of whose targets is negative has the floor of its answers in its bundle"
COUNTS = "a target of counts is tried as Poisson, too"
CHOSEN = "a run keeps how it chose, and the scores on the folds that a draw must be better on"
FOLDED = (
    "the report's folds are those of the search: equal rows are in one fold, and rows in time are held after older "
    "ones, which leaves no folds where the oldest have not every class"
)
UNLUCKY = "the draw that won on one validation part is not surely better than the default settings, which serve now"
JOINT = "rows are counted by pairs of columns too, and verdicts tell which pairs go together otherwise"
ESTIMATED = "an estimate says what it cannot see, and regressions have one"
FAIR = "explanations may be SHAP values, too"
CENTRED = "a linear form keeps what each slot adds in the mean, for SHAP values; so the bundle has another digest"
ENDED = "prediction intervals end where the target ends; the manifest says how often they held"
LEARNED = "the manifest says whether more rows would help"
SEASON = "a season is only what came back, and what is allowed for beside it has a bound"
RETRAINED = "01956dfe-57a0-*"  # the run of penguins on a derived table

TRIED = "who is on trial stands in the pointer, and is overwritten in its copy when the trial is over"
DECIDED = "the gate says in other words and further checks what it compared; its word is the recording's in the stories"
ONCE = "the hash that put a row on its side is kept, so that rows of two holdouts count once"


def _other_digests(point: str, why: str, *places: str) -> list[Allowed]:
    """Return what changes where a file is named with its size and digest."""
    return [Allowed(f"{place} > {name}", "changed", point, why) for place in places for name in ("bytes", "sha256")]


ALLOWED: tuple[Allowed, ...] = (
    Allowed("table > MODELS MODEL#* > trial", "added", "3.7", TRIED),
    Allowed("artifacts > prepared/*/identities.npy", "added", "3.7", ONCE),
    Allowed("artifacts > prepared/*/table.json > ** > identities.npy", "added", "3.7", ONCE),
    Allowed("artifacts > versions/*/anchor.npz > **", "changed", "3.7", ONCE),
    Allowed("** > files > anchor.npz > *", "changed", "3.7", ONCE),
    *(Allowed(f"results > erase/{step}/printed > removed", "changed", "3.7", ONCE) for step in ("row", "rehearsed")),
    Allowed("** > gate > checks > **", "added", "3.7", DECIDED),
    Allowed("** > gate > checks > **", "changed", "3.7", DECIDED),
    Allowed("** > gate > comparisons > **", "added", "3.7", DECIDED),
    Allowed("** > gate > reasons > **", "changed", "3.7", DECIDED),
    Allowed("table > MODEL#diabetes AUDIT#* > detail > reasons > **", "changed", "3.7", DECIDED),
    Allowed("artifacts > versions/nests/* > ** > baseline > ** > hours", "removed", "3.9", SEASON),
    Allowed("artifacts > versions/nests/* > ** > baseline > ** > season", "changed", "3.9", SEASON),
    Allowed("artifacts > versions/nests/* > ** > baseline > ** > season_shift", "changed", "3.9", SEASON),
    Allowed("artifacts > versions/nests/* > ** > baseline > season", "added", "3.9", SEASON),
    Allowed('answers > ** > modelloop_drift_threshold{model_name="nests",*}', "changed", "3.9", SEASON),
    Allowed("table > MODEL#nests *drift* > document > season", "added", "3.9", SEASON),
    Allowed("table > MODEL#nests *drift* > document > **", "changed", "3.9", SEASON),
    *(
        Allowed(
            "table > MODEL#nests *drift* > document > columns > * > bins > **", change, "3.9", f"{SEASON}; worst first"
        )
        for change in ("added", "removed")
    ),
    Allowed("** > warm_start", "removed", "1.7", STATE),
    Allowed("** > split > fitted_until", "removed", "1.7", f"{STATE}, and only that asked for it"),
    Allowed("** > environment > families", "removed", "1.7", f"{STATE}, and only that asked for it"),
    Allowed("** > started_from", "added", "1.7", "the version whose settings were tried first, so far in warm_start"),
    Allowed(
        "artifacts > prepared/*/trials.json > ** > cold", "removed", "1.7", f"{STATE}, so there is no reason why not"
    ),
    Allowed(
        "exports > captures/penguins/1/2025/03/05/17/06f392279080360e.jsonl",
        "removed",
        "1.3",
        f"{READER}: these predictions have a cell of a wrong kind, and no latency",
    ),
    Allowed(
        "exports > captures/_ground_truth/penguins/2025/03/05/18/06f392279080360e.jsonl > 1",
        "removed",
        "1.3",
        f"{READER}: this label is of row -1",
    ),
    Allowed(
        "exports > captures/_ground_truth/penguins/2025/03/05/18/06f392279080360e.jsonl > 0 > eventMetadata > eventId",
        "changed",
        "1.3",
        f"{READER}: the label of row -1 came first",
    ),
    *(
        Allowed(f"results > export/captures/printed > {name}", "changed", "1.3", READER)
        for name in ("files", "labels", "rows")
    ),
    Allowed("answers > query/runs* > ** > task_reason", "added", "1.6", REASON),
    Allowed("table > MODEL#* RUN#* > task_reason", "added", "1.6", REASON),
    Allowed("answers > query/runs* > ** > warnings > 0", "removed", "1.6", REASON),
    Allowed("table > MODEL#* RUN#* > warnings > 0", "removed", "1.6", REASON),
    Allowed("table > MODEL#nests RUN#* > warnings > 0", "changed", "1.6", f"{REASON}; one warning is left"),
    Allowed("sent > ** > requested_by", "removed", "1.2", "who asked stands in the audit log; nobody read it here"),
    Allowed("table > MODEL#* LATEST#traffic", "renamed", "1.2", KEPT, to="MODEL#{0} STATE#traffic"),
    Allowed("table > MODEL#* VERDICT#traffic#*", "removed", "1.2", f"{KEPT}, and nobody read its history"),
    Allowed("table > MODEL#* LATEST#activity", "renamed", "1.2", KEPT, to="MODEL#{0} STATE#activity"),
    Allowed("table > MODEL#* VERDICT#activity#*", "removed", "1.2", f"{KEPT}, and nobody read its history"),
    Allowed("table > MODEL#* LATEST#alerts", "renamed", "1.2", KEPT, to="MODEL#{0} STATE#alerts"),
    Allowed("table > MODEL#* VERDICT#alerts#*", "removed", "1.2", f"{KEPT}, and nobody read its history"),
    Allowed("table > MODEL#* LATEST#retrain", "renamed", "1.2", KEPT, to="MODEL#{0} STATE#retrain"),
    Allowed("table > MODEL#* VERDICT#retrain#*", "removed", "1.2", f"{KEPT}, and nobody read its history"),
    Allowed("table > MODEL#* LATEST#rollout", "renamed", "1.2", KEPT, to="MODEL#{0} STATE#rollout"),
    Allowed("table > MODEL#* VERDICT#rollout#*", "removed", "1.2", f"{KEPT}, and nobody read its history"),
    Allowed("artifacts > index/penguins/* > ** > version_id", "changed", "1.2", DRAWN),
    Allowed("artifacts > index/penguins/* > ** > sha256", "changed", "1.2", DRAWN),
    Allowed("** > plan > runs_on", "removed", "1.7", "nothing in production read it"),
    *(
        Allowed(f"{place} > {name}", "added", "2.2", LABELS)
        for place in (
            "answers > ** > json > labels",
            "table > MODEL#* LATEST#quality > document > labels",
            "table > MODEL#* VERDICT#quality#* > document > labels",
        )
        for name in ("new_class", "other_model", "unreadable")
    ),
    Allowed("answers > ** > json > versions > * > unreadable_labels", "added", "2.2", LABELS),
    Allowed("table > MODEL#* LATEST#quality > document > versions > * > unreadable_labels", "added", "2.2", LABELS),
    Allowed("table > MODEL#* VERDICT#quality#* > document > versions > * > unreadable_labels", "added", "2.2", LABELS),
    *(
        Allowed(f"answers > ** > json > {name}", "added", "2.2", LABELS)
        for name in ("examples", "new_class", "unreadable")
    ),
    Allowed("answers > ** > components > schemas > Accepted > **", "added", "2.2", LABELS),
    Allowed('answers > ** > modelloop_labels{*,state="new_class"}', "added", "2.2", LABELS),
    Allowed('answers > ** > modelloop_labels{*,state="unreadable"}', "added", "2.2", LABELS),
    Allowed('answers > ** > modelloop_labels{*,state="other_model"}', "added", "2.2", LABELS),
    Allowed('answers > ** > modelloop_quarantined_lines_total{*,reason="outside_retention"}', "added", "2.4", LABELS),
    Allowed("results > ** > unusable_labels", "added", "2.2", LABELS),
    Allowed("metrics > ** > UnusableLabelShare", "added", "2.2", LABELS),
    Allowed("metrics > ** > CloudWatchMetrics > 0 > Metrics > 3", "added", "2.2", f"{LABELS}: UnusableLabelShare"),
    Allowed("answers > ** > json > judge > labels_until", "added", "2.4", FIRST),
    Allowed("table > MODEL#* LATEST#judge > document > labels_until", "added", "2.4", FIRST),
    Allowed("table > MODEL#* VERDICT#judge#* > document > labels_until", "added", "2.4", FIRST),
    *(
        Allowed(f"{judge} > judged > ** > outcome", "changed", "2.4", f"{FIRST}; answers are paired at a tick, too")
        for judge in (
            "answers > ** > json > judge",
            "table > MODEL#* LATEST#judge > document",
            "table > MODEL#* VERDICT#judge#* > document",
        )
    ),
    *(
        Allowed(f"table > MODEL#haze VERDICT#{kind}#{BAKED} > document > **", change, "2.4", FIRST)
        for kind in ("drift", "quality")
        for change in ("added", "removed", "changed")
    ),
    *(
        Allowed(f"results > haze/baking/verdict > judged > haze > {name}", "changed", "2.4", FIRST)
        for name in ("drift", "quality", "retrain")
    ),
    Allowed("sent > haze/baking > events > *", "added", "2.4", FIRST),
    Allowed("sent > haze/judged", "removed", "2.4", FIRST),
    Allowed("table > MODEL#haze STATE#retrain > **", "changed", "2.4", FIRST),
    Allowed("table > MODEL#penguins AUDIT#*", "added", "2.13", AUDITED),
    *(
        Allowed(f"answers > {asked} > json > audit > **", "added", "2.13", AUDITED)
        for asked in ("end/audit", "query/audit", "query/page")
    ),
    *(
        Allowed(f"answers > {asked} > json > audit > **", "changed", "2.13", AUDITED)
        for asked in ("end/audit", "query/audit", "query/next-page", "query/page")
    ),
    *(
        Allowed(f"answers > {asked} > json > audit > **", "removed", "2.13", AUDITED)
        for asked in ("end/audit", "query/audit", "query/next-page", "query/page")
    ),
    *(
        Allowed(f"answers > {asked} > json > next", "changed", "2.13", AUDITED)
        for asked in ("query/next-page", "query/page")
    ),
    *(
        Allowed(f"** > split > {name}", "added", "2.7", FOUNDED)
        for name in ("version", "missing", "copies", "different")
    ),
    Allowed("** > spec_lines > missing", "added", "2.7", NAMED),
    *(
        Allowed(f"{place} > **", "changed", "2.7", DERIVED)
        for place in (
            f"artifacts > versions/penguins/{RETRAINED}",
            f"artifacts > prepared/penguins/{RETRAINED}",
            f"table > MODEL#penguins RUN#{RETRAINED}",
            "table > MODEL#penguins VERSION#00000003",
            "answers > query/runs > json > runs > 0",
            "answers > query/versions > json > versions > 0",
            "sent > shadow/retrain/training",
        )
    ),
    Allowed("artifacts > derived/penguins/*", "added", "2.7", DERIVED),
    Allowed("artifacts > derived/penguins/*", "removed", "2.7", DERIVED),
    Allowed("table > MODEL#penguins RUNKEY#*", "added", "2.7", DERIVED),
    Allowed("table > MODEL#penguins RUNKEY#*", "removed", "2.7", DERIVED),
    Allowed("table > MODEL#refused RUN#* > spec_digest", "changed", "2.7", NAMED),
    Allowed("table > MODEL#refused RUNKEY#*", "added", "2.7", NAMED),
    Allowed("table > MODEL#refused RUNKEY#*", "removed", "2.7", NAMED),
    Allowed("answers > ask/strange-cells > json > parameters", "added", "2.8", UNSEEN),
    Allowed("answers > ** > InferResponse > properties > parameters > properties", "added", "2.8", UNSEEN),
    Allowed("answers > ** > InvocationResponse > properties > parameters", "added", "2.8", UNSEEN),
    Allowed("metrics > * > ** > Rows", "removed", "2.11", COUNTED),
    Allowed("metrics > * > ** > Metrics > 2 > Name", "changed", "2.11", COUNTED),
    Allowed("metrics > * > ** > Metrics > 3", "removed", "2.11", COUNTED),
    Allowed("artifacts > prepared/diabetes/*/trials.json > ** > trials > 2", "added", "3.4", COUNTS),
    Allowed("artifacts > versions/diabetes/*/manifest.json > ** > trials > 2", "added", "3.4", COUNTS),
    Allowed("artifacts > versions/diabetes/*/model.flat.json > ** > floor", "added", "3.4", FLOORED),
    Allowed("artifacts > versions/diabetes/*/model.flat.json > ** > sha256", "changed", "3.4", FLOORED),
    *_other_digests(
        "3.4",
        FLOORED,
        "answers > diabetes/approve > json > serving > *",
        "artifacts > serving/diabetes.json > ** > champion",
        "artifacts > serving/diabetes.json > ** > shadow",
        "artifacts > versions/diabetes/*/manifest.json > ** > files > model.flat.json",
        "sent > diabetes/* > calls > **",
        "table > MODEL#diabetes VERSION#* > bundle",
        "table > MODELS MODEL#diabetes > champion",
    ),
    Allowed("** > selection", "added", "3.1", CHOSEN),
    Allowed("** > trials > * > folds", "added", "3.1", CHOSEN),
    Allowed("answers > ** > cross_validation > **", "changed", "3.3", FOLDED),
    Allowed("artifacts > versions/*/manifest.json > ** > cross_validation > **", "changed", "3.3", FOLDED),
    Allowed("artifacts > versions/tumours/*/manifest.json > ** > positive > bins > *", "added", "3.1", UNLUCKY),
    Allowed("artifacts > versions/tumours/*/manifest.json > ** > settings > C", "removed", "3.1", UNLUCKY),
    *(
        Allowed(f"{place} > **", "changed", "3.1", UNLUCKY)
        for place in (
            "answers > tumours/* > json > explanations",
            "artifacts > index/tumours/*",
            "artifacts > prepared/tumours/*/replay-expected.npy",
            "artifacts > serving/tumours.json",
            "artifacts > summaries/tumours/*",
            "artifacts > versions/tumours/*",
            "captures > tumours/* > 0 > proba",
            "captures-stored > captures/2025/03/05/17/tumours-captures.gz",
            "sent > tumours/training > calls",
            "table > MODEL#tumours RUN#* > gate > comparisons",
            "table > MODEL#tumours RUN#* > metrics > holdout",
            "table > MODEL#tumours VERSION#* > bundle",
            "table > MODEL#tumours VERSION#* > metrics",
            "table > MODELS MODEL#tumours > champion",
        )
    ),
    Allowed("artifacts > versions/*/manifest.json > ** > baseline > pairs", "added", "3.11", JOINT),
    Allowed("answers > ** > baseline > pairs", "added", "3.11", JOINT),
    Allowed("artifacts > summaries/* > ** > tallies > pairs", "added", "3.11", JOINT),
    Allowed("artifacts > summaries/* > ** > sha256", "changed", "3.11", JOINT),
    Allowed("answers > ** > json > joint", "added", "3.11", JOINT),
    Allowed("answers > ** > history > * > joint", "added", "3.11", JOINT),
    Allowed("answers > ** > modelloop_drift_pairs", "added", "3.11", JOINT),
    Allowed("table > MODEL#* LATEST#drift > document > joint", "added", "3.11", JOINT),
    Allowed("table > MODEL#* VERDICT#drift#* > document > joint", "added", "3.11", JOINT),
    Allowed("artifacts > versions/diabetes/*/manifest.json > ** > errors", "added", "3.12", ESTIMATED),
    Allowed("answers > ** > estimate > cannot_see", "added", "3.12", ESTIMATED),
    Allowed("table > MODEL#* LATEST#quality > document > estimate > cannot_see", "added", "3.12", ESTIMATED),
    Allowed("table > MODEL#* VERDICT#quality#* > document > estimate > cannot_see", "added", "3.12", ESTIMATED),
    *(
        Allowed(f"table > MODEL#diabetes {kept} > document > estimate > **", change, "3.12", ESTIMATED)
        for kept in ("LATEST#quality", "VERDICT#quality#*")
        for change in ("added", "changed")
    ),
    Allowed("answers > ** > properties > explain > enum", "added", "3.14", FAIR),
    Allowed("answers > ** > properties > explain > type", "removed", "3.14", FAIR),
    Allowed("artifacts > versions/*/model.flat.json > ** > flat > centres", "added", "3.14", CENTRED),
    Allowed("artifacts > versions/*/model.flat.json > * > sha256", "changed", "3.14", CENTRED),
    *_other_digests(
        "3.14",
        CENTRED,
        "answers > ** > serving > champion",
        "answers > ** > serving > challenger",
        "answers > ** > serving > previous",
        "answers > ** > serving > shadow",
        "answers > ** > serving > pins > *",
        "answers > ** > bundle",
        "answers > ** > files > model.flat.json",
        "artifacts > serving/*.json > **",
        "artifacts > versions/*/manifest.json > ** > files > model.flat.json",
        "sent > */training > calls > ** > *",
        "table > MODEL#* VERSION#* > bundle",
        "table > MODELS MODEL#* > champion",
    ),
    Allowed("artifacts > versions/diabetes/*/model.flat.json > ** > interval > low", "added", "3.13", ENDED),
    Allowed("artifacts > versions/diabetes/*/model.flat.json > ** > interval > high", "added", "3.13", ENDED),
    Allowed("artifacts > versions/diabetes/*/manifest.json > ** > intervals", "added", "3.13", ENDED),
    Allowed("answers > diabetes/interval > json > intervals > **", "changed", "3.13", ENDED),
    Allowed("artifacts > versions/*/manifest.json > ** > learning_curve", "added", "3.15", LEARNED),
    Allowed("answers > ** > learning_curve", "added", "3.15", LEARNED),
)

__all__ = ["ALLOWED", "Allowed"]
