"""A usual patient for each fitted model that is shipped: what is known of him, slot by slot."""

from tests.support.module_inputs import MALE

SUPPORT, INFARCTION, DIABETES = (
    "support-hospital-mortality-day3",
    "mortality-after-mi-1y",
    "hba1c-defined-diabetes",
)
ADMITTED = {
    "age": 71,
    "heart_rate": 88,
    "systolic": 132,
    "body_mass_index": "26.4",
    "heart_failure": True,
    "shock": False,
    "infarction": True,
}
VISITOR = {
    "age": 58,
    "sex": MALE,
    "body_mass_index": "33.1",
    "systolic": 141,
    "total_cholesterol": 205,
    "hdl_cholesterol": 39,
}
ILL = {
    "age": 66,
    "mean_pressure": 71,
    "heart_rate": 112,
    "respiratory_rate": 28,
    "temperature": "38.4",
    "leucocytes": "16.2",
    "oxygenation": 170,
    "creatinine": "1.9",
    "sodium": 136,
    "bilirubin": "1.4",
    "albumin": "2.5",
    "urea_nitrogen": 38,
    "glucose": 142,
    "organ_failure": True,
}
USUAL = {SUPPORT: ILL, INFARCTION: ADMITTED, DIABETES: VISITOR}
