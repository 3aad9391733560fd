"""What several verbs do, bringing rooms together: look at a site, collect it, put it in place, take it back."""
