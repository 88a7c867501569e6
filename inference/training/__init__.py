"""Guitar music made to order, with exact labels: what the transcriber is trained and tuned on."""
