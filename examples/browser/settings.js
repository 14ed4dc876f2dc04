// What differs from site to site.
const SETTINGS = {
  clientId: "egfr-page",                        // as the EHR's authorisation server has registered this page
  scope: "launch patient/*.rs",                 // launched by itself: "launch/patient patient/*.rs"
  graphql: "http://127.0.0.1:8000/graphql",     // medtwin; this page's origin stands in its `server.origins`
  source: undefined,                            // which source of medtwin's; needed where it has several
  at: undefined,                                // as of when; undefined: now
};
