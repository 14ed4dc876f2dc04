"""The only room that knows GraphQL types."""
