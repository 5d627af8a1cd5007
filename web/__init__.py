"""HTTP that is not GraphQL: webhooks, the GraphiQL page, health and metrics."""
