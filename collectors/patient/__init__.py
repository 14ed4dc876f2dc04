"""The patient's own record: birth date, sex, death."""
