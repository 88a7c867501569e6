"""Audio of a video's address: what may be asked for, and the confined process that fetches it."""
