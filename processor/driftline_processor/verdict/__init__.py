"""What decides: named events, natural variation, evidence and the decision. Pure arithmetic on cell counts.

Sources are named beside each formula. p and X of N rows are the reference's, q and x of n rows the window's.
"""
