"""Tests of the monitoring bundle: rules, routes, dashboards, runbooks and manifests."""
