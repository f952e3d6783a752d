"""Learning from use: exploration, off-policy evaluation, position bias, and weights fitted to debiased actions."""
