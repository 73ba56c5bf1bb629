from __future__ import annotations

import json
import random

import numpy as np
import pytest

from penstock.evidence.difficulty import LEAST_LABELS, MOST_LABELS, SCORES_LABELS, Difficulty, Trained, train
from penstock.evidence.features import Features, prompt_features

HARD, EASY = "prove the theorem about {} step by step, with a diagram", "what colour is {}?"


def examples(count: int, seed: int = 1) -> tuple[list[str], list[Features], list[float]]:
    """Two tasks of which one is worse for the candidate, and inside both the prompts that ask for a proof are."""
    draw = random.Random(seed)
    tasks, features, differences = [], [], []
    for index in range(count):
        hard, task = draw.random() < 0.5, draw.choice(["letters", "sums"])
        lose = 0.1 + 0.5 * hard + 0.3 * (task == "sums")
        tasks.append(task)
        features.append(prompt_features((HARD if hard else EASY).format(f"thing {index}")))
        differences.append(-float(draw.random() < lose))
    return tasks, features, differences


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(*examples(300))


def test_prompts_like_the_ones_that_were_lost_are_predicted_worse(trained: Trained) -> None:
    hard, easy = (prompt_features(text.format("a new one")) for text in (HARD, EASY))
    model = trained.model
    assert model.predict("letters", hard) < model.predict("letters", easy) - 0.2
    assert model.predict("sums", easy) < model.predict("letters", easy) - 0.1


def test_an_unknown_task_falls_back_on_what_the_prompt_says(trained: Trained) -> None:
    hard, easy = (prompt_features(text.format("a new one")) for text in (HARD, EASY))
    assert trained.model.predict("never seen", hard) < trained.model.predict("never seen", easy)


def test_left_out_predictions_order_the_labels_without_having_seen_them(trained: Trained) -> None:
    _, _, differences = examples(300)
    assert np.corrcoef(trained.left_out, differences)[0, 1] > 0.3


def test_left_out_predictions_are_those_of_a_model_trained_without_the_example() -> None:
    tasks, features, differences = examples(80)
    whole = train(tasks, features, differences)
    without = train(tasks[1:], features[1:], differences[1:]).model
    assert whole.left_out[0] == pytest.approx(without.predict(tasks[0], features[0]), abs=0.15)


def test_labels_that_carry_no_signal_give_nearly_the_mean() -> None:
    draw = random.Random(4)
    _, features, _ = examples(200)
    model = train(["t"] * 200, features, [draw.choice([-1.0, 0.0, 1.0]) for _ in range(200)]).model
    spread = [model.predict("t", one) for one in features]
    assert np.std(spread) < 0.25
    assert np.mean(spread) == pytest.approx(model.mean, abs=0.05)


def test_a_model_survives_its_json(trained: Trained) -> None:
    again = Difficulty.from_builtins(json.loads(json.dumps(trained.model.to_builtins())))
    for text in ("what colour is the sky?", "", "sum 3 and 4"):
        features = prompt_features(text)
        assert again.predict("sums", features) == pytest.approx(trained.model.predict("sums", features), abs=1e-5)
    assert (again.labels, again.ridge) == (300, trained.model.ridge)


def test_a_model_of_other_features_is_refused(trained: Trained) -> None:
    value = trained.model.to_builtins()
    with pytest.raises(ValueError, match="other features"):
        Difficulty.from_builtins({**value, "text": value["text"][:4000]})


def test_too_few_labels_give_no_model_and_of_too_many_the_newest_are_used() -> None:
    tasks, features, differences = examples(LEAST_LABELS)
    with pytest.raises(ValueError, match="at least"):
        train(tasks[:-1], features[:-1], differences[:-1])
    with pytest.raises(ValueError, match="each example"):
        train(tasks[:-1], features, differences)
    many = MOST_LABELS // LEAST_LABELS + 1
    model = train(["old"] * 60 + tasks * many, features + features * many, [1.0] * 60 + differences * many).model
    assert model.labels == MOST_LABELS
    assert "old" not in model.tasks


