"""DetectionReward: what is paid, what isn't, and what can't be gamed."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from vrft_rewards import PROFILES, DetectionReward

Box = list[float]
TRUE: Box = [100, 100, 300, 300]
OTHER: Box = [500, 500, 700, 700]
WRONG: Box = [800, 0, 900, 50]


def say(*boxes: tuple[Box, float]) -> str:
    items = ", ".join(f"{{'Position': {box}, 'Confidence': {confidence}}}" for box, confidence in boxes)
    return f"<think>I look.</think><answer>[{items}]</answer>"


NOTHING = "<think>I look.</think><answer>No Objects</answer>"


@pytest.mark.parametrize("profile", list(PROFILES))
def test_full_marks(profile: str) -> None:
    reward = DetectionReward(profile)
    assert reward.score(say((TRUE, 1), (OTHER, 1)), [TRUE, OTHER]).value == reward.bounds[1]
    assert reward.score(NOTHING, []).value == reward.bounds[1]
    assert reward.bounds[1] == (2.0 if profile == "vlm-r1" else 3.0)


@pytest.mark.parametrize("profile", list(PROFILES))
@pytest.mark.parametrize("completion", ["", "<answer>", None, 7, [], "<think>a</think><answer>a bus</answer>"])
def test_nothing_readable_earns_nothing_whatever_the_truth(profile: str, completion: object) -> None:
    for truth in ([], [TRUE]):
        score = DetectionReward(profile).score(completion, truth)
        assert score.parts["iou"] == score.parts["confidence"] == 0
        assert score.reason


@pytest.mark.parametrize(
    ("profile", "answer", "truth", "iou", "confidence"),
    [
        # The paper: over n, c for a hit, 1 - c otherwise.
        ("paper", say((TRUE, 0.8), (WRONG, 0.3)), [TRUE, OTHER], 1 / 2, (0.8 + 0.7) / 2),
        ("paper", say((TRUE, 0.8)), [TRUE, OTHER], 1.0, 0.8),
        ("paper", say((TRUE, 0.8), (TRUE, 0.6)), [TRUE], 1 / 2, (0.8 + 0.4) / 2),
        # The released code: over max(n, m), duplicates dropped, a strict threshold.
        ("visual-rft", say((TRUE, 0.8)), [TRUE, OTHER], 1 / 2, 0.8),
        ("visual-rft", say((TRUE, 0.8), (TRUE, 0.6)), [TRUE], 1.0, 0.8),
        ("visual-rft", say(([100, 100, 300, 200], 1)), [TRUE], 0.0, 0.0),
        ("paper", say(([100, 100, 300, 200], 1)), [TRUE], 0.5, 1.0),
        # The default: over (n + m) / 2; half for the hit and half for knowing it.
        ("default", say((TRUE, 1)), [TRUE, OTHER], 2 / 3, (1 + 0.5) / 2),
        ("default", say((TRUE, 0.5)), [TRUE], 1.0, 1 - 0.5 * 0.25),
        ("default", say((WRONG, 1)), [TRUE], 0.0, 0.0),
        ("default", say((WRONG, 0)), [TRUE], 0.0, 0.5),
        ("default", say((TRUE, 1), (WRONG, 0)), [TRUE], 2 / 3, (1 + 0.25) / 2),
        ("default", say((WRONG, 1)), [], 0.0, 0.0),
        ("default", NOTHING, [TRUE], 0.0, 0.0),
    ],
)
def test_parts(profile: str, answer: str, truth: list[Box], iou: float, confidence: float) -> None:
    parts = DetectionReward(profile).score(answer, truth).parts
    assert list(parts) == ["iou", "confidence", "format"]
    assert parts["iou"] == pytest.approx(iou)
    assert parts["confidence"] == pytest.approx(confidence)
    assert parts["format"] == 1.0


@pytest.mark.parametrize(
    ("answer", "truth", "words"),
    [
        (NOTHING, [TRUE], "there are 1"),
        (NOTHING, [], "rightly"),
        (say((WRONG, 1)), [], "where there are no objects"),
        (say((WRONG, 1)), [TRUE], "0 of 1 objects found, 1 wrong box"),
        (say((TRUE, 1), (WRONG, 1)), [TRUE, OTHER], "1 of 2 objects found, mean IoU 1.00, 1 wrong box"),
        ("<think>a</think>", [TRUE], "there is no answer; format wrong: no <answer> block"),
        ("<think>a</think><answer>[30, 40, 10, 20]</answer>", [TRUE], "inverted"),
        ("<think>a</think><answer>a bus</answer>", [TRUE], "no box could be read"),
        ("<answer>[30, 40, 100, 200]</answer>", [TRUE], "no <think> block"),
    ],
)
def test_reasons_are_for_people(answer: str, truth: list[Box], words: str) -> None:
    assert words in DetectionReward().score(answer, truth).reason


class TestNothingToGain:
    """The cheats of facts.md against the default profile: none beats, or even reaches, an honest answer."""

    reward = DetectionReward()

    def value(self, answer: str, truth: list[Box]) -> float:
        return self.reward.score(answer, truth).value

    def test_a_correct_no_objects_is_worth_a_perfect_box(self) -> None:
        assert self.value(NOTHING, []) == self.value(say((TRUE, 1)), [TRUE])

    def test_one_box_among_many_is_not_full_marks(self) -> None:
        truth: list[Box] = [[x, 0, x + 50, 50] for x in range(0, 1000, 100)]
        assert self.reward.score(say((truth[0], 1)), truth).parts["iou"] < 0.2

    def test_repeating_a_right_box_costs(self) -> None:
        assert self.value(say((TRUE, 1), (TRUE, 1)), [TRUE]) < self.value(say((TRUE, 1)), [TRUE])
        assert self.value(say((TRUE, 1), (TRUE, 0)), [TRUE]) < self.value(say((TRUE, 1)), [TRUE])

    def test_wrong_boxes_of_confidence_zero_stay_cheap_and_cheaper_in_numbers(self) -> None:
        paid = [
            self.reward.score(say(*[([900.0, n, 950, n + 5], 0.0) for n in range(count)]), [TRUE]).parts["confidence"]
            for count in (1, 2, 5, 50)
        ]
        assert paid[0] == 0.5
        assert paid == sorted(paid, reverse=True)
        assert paid[-1] == pytest.approx(0.01)

    def test_confidence_is_best_stated_as_it_is(self) -> None:
        for chance in (0.1, 0.3, 0.5, 0.8):
            expected = {
                c / 20: chance * self.value(say((TRUE, c / 20)), [TRUE])
                + (1 - chance) * self.value(say((WRONG, c / 20)), [TRUE])
                for c in range(21)
            }
            assert max(expected, key=expected.__getitem__) == pytest.approx(chance)

    def test_leaving_the_confidence_out_is_stating_full_confidence(self) -> None:
        for box in (TRUE, WRONG):
            assert self.value(f"<think>a</think><answer>{box}</answer>", [TRUE]) == self.value(say((box, 1)), [TRUE])

    @pytest.mark.parametrize("confidence", [50, -9])
    def test_absurd_confidences_earn_no_more_than_honest_ones(self, confidence: float) -> None:
        assert self.value(say((TRUE, confidence)), [TRUE]) <= self.value(say((TRUE, 1)), [TRUE])
        assert self.value(say((WRONG, confidence)), [TRUE]) <= self.value(say((WRONG, 0)), [TRUE])

    def test_boxes_in_the_thinking_or_in_a_first_answer_do_not_count(self) -> None:
        leak = f"<think><answer>{TRUE}</answer></think><answer>{WRONG}</answer>"
        hedge = f"<think>a</think><answer>{TRUE}</answer><answer>{WRONG}</answer>"
        assert self.reward.score(leak, [TRUE]).parts["iou"] == 0
        assert self.reward.score(hedge, [TRUE]).parts["iou"] == 0

    def test_format_without_a_readable_answer_is_not_paid(self) -> None:
        assert self.value("<think>a</think><answer>a bus</answer>", [TRUE]) == 0

    def test_no_objects_beside_boxes_counts_as_boxes(self) -> None:
        both = f"<think>a</think><answer>{WRONG} No Objects</answer>"
        assert self.reward.score(both, []).parts["iou"] == 0

    def test_whole_image(self) -> None:
        assert self.reward.score(say(([0, 0, 1000, 1000], 1)), [TRUE]).parts["iou"] == 0


def test_spaces_of_answer_and_truth() -> None:
    reward = DetectionReward(space="norm1000", truth_space="pixels")
    score = reward.score(say(([250, 500, 500, 1000], 1)), [[160, 240, 320, 480]], image_size=(640, 480))
    assert score.value == 3.0
    with pytest.raises(ValueError, match="image_size"):
        reward.score(NOTHING, [TRUE])
    resized = DetectionReward(space="pixels-resized", truth_space="pixels")
    assert resized.score(say(([161, 238, 322, 476], 1)), [[160, 240, 320, 480]], (640, 480)).value == pytest.approx(3.0)


def test_optimal_matching_finds_what_greedy_misses() -> None:
    truth = [[0, 0, 100, 100], [0, 40, 100, 140]]
    answer = say(([0, 20, 100, 120], 0.9), ([0, 0, 100, 100], 0.8))
    assert DetectionReward(matching="optimal").score(answer, truth).parts["iou"] > 0.8
    assert DetectionReward().score(answer, truth).parts["iou"] < 0.5


def test_weights_and_bounds() -> None:
    reward = DetectionReward(iou_weight=2.0, format_weight=0.5)
    assert reward.bounds == (0.0, 3.5)
    assert reward.score(say((TRUE, 1)), [TRUE]).value == 3.5


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        (None, "truth"),
        ("[[1, 2, 3, 4]]", "truth"),
        ([1, 2, 3, 4], r"truth\[0\]: expected four numbers, got 1"),
        ([[1, 2, 3]], r"truth\[0\]: expected four numbers"),
        ([[1, 2, 3, 4], [1, 2, 3]], r"truth\[1\]: expected four numbers, got \[1, 2, 3\]"),
        ([[1, 2, 3, 4], None], r"truth\[1\]: expected four numbers, got None"),
        ([["1", "2", "3", "4"]], r"truth\[0\]: expected four numbers"),
        ([[True, False, True, True]], r"truth\[0\]: expected four numbers"),
        (None, "truth: expected"),
        ([TRUE, [1, 2, float("nan"), 4]], r"truth\[1\]"),
        ([TRUE, [5, 2, 3, 4]], r"truth\[1\]: expected x1 < x2"),
        ([[1, 2, 3, "x"]], "truth"),
    ],
)
def test_bad_truth_is_an_error(truth: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DetectionReward().score(NOTHING, truth)


def test_bad_batches_are_errors() -> None:
    reward = DetectionReward()
    with pytest.raises(ValueError, match="truths: expected 2"):
        reward.score_batch([NOTHING, NOTHING], [[]])
    with pytest.raises(ValueError, match="image_sizes: expected 1"):
        reward.score_batch([NOTHING], [[]], [])
    for completions, truths in ((None, []), ([NOTHING], None), ("ab", [[], []]), ([NOTHING], {0: []}), (iter([]), [])):
        with pytest.raises(ValueError, match=r"(completions|truths): expected a list"):
            reward.score_batch(completions, truths)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"truths\[1\]\[0\]: expected four numbers"):
        reward.score_batch([NOTHING, NOTHING], [[], [[1, 2, 3]]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"profile": "papr"}, "profile: unknown profile 'papr'"),
        ({"iou_treshold": 0.5}, "unknown field 'iou_treshold', did you mean iou_threshold"),
        ({"iou_threshold": 2}, "iou_threshold: expected a number in"),
        ({"iou_threshold": float("nan")}, "iou_threshold"),
        ({"space": "norm10"}, "space: expected one of"),
        ({"strict": "yes"}, "strict: expected True or False"),
        ({"max_boxes": 0}, "max_boxes"),
        ({"format_weight": -1}, "format_weight"),
    ],
)
def test_bad_configuration_is_an_error(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DetectionReward(**arguments)  # type: ignore[arg-type]


def test_completions_of_every_shape() -> None:
    reward, text = DetectionReward(), say((TRUE, 1))
    message = [{"role": "assistant", "content": text}]
    parts = [{"role": "assistant", "content": [{"type": "text", "text": text}]}]
    for completion in (text, message, parts, parts[0]["content"]):
        assert reward.score(completion, [TRUE]).value == 3.0


def test_pickles_and_threads_give_the_same() -> None:
    reward = pickle.loads(pickle.dumps(DetectionReward("visual-rft")))
    answers = [say((TRUE, n / 100), (WRONG, 1 - n / 100)) for n in range(100)]
    expected = [reward.score(answer, [TRUE, OTHER]) for answer in answers]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda answer: reward.score(answer, [TRUE, OTHER]), answers)) == expected
