from __future__ import annotations

import json

import pytest

from modelloop.errors import SpecError
from modelloop.spec import checks
from modelloop.spec.model import Spec, parse_spec, spec_from_json
from modelloop.spec.sections import Promotion, Search, section_to_json
from modelloop.tables.grammar import MISSING_TOKENS

FULL = """\
target: species
task: classification
ignore: [id]
group_column: colony
estimators: [linear, sklearn.naive_bayes.GaussianNB]
params: {linear: {C: 0.5}}
search: {trials: 20, seconds: 60}
metric: log_loss
holdout: 0.25
threshold: 0.4
rare_classes: merge
promotion: {policy: manual, canary_percent: 5}
monitoring: {min_rows: 200, label_delay_hours: 0}
retrain: {on_drift: false}
protected: [sex]
mask: [name]
missing: ["?", "-"]
"""


def test_every_key_is_read_and_sections_keep_their_other_defaults() -> None:
    spec = parse_spec(FULL)
    assert (spec.target, spec.task, spec.holdout, spec.threshold) == ("species", "classification", 0.25, 0.4)
    assert spec.estimators == ("linear", "sklearn.naive_bayes.GaussianNB")
    assert spec.promotion == Promotion("manual", canary_percent=5, bake_minutes=60, margin=0.01)
    assert spec.search == Search(trials=20, seconds=60)
    assert section_to_json(spec.monitoring) == {"capture_percent": 100, "min_rows": 200, "label_delay_hours": 0}
    assert section_to_json(spec.retrain) == {"on_drift": False, "cooldown_hours": 24, "max_per_day": 1}
    assert spec.listed_missing == ("-", "?")
    assert set(spec.missing) == {"-", "?", *MISSING_TOKENS}


def test_only_replaces_the_default_tokens() -> None:
    assert parse_spec('missing: {only: ["-", "?"]}\n').missing == ("-", "?")
    with pytest.raises(SpecError, match="at most 100 texts"):
        parse_spec(f"missing: {[str(i) for i in range(101)]}\n")


@pytest.mark.parametrize("text", [FULL, "", "# nothing\n", "target: y\n"])
def test_stored_form_reads_back_as_the_same_spec(text: str) -> None:
    spec = parse_spec(text)
    again = spec_from_json(json.loads(json.dumps(spec.to_json())))
    assert again == spec
    assert again.digest == spec.digest


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("pinball_0.90", "pinball_0.9"), ("pinball_0.5", "mae"), ("tweedie_deviance_1", "poisson_deviance"),
        ("tweedie_deviance_1.50", "tweedie_deviance_1.5"), ("deviance", "deviance"), ("r2", "r2"), ("f1", "f1"),
    ],
)  # fmt: skip
def test_a_metric_has_one_name(written: str, read: str) -> None:
    assert parse_spec(f"metric: {written}\n").metric == read


@pytest.mark.parametrize(("spec", "task", "classes", "says"), [
    ("metric: f1", "regression", 0, "f1 is not a metric of regression"),
    ("metric: deviance", "classification", 2, "deviance is not a metric of classification"),
    ("threshold: 0.3", "classification", 3, "the target has 3 classes"),
    ("threshold: 0.3", "regression", 0, "the target has numbers"),
])  # fmt: skip
def test_what_does_not_fit_the_task_that_was_found_is_refused(spec: str, task: str, classes: int, says: str) -> None:
    with pytest.raises(SpecError, match=says) as caught:
        parse_spec(f"\n{spec}\n").check_task(task, classes)
    assert caught.value.row == 2
    parse_spec("metric: f1\nthreshold: 0.3\n").check_task("classification", 2)
    parse_spec("metric: mae\n").check_task("regression", 0)


def test_digest_is_of_what_was_asked_not_of_how_it_was_written() -> None:
    assert parse_spec("target: y\nholdout: 0.2\n").digest == parse_spec("# why\nholdout: 0.2\ntarget: 'y'").digest
    assert parse_spec("").digest == Spec().digest
    assert parse_spec("target: y").digest != parse_spec("target: z").digest


