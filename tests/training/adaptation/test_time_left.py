from speechlstm.training.adaptation.time_left import (
    EXPORT,
    FOLDS,
    LANGUAGE,
    RATES,
    TRAINING,
    TUNING,
    TimeLeft,
)


class Watch:
    """Tells the seconds that it was set to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_the_first_estimate_is_that_of_all_steps() -> None:
    time_left = TimeLeft({TRAINING: 6000.0, EXPORT: 1.0, TUNING: 100.0}, Watch())
    expected = 6000 * RATES[TRAINING] + RATES[EXPORT] + 100 * RATES[TUNING]
    assert time_left.begin(TRAINING) == (
        f"step 1 of 3, training: about {expected / 60:.1f} min left in all"
    )


def test_a_machine_that_is_slower_takes_longer_for_the_rest_too() -> None:
    watch = Watch()
    time_left = TimeLeft({TRAINING: 10000.0, TUNING: 1000.0}, watch)  # 400 s each
    time_left.begin(TRAINING, units=4)
    watch.seconds = 300.0  # instead of 100
    time_left.advance()
    assert 700 * 2.5 < time_left.seconds_left() < 700 * 3
    watch.seconds = 1200.0
    for _ in range(3):
        time_left.advance()
    time_left.begin(TUNING)
    assert 400 * 2.8 < time_left.seconds_left() < 400 * 3


def test_steps_that_have_been_done_count_neither_as_work_nor_as_time() -> None:
    watch = Watch()
    time_left = TimeLeft({LANGUAGE: 0, FOLDS: 0.0, TRAINING: 100.0, EXPORT: 0, TUNING: 25.0}, watch)
    assert time_left.begin(TRAINING).startswith("step 1 of 2, ")
    watch.seconds = 100 * RATES[TRAINING]
    assert time_left.begin(TUNING) == "step 2 of 2, decoder settings: about 10 s left in all"


def test_what_is_known_better_later_changes_the_estimate() -> None:
    time_left = TimeLeft({TRAINING: 8000.0, TUNING: 100.0}, Watch())
    time_left.begin(TRAINING, 4, amount=4000.0)
    assert time_left.seconds_left() == 4000 * RATES[TRAINING] + 100 * RATES[TUNING]
    for _ in range(9):  # never beyond its end
        time_left.advance()
    assert time_left.seconds_left() > 0
