const QUERY = `query Why($patient: ID!, $source: ID, $at: DateTime) {
  patient(id: $patient, source: $source) {
    results(of: ["egfr"], at: $at) {
      text
      chain { claim warrant grounds { concept { display } recorded effective } }
      issues { text }
    }
  }
}`;
const element = (id) => document.getElementById(id);
const add = (place, tag, text) => place.appendChild(Object.assign(document.createElement(tag), { textContent: text }));

async function main() {
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
  for (const step of egfr.chain) {
    const item = add(element("why"), "li", `${step.claim} ${step.warrant}`);
    const list = add(item, "ul", "");
    for (const { concept, recorded, effective } of step.grounds) add(list, "li", `${concept.display}: ${recorded ?? "see above"} (${effective ?? "no time"})`);
  }
  for (const { text } of egfr.issues) add(element("issues"), "li", text);
}
main().catch((error) => { element("claim").textContent = "No answer."; element("problem").textContent = error.message; });
