"""Every JSON object that nnscratch gives, as plain dicts, lists, numbers and text.

Losses are mean nats per sample, accuracies and probabilities fractions 0–1, times seconds; what is
not known is null. Nothing is shortened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nnscratch.config import as_dict
from nnscratch.data import Dataset, Fetched
from nnscratch.errors import NNScratchError
from nnscratch.gradcheck import BlockCheck
from nnscratch.lab.compare import Comparison
from nnscratch.lab.journal import RunResult, as_record
from nnscratch.metrics import Report
from nnscratch.model import Model, Prediction, Why
from nnscratch.onnx_file import Exported
from nnscratch.reading import Reading
from nnscratch.runs import Finished
from nnscratch.training import EpochResult

if TYPE_CHECKING:
    from nnscratch.lab.grading.grade import (
        Grade,  # with all that it checks, which no other command needs
    )

MISTAKES_LISTED = 20


def fetched(file: Fetched) -> dict[str, Any]:
    """Say what became of one file of MNIST."""
    return {
        "file": file.name,
        "path": str(file.path),
        "status": file.status,
        "bytes": file.size_bytes,
    }


def packed(dataset: Dataset, folder: str, notes: Sequence[str]) -> dict[str, Any]:
    """Say what four files were made of labelled pictures."""
    return {
        "folder": folder,
        "train_samples": len(dataset.train_images),
        "test_samples": len(dataset.test_images),
        "sha256": dataset.sha256,
        "notes": list(notes),
    }


def epoch(result: EpochResult, watched: tuple[str, Prediction] | None = None) -> dict[str, Any]:
    """Say what one epoch came to, and what its network makes of a picture that is watched."""
    record = {"event": "epoch", **vars(result)}
    if watched is None:
        return record
    image, answer = watched
    keys = {"image": image, "digit": answer.digit, "probability": answer.probability}
    return {**record, "watched": {**keys, "probabilities": answer.probabilities.tolist()}}


def done(finished: Finished, model_path: str, notes: Sequence[str]) -> dict[str, Any]:
    """Say what a training run came to."""
    model = finished.model
    return {
        "event": "done",
        "model": model_path,
        "dataset": model.dataset,
        "test_loss": finished.report.loss,
        "test_accuracy": finished.report.accuracy,
        "seconds": finished.seconds,
        "settings": as_dict(model.config),
        "previous": str(finished.previous) if finished.previous else None,
        "notes": list(notes),
    }


def swept(result: RunResult) -> dict[str, Any]:
    """Say what one run of a sweep came to, as the line of its journal does.

    Both figures are null for a run that diverged, and `model` for one that was not kept.
    """
    return as_record(result)


def report(
    measured: Report,
    model: Model,
    model_path: str,
    dataset: str,
    split: str,
    mistakes: int,
    notes: Sequence[str],
    reasons: Sequence[Why] | None = None,
) -> dict[str, Any]:
    """Say how a model does on a set of pictures, with its most confident mistakes.

    Args:
        reasons: an account of each mistake, where that is wanted.
    """
    listed: list[dict[str, Any]] = [
        {
            "index": int(index),
            "true": int(measured.labels[index]),
            "predicted": int(measured.predicted[index]),
            "probability": float(measured.probability[index]),
        }
        for index in measured.mistakes(mistakes or MISTAKES_LISTED)
    ]
    if reasons is not None:
        listed = [{**m, "why": why(r)} for m, r in zip(listed, reasons, strict=True)]
    return {
        "model": model_path,
        "dataset": dataset,
        "split": split,
        "samples": len(measured.labels),
        "loss": measured.loss,
        "accuracy": measured.accuracy,
        "per_class": [vars(score) for score in measured.per_class],
        "calibration_error": measured.calibration_error,
        "reliability": [vars(tenth) for tenth in measured.reliability],
        "confusion_matrix": measured.confusion.tolist(),
        "settings": as_dict(model.config),
        "mistakes": listed,
        "hidden_unit_votes": model.network.parameters["W_o"].T[model.outspoken_units()].tolist(),
        "notes": list(notes),
    }


def reading(
    image: str, model_path: str, read: Reading, reasons: Sequence[Why] = ()
) -> dict[str, Any]:
    """Say what a model reads in a picture, and, if that is wanted, why: one account a digit.

    `digit`, `probability` and `probabilities` are null where there are several digits. A digit is
    `doubtful` if it is less than 60% sure, or looks more like none of the ten.
    """
    digits: list[dict[str, Any]] = [
        {
            "digit": one.digit,
            "probability": one.probability,
            "box": list(one.box),
            "row": one.row,
            "doubtful": one.doubtful,
        }
        for one in read.digits
    ]
    alone = read.single
    record = {
        "image": image,
        "model": model_path,
        "text": read.text,
        "digit": alone and alone.digit,
        "probability": alone and alone.probability,
        "probabilities": alone and alone.probabilities.tolist(),
        "digits": digits,
        "notes": list(read.notes),
    }
    if alone and reasons:
        return {**record, "why": why(reasons[0])}
    for one, reason in zip(digits, reasons, strict=False):
        one["why"] = why(reason)
    return record


def why(reason: Why) -> dict[str, Any]:
    """Say why a model says one digit and not another, in outputs before softmax.

    `pixels` and `constant` add up to `lead`; so do the shares of `units` and `bias`.
    """
    account, tipping = reason.account, reason.tipping
    return {
        "digit": account.digit,
        "against": account.against,
        "lead": account.lead,
        "constant": account.constant,
        "pixels": account.pixels.tolist(),
        "units": [{**vars(unit), "share": unit.share} for unit in account.units],
        "bias": account.bias,
        "seen": reason.seen.tolist(),
        "deskewed": reason.deskewed,
        "tipping": tipping and {**vars(tipping), "change": tipping.change.tolist()},
    }


def failure(image: str, error: NNScratchError, reason: Why | None = None) -> dict[str, Any]:
    """Say why there is no answer for a picture; for one that was refused, also with an account."""
    record = {"image": image, "error": error.what}
    return record if reason is None else {**record, "why": why(reason)}


def gradient_check(blocks: Sequence[BlockCheck], samples: str) -> dict[str, Any]:
    """Say how the gradients compare; `samples` says where the pictures came from."""
    return {
        "passed": all(block.passed for block in blocks),
        "samples": samples,
        "blocks": [
            {
                "block": block.name,
                "compared": block.compared,
                "absolute_error": block.absolute_error,
                "relative_error": block.relative_error,
                "passed": block.passed,
            }
            for block in blocks
        ],
    }


def comparison(compared: Comparison, dataset: str, notes: Sequence[str]) -> dict[str, Any]:
    """Say how models compare on the test pictures of a data set, the most accurate first.

    Each but the best has a difference from it: the pictures on which just one of the two is right,
    McNemar's p, that p corrected for their number, and whether the best is more than luckier.
    """
    best = compared.models[0]
    return {
        "dataset": dataset,
        "split": "test",
        "samples": compared.samples,
        "models": [
            {
                "model": model.name,
                "dataset": model.dataset,
                "accuracy": model.accuracy,
                "interval": list(model.interval),
                "loss": model.loss,
                "settings": as_dict(model.config),
                "history": model.history,
            }
            for model in compared.models
        ],
        "best": best.name,
        "differences": [
            {
                "model": model.name,
                "accuracy_difference": difference.net / compared.samples,
                "best_only": difference.best_only,
                "other_only": difference.other_only,
                "p": difference.p,
                "p_corrected": difference.p_corrected,
                "more_than_chance": not difference.is_chance,
            }
            for model, difference in zip(compared.models[1:], compared.differences, strict=True)
        ],
        "differing": {key: list(values) for key, values in compared.differing.items()},
        "notes": list(notes),
    }


def export(
    model: Model, model_path: str, output: str, exported: Exported, notes: Sequence[str]
) -> dict[str, Any]:
    """Say what was exported where, and whether its pictures are to be deskewed first."""
    return {
        "model": model_path,
        "output": output,
        "bytes": exported.size_bytes,
        "deskew": model.network.deskewed,
        "temperature": model.temperature,
        "notes": list(notes),
    }


def grade(graded: Grade) -> dict[str, Any]:
    """Say what a hand-in came to, check by check."""
    return {
        "file": graded.file,
        "points": graded.points,
        "out_of": graded.out_of,
        "verdict": graded.verdict,
        "checks": [vars(check) for check in graded.checks],
    }
