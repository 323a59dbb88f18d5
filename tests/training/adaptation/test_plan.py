from speechlstm.config import NetworkConfig, Settings
from speechlstm.training.adaptation.plan import make_plan


def test_little_speech_trains_the_upper_layers_and_is_cross_validated() -> None:
    plan = make_plan(200, num_layers=4, same_labels=True)
    assert (plan.frozen_layers, plan.num_folds) == (2, 3)
    settings = plan.settings(Settings(model=NetworkConfig(num_layers=4)), 5)
    assert (settings.training.num_epochs, settings.training.frozen_layers) == (5, 2)
    assert settings.model.num_layers == 4


def test_more_speech_trains_all_layers() -> None:
    plan = make_plan(3600, num_layers=4, same_labels=True)
    assert (plan.frozen_layers, plan.num_folds) == (0, 0)


def test_another_language_trains_all_layers_however_little_there_is() -> None:
    assert make_plan(60, 4, same_labels=False).frozen_layers == 0
    longer = make_plan(60, 4, same_labels=False).num_epochs
    assert longer > make_plan(3600, 4, same_labels=False).num_epochs
