"""`tether import`: whole files of facts, quickly, and so that nothing is lost whatever dies in between."""
