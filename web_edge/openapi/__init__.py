"""What the REST paths take and answer, told as OpenAPI 3.1 from the routes themselves."""