def test_blends_can_be_ruled_out_and_are_no_part_of_specs_that_do_not() -> None:
    off = parse_spec("search: {blend: false}\n")
    assert (off.search.blend, off.search.is_asked) == (False, False)
    assert spec_from_json(off.to_json()) == off
    assert parse_spec("search: {blend: true}\n").digest == Spec().digest != off.digest
    assert Spec().to_json()["search"] == {}
    with pytest.raises(SpecError, match=r"`search\.blend` must be true or false"):
        parse_spec("search: {blend: 1}\n")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (
            "target: y\nestimator: x\n",
            2,
            "unknown key `estimator`, did you mean `estimators`? the keys are target",
        ),
        ("promotion:\n  policy: auto\n  canary: 3\n", 3, "unknown key `promotion.canary`"),
        ("target: y\ntarget: z\n", 2, "`target` is given twice"),
        ("target: 5\n", 1, "`target` must be text; put it in quotes"),
        ("target: no\n", 1, "`target` must be text"),
        ("\nholdout: 0.9\n", 2, "`holdout` must be a number from 0.05 to 0.5"),
        ("holdout: true\n", 1, "`holdout` must be a number"),
        ("holdout: .nan\n", 1, "`holdout` must be a number"),
        ("target: y\nwarm_start: true\n", 2, "unknown key `warm_start`"),
        ("target: y\nretrain: {on_drift: sometimes}\n", 2, "`retrain.on_drift` must be true or false"),
        ("search: {trials: 1.5}\n", 1, "`search.trials` must be a whole number from 1 to 1000"),
        ("search: 5\n", 1, "`search` must be a mapping"),
        ("promotion: {policy: yolo}\n", 1, "`promotion.policy` must be one of auto, manual, shadow"),
        ("ignore: [a, 1]\n", 1, "`ignore` must be text"),
        ("ignore: [a, a]\n", 1, "`ignore` must be a list without repetitions"),
        ("missing: [null]\n", 1, "`missing` must be a list of texts, which adds to the defaults"),
        ("estimators: [os.system]\n", 1, "'os.system' is neither"),
        ("estimators: [sklearn.os.system]\n", 1, "is neither"),
        ("estimators:\n- linear\n- sklearn..SVC\n", 2, "is neither"),
        ("params: {linear: {C: [1]}}\n", 1, "`params` must be made of plain parameters"),
        ("params: {os.system: {command: ls}}\n", 1, "is neither"),
        ("time_column: t\ngroup_column: g\n", 2, "give time_column or group_column, not both"),
        ("target: y\nignore: [y]\n", 2, "the target cannot be ignored"),
        ("target: y\nfeatures: [y]\n", 2, "the target cannot be a feature"),
        ("features: [a]\nignore: [a]\n", 2, "a column is in both"),
        (
            "task: regression\nthreshold: 0.5\n",
            2,
            "a threshold decides between two classes, and the target has numbers",
        ),
        ("task: classification\nclasses: [1, 2, 3]\nthreshold: 0.5\n", 3, "the target has 3 classes"),
        ("task: regression\nmetric: f1\n", 2, "f1 is not a metric of regression"),
        ("task: classification\nmetric: rmse\n", 2, "rmse is not a metric of classification"),
        ("task: classification\nmetric: pinball_0.9\n", 2, "pinball_0.9 is not a metric of classification"),
        ("metric: pinball_1\n", 1, "`metric` must be one of log_loss"),
        ("metric: pinball_Q\n", 1, "with a power P of 1 or more (such as 1.5) and a quantile Q"),
        ("metric: tweedie_deviance_0.5\n", 1, "`metric` must be one of log_loss"),
        ("metric: [rmse]\n", 1, "`metric` must be one of log_loss"),
        ("\ntime_column: a\nignore: [a]\n", 3, "the column that orders the rows is no feature: remove it"),
        ("\ngroup_column: a\nignore: [a]\n", 3, "the column that groups the rows is no feature: remove it"),
        (
            "params: {random_forest: {n_estimators: 5}}\n",
            1,
            "for random_forest, which is not in `estimators`",
        ),
        ("estimators: [svm]\nparams: {linear: {C: 5}}\n", 2, "parameters for linear, which is not in `estimators`"),
        (
            "task: regression\nestimators: [sklearn.linear_model.LogisticRegression]\n",
            2,
            "not an estimator for regr",
        ),
        ("metric: r2\nestimators: [sklearn.ensemble.BaggingClassifier]\n", 2, "is not an estimator for regression"),
        ("task: classification\nestimators: [sklearn.linear_model.Ridge]\n", 2, "not an estimator for classification"),
        ("threshold: 0.4\nmetric: rmse\n", 1, "the target has numbers"),
        ("metric: rmse\nclasses: [a, b]\n", 2, "classes are for classification"),
        ("promotion:\n  canary_percent: 0\n", 2, "a challenger without requests is never judged"),
        ("classes: [yes, no]\n", 1, 'put words such as "yes" and "no" in quotes'),
        ("classes: [a, b, a]\n", 1, "`classes` must be a list without repetitions"),
        ('classes: [1, "1"]\n', 1, "`classes` must be a list without repetitions"),
        ("targt: y\n", 1, "unknown key `targt`, did you mean `target`?"),
        ("- a\n- b\n", 1, "model.yaml must be a mapping"),
        ("target: [\n", 2, "is not YAML"),
        ("a: b: c\n", 1, "is not YAML"),
        ("target: !!python/object/apply:os.system ['ls']\n", 1, "is not YAML"),
        ("? [a]\n: b\n", 1, "unknown key"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_its_line(text: str, line: int, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(text)
    assert says in caught.value.message
    assert f"line {line}" in caught.value.message
    assert caught.value.row == line


def test_spec_that_is_too_long_or_too_deep_is_refused() -> None:
    with pytest.raises(SpecError, match="longer than"):
        parse_spec("#" * 70_000)
    with pytest.raises(SpecError, match="nested too deeply"):
        parse_spec("target: " + "[" * 20_000)


def test_missing_column_points_at_the_line_that_names_it() -> None:
    assert parse_spec("task: regression\n\ntarget: y\n").refuse("target", "no such column").message == (
        "model.yaml line 3: no such column"
    )


@pytest.mark.parametrize(
    "text",
    [
        "promotion: {policy: shadow, canary_percent: 0}\n",
        "params: {linear: {C: 5}}\n",
        "classes: [true, FALSE]\n",
        "classes: [1, 2.5]\n",
        'classes: ["yes", "no"]\n',
        "task: regression\nestimators: [svm, sklearn.linear_model.LassoLars, sklearn.svm.SVR]\n",
        "task: classification\nestimators: [knn, sklearn.naive_bayes.GaussianNB]\n",
    ],
)
def test_what_goes_together_is_taken(text: str) -> None:
    parse_spec(text)


@pytest.mark.parametrize("key", checks.FOR_IMPORTED)
def test_a_key_for_imported_models_is_refused_beside_a_table(key: str) -> None:
    spec = parse_spec("\n" + {"columns": "columns: [a]", "classes": "classes: [a, b]"}.get(key, "outputs: {}"))
    with pytest.raises(SpecError, match=f"line 2: `{key}` has no effect: it is for imported models"):
        checks.check_upload(spec, imported=False)
    checks.check_upload(spec, imported=True)


@pytest.mark.parametrize("line", ["estimators: [linear]", "search: {trials: 5}", "ignore: [a]", "holdout: 0.3"])
def test_a_key_for_tables_is_refused_beside_an_imported_model(line: str) -> None:
    spec = parse_spec(f"\n{line}\n")
    with pytest.raises(SpecError, match=r"line 2: .* an imported model is not fitted here"):
        checks.check_upload(spec, imported=True)
    checks.check_upload(spec, imported=False)
