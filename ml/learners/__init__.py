"""Classifiers behind one interface: what goes in (``columns``), which ones there are (``candidates``), one that is
fitted and calibrated (``probability_model``), and why it says what it says (``reasons``)."""
