"""Customer segments: K-Means on recency, frequency and money, with k chosen by stability and clusters named in words.

Entry point: :func:`ml.segments.customer_segments.segment_customers`.
"""
