"""Fits the model.  Data: ``whas500.arff`` of scikit-survival 0.28.0.

make training-data; make train MODEL=mortality-after-mi-1y
"""

from pathlib import Path

import numpy as np

from training.candidates import Column
from training.data import DataError, member, number
from training.run import Task, run

NAMES = (
    "age", "gender", "hr", "sysbp", "diasbp", "bmi", "cvd", "afb", "sho", "chf", "av3", "miord", "mitype", "los",
    "lenfol", "fstat",
)  # fmt: skip
DIGEST = "f64040c91398875137822eca306a927208df6896808cd9764af7065722fa53d6"
# Directions as in clinical scores (GRACE): risk rises with age, with a fast pulse, and with a low pressure.  Atrial
# fibrillation is no input: in these data it lowers the risk, which is clinically implausible, and with its direction
# constrained its weight was 0.
COLUMNS = (
    Column("age", rises=1),
    Column("heart_rate", rises=1, decimals=0),
    Column("systolic", rises=-1, decimals=0),
    Column("body_mass_index"),
    Column("heart_failure", "flag", rises=1),
    Column("shock", "flag", rises=1),
)
SOURCES = ("age", "hr", "sysbp", "bmi", "chf", "sho")


def task(data: Path) -> Task:
    """The task: patients with infarction, and who died within 365 days.  Raises DataError, also for censored ones."""
    text = member(data, "scikit_survival-0.28.0-*.whl", "sksurv/datasets/data/whas500.arff", DIGEST)
    lines = text.partition("@DATA")[2].strip().splitlines()
    people = [dict(zip(NAMES, line.split(","), strict=True)) for line in lines]
    if any(float(each["lenfol"]) < 365 and each["fstat"] == "0" for each in people):
        raise DataError("somebody was censored within the year")
    died = np.array([int(float(each["lenfol"]) <= 365 and each["fstat"] == "1") for each in people])
    age, woman = (np.array([number(each[name]) for each in people]) for name in ("age", "gender"))
    return Task(
        columns=COLUMNS,
        rows=np.array([[number(each[name]) for name in SOURCES] for each in people]),
        happened=died,
        repeats=10,
        folds=10,
        thresholds=(0.1, 0.2, 0.3),
        bins=8,
        least=(3, [column.name for column in COLUMNS[1:]]),
        people="patients",
        correlated={"circulation": ("heart_rate", "systolic", "shock")},
        groups={
            "men": woman == 0,
            "women": woman == 1,
            "below 65 years": age < 65,
            "65 to 79 years": (age >= 65) & (age < 80),
            "80 years and over": age >= 80,
        },
    )


if __name__ == "__main__":
    run(task, Path(__file__).parent)
