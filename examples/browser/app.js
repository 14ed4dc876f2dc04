const QUERY = `query Why($patient: ID!, $source: ID, $at: DateTime) {
  patient(id: $patient, source: $source) {
    results(of: ["egfr"], at: $at) {
      text
      chain {
        module { citation } claim warrant
        grounds { concept { display } value { ... on Absent { reason } } recorded effective steps }
      }
      issues { severity text }
    }
  }
}`;
const element = (id) => document.getElementById(id);
const add = (place, tag, text) => place.appendChild(Object.assign(document.createElement(tag), { textContent: text }));

async function main() {
  const refusal = new URLSearchParams(location.search); // the authorisation server's, in place of a code
  if (refusal.has("error")) throw new Error(refusal.get("error_description") ?? refusal.get("error"));
  const client = await FHIR.oauth2.init({ clientId: SETTINGS.clientId, scope: SETTINGS.scope, pkceMode: "required" });
  const response = await fetch(SETTINGS.graphql, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: client.getAuthorizationHeader() },
    body: JSON.stringify({ query: QUERY, variables: { patient: client.patient.id, source: SETTINGS.source, at: SETTINGS.at } }),
  }).catch(() => { throw new Error(`${SETTINGS.graphql} did not answer this page: is it running, and is ${location.origin} in its server.origins?`); });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors.map((error) => error.message).join(" "));
  const [egfr] = data.patient.results;
  element("claim").textContent = egfr.text;
  for (const { severity, text } of egfr.issues) add(element("issues"), "li", `${severity}: ${text}`);
  for (const { module, claim, warrant, grounds } of egfr.chain) {
    const list = add(add(element("why"), "li", `${claim} ${warrant} (${module.citation.join("; ")})`), "ul", "");
    for (const { concept, value, recorded, effective, steps } of grounds) {
      const from = steps.length ? `step ${steps.map((position) => position + 1)}` : value.reason ?? recorded ?? "as above";
      add(list, "li", [`${concept.display}: ${from}`, effective].filter(Boolean).join(", "));
    }
  }
}
main().catch((error) => { element("claim").textContent = "No answer."; element("problem").textContent = error.message; });
