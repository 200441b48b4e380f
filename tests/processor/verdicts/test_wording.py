"""Words: reasons, for people."""

from typing import get_args

import pytest

from driftline_processor.verdicts import wording
from driftline_processor.verdicts.reasons import (
    Bound,
    ConstantMembers,
    DetectionLimit,
    ExplainedByBlock,
    ExplainedByMembers,
    InSeason,
    LooksLike,
    ManyCategories,
    ManyColumns,
    MayBeSeason,
    Moved,
    Multiplied,
    NeverSeen,
    NoRows,
    OutcomesMoved,
    Reason,
    Recovered,
    Region,
    Repeated,
    Stated,
    StillOpen,
    Widened,
)
from driftline_processor.verdicts.wording import sentence

NO_TIMES = "training data with a time column would tell the two apart at once"
COARSE = "training data in finer stretches of time would tell the two apart at once"


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Moved(Region.ABOVE, 0.2, 0.35, low=Bound(3.2071, 2)), "share above 3.2: 20% → 35%"),
        (Moved(Region.HIGHER_RANK, 0.5, 0.76), "higher than in training in 76 of 100 comparisons"),
        (Moved(Region.CATEGORY, 0.3, 0.4, name="a"), "share of 'a': 30% → 40%"),
        (Moved(Region.CATEGORY, 0.3, 0.4, name="True"), "share of true: 30% → 40%"),
        (Moved(Region.STATE, 0.0, 0.1, name="non_finite"), "non finite: 0% → 10%"),
        (
            Moved(Region.SAME_SIDE, 0.5, 0.7, members=("a", "b")),
            "a and b: on the same side of their medians: 50% → 70%",
        ),
        (NeverSeen(0.004, ("a", "b")), "values never seen in training: 0.4% (a, b)"),
        (NeverSeen(0.5, ("a", "b", "c"), 2), "values never seen in training: 50% (a, b, c and 2 more)"),
        (NeverSeen(0.5), "values never seen in training: 50%"),
        (NeverSeen(0.5, low=1.0, high=2.5), "values never seen in training: 50% (1 to 2.5)"),
        (ManyCategories(0.12), "many categories moved a little: 12% of the rows in all"),
        (NoRows(), "no rows"),
        (DetectionLimit(0.2, 100), "a move of less than 20% of the rows may go unseen"),
        (
            DetectionLimit(1.0, 10),
            "a move of less than 100% of the rows may go unseen, as the training data has 10 time chunks",
        ),
        (Widened(0.05, 0.16, hours=33.0), "5% asked, 16% tolerated: 33 hours of training know no day"),
        (Widened(0.05, 0.16, rows=412.0), "5% asked, 16% tolerated: 412 effective rows"),
        (ConstantMembers(("a",)), "no data: a is constant, as far as sketches tell"),
        (ConstantMembers(("a", "b")), "no data: a and b are constant, as far as sketches tell"),
        (Multiplied(2.0), "rare in training: twice or half of its share is enough"),
        (Widened(0.05, 0.16), "5% asked, 16% tolerated: the training data itself varies as much"),
        (InSeason("time of day", 0.3), "as in training at this time of day: 30%"),
        (
            MayBeSeason(0.1, 0.1, 3.0, timed=True),
            f"no more than it swings with the time of day or of week (10%); {COARSE}",
        ),
        (
            MayBeSeason(0.2, 0.1, 0.5, timed=False),
            f"what the time of day does is not known before 24 hours were seen; {NO_TIMES}",
        ),
        (
            MayBeSeason(0.2, 0.1, 3.0, timed=False),
            f"what the day of the week does is not known before nine days were seen; {NO_TIMES}",
        ),
        (StillOpen(0), "alarm still open"),
        (StillOpen(1_739_613_600 * 10**9), "alarm still open since 2025-02-15 10:00 UTC"),
        (Recovered(), "the last window by itself is healthy"),
        (ExplainedByMembers(("a", "b")), "as a and b moved"),
        (
            Repeated(25.3, 1.0, 1500.0, 60.0),
            "each row comes 25 times on average, once in training: 1,500 rows tell as much as 60",
        ),
        (
            Repeated(3.04, 1.5, 1500.0, 490.0),
            "each row comes 3.0 times on average, 1.5 times in training: 1,500 rows tell as much as 490",
        ),
        (Repeated(90.0, 1.0, 1000.0, 11.0, most=0.3), "one row is 30% of all: 1,000 rows tell as much as 11"),
        (
            LooksLike("ldl", "factor", factor=0.0259, units="mg/dL → mmol/L"),
            "looks like `ldl` × 0.0259: mg/dL → mmol/L?",
        ),
        (LooksLike("t", "factor", factor=1.8, offset=32.0, units="°C → °F"), "looks like `t` × 1.8 + 32: °C → °F?"),
        (LooksLike("a", "swapped", other="b"), "looks like `b` in training: swapped?"),
        (
            LooksLike("a", "default", value=-1.0, share=0.25, missing=True),
            "looks like a default: -1 in 25% of the rows in place of missing values",
        ),
        (LooksLike("c", "encoding", other="case"), "looks like the categories of training with other case"),
        (ExplainedByBlock("emb"), "as emb moved"),
        (
            OutcomesMoved("label", 0.2, 0.3, "yes", 0.5),
            "share of label 'yes' at scores from 0.5: 20% expected → 30%",
        ),
        (
            OutcomesMoved("wrong", 0.06, 0.12, selection=True),
            "rows predicted wrong: 6% expected → 12%, or which rows get labels has changed",
        ),
        (
            OutcomesMoved("bias", 0.0, 1.25),
            "mean error given the prediction: 0 → 1.25 standard deviations",
        ),
        (
            ManyColumns(97, 128, 0.08, ("emb_3", "emb_7")),
            "97 of 128 columns moved together, by about 8% of the rows each; emb_3, emb_7 most",
        ),
        (ManyColumns(30, 30, 0.08), "30 columns moved together, by about 8% of the rows each"),
        (Stated("share above 3: 20% → 40%"), "share above 3: 20% → 40%"),
    ],
)
def test_each_reason_has_its_clause(reason: Reason, text: str) -> None:
    """Percentages with two digits, numbers with as many as tell them apart."""
    assert sentence((reason,)) == text


def test_a_sentence_has_a_clause_for_every_reason() -> None:
    """In their order; without reasons there is nothing to say."""
    assert sentence((NoRows(), Recovered())) == "no rows; the last window by itself is healthy"
    assert sentence(()) == ""


def test_every_kind_of_reason_has_words() -> None:
    """A new kind without words would fail in production."""
    assert set(wording._CLAUSES) == set(get_args(Reason))
    assert set(wording._SHARES) == set(Region)