def scored(count: int, seed: int = 5) -> tuple[list[str], list[Features], np.ndarray, np.ndarray]:
    """Both models fail at proofs and both know colours; only sums tell them apart."""
    draw = random.Random(seed)
    right = {"prove": (0.02, 0.02), "colour": (0.98, 0.98), "sum": (0.9, 0.2)}
    texts = {"prove": HARD, "colour": EASY, "sum": "add {} to the total of the bill"}
    kinds = [draw.choice(list(right)) for _ in range(count)]
    features = [prompt_features(texts[kind].format(f"thing {index}")) for index, kind in enumerate(kinds)]
    reference = np.array([float(draw.random() < right[kind][0]) for kind in kinds])
    candidate = np.array([float(draw.random() < right[kind][1]) for kind in kinds])
    return ["t"] * count, features, candidate - reference, reference


def test_scores_of_both_models_may_be_given_and_survive_json() -> None:
    tasks, features, differences, reference = scored(SCORES_LABELS)
    model = train(tasks, features, differences.tolist(), reference.tolist()).model
    again = Difficulty.from_builtins(json.loads(json.dumps(model.to_builtins())))
    assert set(again.to_builtins()) > {"score_rows", "score_scale", "scores"}
    texts = {"sum": "add a new thing to the total of the bill", "proof": HARD.format("a"), "colour": EASY.format("a")}
    found = {name: model.predict("t", prompt_features(text)) for name, text in texts.items()}
    assert found["sum"] < min(found["proof"], found["colour"]) - 0.4
    for name, text in texts.items():
        assert again.predict("t", prompt_features(text)) == pytest.approx(found[name], abs=1e-5)


def test_few_labels_are_learnt_from_by_their_difference_alone() -> None:
    tasks, features, differences, reference = scored(200)
    plain = train(tasks, features, differences.tolist()).model
    same = train(tasks, features, differences.tolist(), reference.tolist()).model
    assert same.predict("t", features[0]) == pytest.approx(plain.predict("t", features[0]))


def test_a_reference_that_is_always_right_adds_nothing() -> None:
    tasks, features, differences = examples(SCORES_LABELS)
    plain = train(tasks, features, differences).model
    same = train(tasks, features, differences, [1.0] * SCORES_LABELS).model
    assert same.predict("sums", features[0]) == pytest.approx(plain.predict("sums", features[0]))


def test_scores_of_the_reference_are_one_per_example() -> None:
    tasks, features, differences = examples(80)
    with pytest.raises(ValueError, match="each example"):
        train(tasks, features, differences, [1.0] * 79)


def test_the_user_s_embedding_tells_what_words_do_not() -> None:
    draw = random.Random(9)
    hard = [draw.random() < 0.5 for _ in range(200)]
    plain = [prompt_features(f"question {n}") for n in range(200)]
    seen = [one._replace(vector=_vector(hard=is_hard)) for one, is_hard in zip(plain, hard, strict=True)]
    labels = [-float(is_hard and draw.random() < 0.7) for is_hard in hard]
    model = train(["t"] * 200, seen, labels).model
    asked = prompt_features("question 777")
    told = [model.predict("t", asked._replace(vector=_vector(hard=is_hard))) for is_hard in (True, False)]
    assert told[0] < told[1] - 0.3
    again = Difficulty.from_builtins(json.loads(json.dumps(model.to_builtins())))
    assert again.predict("t", asked._replace(vector=_vector(hard=True))) == pytest.approx(told[0], abs=1e-5)


def test_a_prompt_without_an_embedding_or_with_one_of_another_length_is_predicted_without() -> None:
    tasks, features, differences = examples(100)
    seen = [one._replace(vector=_vector(hard=index % 2 == 0)) for index, one in enumerate(features)]
    seen[-3] = features[-3]
    seen[-2] = features[-2]._replace(vector=np.ones(3, dtype=np.float32))
    model = train(tasks, seen, differences).model
    other = features[0]._replace(vector=np.ones(3, dtype=np.float32))
    assert model.predict(tasks[0], other) == model.predict(tasks[0], features[0])


def _vector(*, hard: bool) -> np.ndarray:
    return np.array([1.0, 0.0] if hard else [0.0, 1.0], dtype=np.float32)
