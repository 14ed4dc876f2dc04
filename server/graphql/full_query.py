"""The query for everything that an answer has; what the command line prints as JSON.

Attribution is in a second query: it counts as many fields, and most do not ask for it.
"""

_CODING = "system code display"
_CONCEPT = f"id iri display codes {{ {_CODING} }}"
_RECORD = "url type id logicalId version source"
_INTERVAL = "low high unit level text"

_ATTRIBUTION = f"""
      attribution(baseline: $baseline, since: $since) {{
        text scale baseline base output residual flipped
        baseValue {{ ...value }}
        outputValue {{ ...value }}
        items {{
          concept {{ {_CONCEPT} }}
          slot
          from {{ ...value }}
          to {{ ...value }}
          amount error usual assumed alone needed effectiveBefore effective
          recordsBefore {{ {_RECORD} }}
          records {{ {_RECORD} }}
        }}
        groups {{ text amount error items {{ slot concept {{ id }} amount }} }}
        between {{ concept {{ {_CONCEPT} }} from {{ ...value }} to {{ ...value }} }}
        stayed {{ concept {{ {_CONCEPT} }} slot value {{ ...value }} why }}
      }}"""

_QUERY = f"""
query Whole($patient: ID!, $source: ID, $of: [ID!]!, $at: DateTime, $assume: [Assumption!]%(given)s) {{
  patient(id: $patient, source: $source) {{
    id logicalId
    reference
    results(of: $of, at: $at, assume: $assume) {{
      concept {{ {_CONCEPT} }}
      status
      value {{ ...value }}
      effective groundsFrom text
      interpretation {{ code {{ {_CODING} }} text citation }}
      interval {{ {_INTERVAL} }}
      risk {{ outcome horizon probability }}
      bounds {{ {_INTERVAL} }}
      recommendations {{ text strength citation }}
      intendedUse fingerprint
      records {{ {_RECORD} }}
      chain {{
        module {{ id iri title version kind citation }}
        value {{ ...value }}
        asOf claim
        grounds {{
          slot
          concept {{ {_CONCEPT} }}
          value {{ ...value }}
          effective
          records {{ {_RECORD} }}
          step steps assumed status issued recorded referenceRange interpretation
        }}
        warrant qualifier rebuttals fingerprint reused reason
        met {{ slot text low high points coding {{ {_CODING} }} citation }}
        contributions {{
          scale base output residual background
          items {{ slot value {{ ...value }} amount }}
          groups {{ text slots amount }}
        }}
        standing {{ measured of shareMeasured outOfDistribution outside calibration maturity }}
      }}
      issues {{ severity code text short slot step }}%(asked)s
    }}
  }}
}}
fragment value on Value {{
  __typename
  ... on Quantity {{ value unit text: display }}
  ... on Bound {{ comparator value unit }}
  ... on Coding {{ {_CODING} }}
  ... on Flag {{ is }}
  ... on DateRange {{ start end }}
  ... on Series {{ unit points {{ time value }} }}
  ... on Absent {{ reason }}
}}
"""

FULL_QUERY = _QUERY % {"given": "", "asked": ""}
FULL_QUERY_WITH_ATTRIBUTION = _QUERY % {"given": ", $baseline: Baseline!, $since: DateTime", "asked": _ATTRIBUTION}
"""The same with what moved each answer away from one baseline."""
