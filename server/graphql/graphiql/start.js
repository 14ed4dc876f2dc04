// The endpoint is this server's own; nothing is fetched from elsewhere.
const fetcher = GraphiQL.createFetcher({ url: '/graphql' });

// Queries name patients. GraphiQL would keep them in the browser; here they last as long as the page.
const kept = new Map();
const storage = {
  get length() { return kept.size; },
  getItem: (name) => kept.get(name) ?? null,
  setItem: (name, value) => { kept.set(name, value); },
  removeItem: (name) => { kept.delete(name); },
  clear: () => { kept.clear(); },
};

ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, { fetcher, storage }),
);
