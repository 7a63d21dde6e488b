"""Generated rows. Each module is one family: slots, templates and `rows(rng, count)`."""
