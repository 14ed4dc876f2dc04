"""The query for everything that an answer has; what the command line prints as JSON."""

_CODING = "system code display"
_CONCEPT = f"id iri display codes {{ {_CODING} }}"
_RECORD = "url type id version source"
_INTERVAL = "low high unit level text"

WHOLE = f"""
query Whole($patient: ID!, $source: ID, $of: [ID!]!, $at: DateTime, $assume: [Assumption!]) {{
  patient(id: $patient, source: $source) {{
    id
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
        contributions {{
          scale base output residual background
          items {{ slot value {{ ...value }} amount }}
          groups {{ text slots amount }}
        }}
        standing {{ measured of shareMeasured outOfDistribution outside calibration maturity }}
      }}
      issues {{ severity code text slot }}
    }}
  }}
}}
fragment value on Value {{
  __typename
  ... on Quantity {{ value unit }}
  ... on Bound {{ comparator value unit }}
  ... on Coding {{ {_CODING} }}
  ... on Flag {{ is }}
  ... on Date {{ start end }}
  ... on Series {{ unit points {{ time value }} }}
  ... on Absent {{ reason }}
}}
"""
