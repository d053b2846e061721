"""The harness: problems, truth, moments, measurement, timing, records, studies."""
