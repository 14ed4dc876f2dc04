"""The server: settings, catalog, compiler, executor, kinds, explain, GraphQL, command line."""
