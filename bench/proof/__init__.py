"""Exact means and variances of estimators, without sampling error: laws, rules, truths."""
