"""What the town publishes: does the log only grow, and is its index honest (`einmal log audit-index`)?"""
