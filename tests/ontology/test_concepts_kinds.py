"""What the codes of several concepts say of each other: kinds within kinds, products of several kinds, and editions."""

import pytest

from ontology.concepts import Origin
from tests.support.engine_questions import shipped

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"

# Products, as the eCQM value sets name them: of hypertension (2.16.840.1.113883.3.526.1577), of inhibitors of ACE
# (2.16.840.1.113883.3.526.3.1139), of intense, moderate and weak statins (2.16.840.1.113883.3.526.3.1572, 1575, 1574);
# those of other kinds as third-party records of synthetic patients have them.
# Lisinopril, with and without hydrochlorothiazide; captopril, enalapril, benazepril, ramipril.
ACE_PRODUCTS = (
    "311353 311354 314076 314077 205326 197884 197885 197886 197887 317173 858804 858813 858817 858810 "
    "898723 898687 898690 898719 198188 198189 261962"
)
# Amlodipine, sartans, beta blockers, diuretics, hydralazine.
OTHER_PRESSURE_PRODUCTS = (
    "308135 979485 979492 979480 979468 979464 979471 349483 349199 349201 349200 200094 200095 200096 "
    "349401 349405 866924 866514 866511 866427 866436 866412 686924 854905 854901 310798 429503 313096 "
    "905225 905395"
)
# Of two kinds: antihypertensive and statin.
AMLODIPINE_WITH_ATORVASTATIN = "597971 597974 597993 597977 597980 597984 404011 597987 597967 597990 404013"
# Atorvastatin, simvastatin, rosuvastatin, pravastatin.
STATIN_PRODUCTS = "617312 617310 617311 314231 198211 859747 859751 859419 904458 904467 904475"
# 500, 1000 and 850 mg.
METFORMIN_PRODUCTS = "861007 861004 861010"
# Sitagliptin with its tablets; dapa-, empa- and ertugliflozin.
GLIPTINS_AND_GLIFLOZINS = "593411 665033 665042 665038 1488564 1545653 1992672"
SARTANS = (
    "1091643 214354 83515 83818 200094 200095 200096 52175 979485 979492 979480 979468 979464 979471 321064 349401 "
    "349405 73494 69749 349483 349199 349201 349200"
)
# Hydrochlorothiazide, alone and with lisinopril or losartan.
DIURETICS = "316049 310798 429503 197885 197886 197887 979468 979464 979471"
# Of none of these kinds.
OTHER_PRODUCTS = "313782 309362 562251 834102 966222 1049630 310325 197604"
ACE_INGREDIENTS = "18867 1998 3827 50166 29046 30131 54552 35208 35296 38454"
RXNORM_CODES = {
    "oral-anticoagulant": "11289 855332 1364430 1114195 1037042 1599538",
    "ace-inhibitor": f"{ACE_INGREDIENTS} 833036 {ACE_PRODUCTS}",
    "metformin": f"6809 860975 {METFORMIN_PRODUCTS}",
    "glucose-lowering": f"6809 860975 {METFORMIN_PRODUCTS} {GLIPTINS_AND_GLIFLOZINS}",
    "sitagliptin": "593411 665033 665042 665038",
    # Public sources disagree on these ingredients; of finerenone there is none.
    "saxagliptin": "",
    "canagliflozin": "",
    "dapagliflozin": "1488564",
    "empagliflozin": "1545653",
    "ertugliflozin": "1992672",
    "finerenone": "",
    # Ibuprofen, naproxen, diclofenac, meloxicam, celecoxib; none for the skin.
    "nsaid": "5640 310965 197805 197806 197807 7258 849574 198014 855926 855942 857707 857705 41493 311486 152695 "
    "140587 205322 205323",
    "topical-nsaid": "857700 1487074 855626 141997 389244 141998",
    "aminoglycoside": "",
    "angiotensin-receptor-blocker": SARTANS,
    "diuretic": DIURETICS,
    "statin": "83367 41127 6472 861634 42463 301542 36567 259255 312961 "
    f"{STATIN_PRODUCTS} {AMLODIPINE_WITH_ATORVASTATIN}",
    "lipid-lowering": "",
    "antihypertensive": f"{ACE_INGREDIENTS} 1091643 214354 321064 52175 69749 73494 83515 83818 149 1202 19484 20352 "
    "31555 6185 6918 7226 8332 8787 17767 197361 316049 833036 "
    f"{ACE_PRODUCTS} {OTHER_PRESSURE_PRODUCTS} {AMLODIPINE_WITH_ATORVASTATIN}",
    "other-medication": OTHER_PRODUCTS,
}


def codes(name: str) -> set[tuple[str, str]]:
    return {(each.coding.system, each.coding.code) for each in shipped().concepts[name].accepted}


def test_ingredients_and_products_of_rxnorm() -> None:
    medications = {each.id for each in shipped().concepts.values() if each.origin is Origin.MEDICATION}
    found = {name: {code for system, code in codes(name) if system == RXNORM} for name in medications}
    assert found == {name: set(listed.split()) for name, listed in RXNORM_CODES.items()}


def test_chronic_dialysis_has_only_codes_of_dialysis() -> None:
    assert codes("chronic-dialysis") <= codes("dialysis")


@pytest.mark.parametrize("kind", sorted(set(RXNORM_CODES) - {"other-medication"}))
def test_what_is_listed_as_another_medication_is_of_no_kind(kind: str) -> None:
    assert not codes("other-medication") & codes(kind)


def test_what_is_put_on_the_skin_is_no_nsaid_here() -> None:
    assert not codes("topical-nsaid") & codes("nsaid")


def test_a_combination_of_metformin_is_of_each_of_its_kinds() -> None:
    """As their names in ATC say; what is of two kinds must not pass for one alone."""
    by_name = {
        (each.coding.code, each.coding.display or "")
        for name in ("metformin", "sitagliptin", "saxagliptin", "canagliflozin", "dapagliflozin", "empagliflozin")
        for each in shipped().concepts[name].accepted
        if each.coding.code.startswith("A10BD")
    }
    for code, display in by_name:
        for name in ("metformin", "sitagliptin", "saxagliptin", "canagliflozin", "dapagliflozin", "empagliflozin"):
            listed = {c for _, c in codes(name)}
            assert (name in display.casefold()) == (code in listed), (code, display, name)


def test_amlodipine_with_atorvastatin_is_both() -> None:
    """404011 in the eCQM value sets of hypertension (3.526.1577) and of intense statins (3.526.3.1572)."""
    assert (RXNORM, "404011") in codes("antihypertensive") & codes("statin")


def test_the_german_edition_of_icd_has_the_codes_of_the_who() -> None:
    who, german = "http://hl7.org/fhir/sid/icd-10", "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
    for name in shipped().concepts:
        of_both = {system: {code for s, code in codes(name) if s == system} for system in (who, german)}
        assert of_both[who] == of_both[german], name
