"""The mathematics: nodes, replayable noise, and one file per gradient estimator."""
